//! Guests and networks that a document says to start with the host.

use std::collections::BTreeSet;

use crate::{
    Cluster, Observed, dhcp,
    note::{Note, Sentence, Severity, Subject},
    observed::{Source, SourceState},
};

use super::note;

pub fn check(observed: &Observed, committed: &Cluster, draft: &Cluster, notes: &mut Vec<Note>) {
    let known = observed.sources.get(&Source::Libvirt) == Some(&SourceState::Answers);
    let mut named = BTreeSet::new();
    for guest in &draft.guests {
        let (name, subject) = (&guest.name, Subject::Guest(guest.name.to_string()));
        let found = observed.domains.get(&**name).map(|domain| domain.persistent);
        // What was committed is not blocked for a guest that has gone since.
        let new = committed.guest(name).is_none();
        let mut say = |code: &str, text| {
            notes.push(note(Severity::Block, subject.clone(), code, text, Some(format!("guest.{name}"))));
        };
        if !named.insert(format!("guest {name}")) {
            say("twice", Sentence::new(format!("{name} has two entries."), format!("{name} 有两个条目。")));
        } else if known && new && found.is_none() {
            say("no-guest", Sentence::new(format!("There is no guest {name}."), format!("没有虚拟机 {name}。")));
        } else if new && found == Some(false) && guest.autostart.is_some() {
            let text = Sentence::new(
                format!("{name} is transient: it has no definition that could start with the host. Define it first."),
                format!("{name} 是临时虚拟机，没有可随主机启动的定义。请先定义它。"),
            );
            say("transient", text);
        }
    }
    for network in &draft.networks {
        let (name, subject) = (&network.name, Subject::Network(network.name.to_string()));
        let found = dhcp::network(observed, committed, draft, name);
        let found = found.as_deref();
        let new = committed.network(name).is_none();
        let field = || Some(format!("network.{name}"));
        let mut say = |severity, code: &str, text| notes.push(note(severity, subject.clone(), code, text, field()));
        if !named.insert(format!("network {name}")) {
            let text = Sentence::new(format!("{name} has two entries."), format!("{name} 有两个条目。"));
            say(Severity::Block, "twice", text);
        } else if known && new && found.is_none() {
            let text = Sentence::new(format!("There is no network {name}."), format!("没有网络 {name}。"));
            say(Severity::Block, "no-network", text);
        } else if new && found.is_some_and(|found| !found.persistent) && network.autostart.is_some() {
            let text = Sentence::new(
                format!("{name} is transient: it has no definition that could start with the host. Define it first."),
                format!("{name} 是临时网络，没有可随主机启动的定义。请先定义它。"),
            );
            say(Severity::Block, "transient", text);
        } else if new && found.is_some_and(|found| Some(found.autostart) == network.autostart) {
            let text = Sentence::new(
                format!("{name} is so already. When this entry goes, it will be the opposite."),
                format!("{name} 已是如此。删除此条目时会变为相反的设置。"),
            );
            say(Severity::Tell, "autostart-already", text);
        }
    }
}
