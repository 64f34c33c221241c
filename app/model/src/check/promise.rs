//! Promises: ends that are not there, ports that nobody has, and what is said twice.

use crate::{
    Cluster, Observed,
    cluster::Promise,
    note::{Note, Sentence, Severity},
};

use super::note;

pub fn check(observed: &Observed, committed: &Cluster, draft: &Cluster, notes: &mut Vec<Note>) {
    for (nth, promise) in draft.promises.iter().enumerate() {
        // What was committed is not blocked for what has become of its ends since.
        let new = !committed.promises.contains(promise);
        let mut say = |severity, code: &str, field: &str, text| {
            notes.push(note(severity, promise.from.subject(), code, text, Some(promise.field(field))));
        };
        for (code, field, text) in document(draft, nth, promise) {
            say(Severity::Block, code, field, text);
        }
        for wrong in promise.question().check(observed) {
            let field = wrong.field.as_deref().unwrap_or_default();
            let field = match field.split('.').next() {
                Some("probe") => {
                    if promise.tcp.is_some() {
                        "tcp"
                    } else {
                        "udp"
                    }
                }
                Some(end) => end,
                None => field,
            };
            say(if new { Severity::Block } else { Severity::Warn }, &wrong.code, field, wrong.text);
        }
        if let Some(through) = promise.through.as_deref().filter(|guest| !observed.domains.contains_key(*guest)) {
            let text =
                Sentence::new(format!("there is no guest {through:?}"), format!("没有名为 {through:?} 的虚拟机"));
            say(if new { Severity::Block } else { Severity::Warn }, "unknown-guest", "through", text);
        }
    }
}

/// What is wrong with it in itself.
fn document(draft: &Cluster, nth: usize, promise: &Promise) -> Vec<(&'static str, &'static str, Sentence)> {
    let mut wrong = Vec::new();
    if promise.tcp.is_some() && promise.udp.is_some() {
        let text = Sentence::new("A promise is about one port: tcp or udp.", "一个承诺只针对一个端口：tcp 或 udp。");
        wrong.push(("two-ports", "udp", text));
    }
    if promise.refused && promise.through.is_some() {
        let text = Sentence::new(
            "What must not get there goes through nobody: say either refused or through.",
            "不得到达的流量不会经过任何人：refused 和 through 只能说其一。",
        );
        wrong.push(("refused-through", "through", text));
    }
    let same = |other: &Promise| other.question() == promise.question();
    if draft.promises[..nth].iter().any(same) {
        let text = Sentence::new("This promise is made twice.", "同一个承诺出现了两次。");
        wrong.push(("promised-twice", "to", text));
    }
    wrong
}
