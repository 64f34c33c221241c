use model::diagram::{Cable, Mark as Draft, Rect};
use serde_json::json;

use super::*;

fn diagram(links: &[&str]) -> Diagram {
    let cable = |link: &&str| {
        let cable = Cable {
            path: format!("M {link}"),
            bounds: Rect::default(),
            colour: None,
            mark: Draft::Real,
            link: Some((*link).to_owned()),
            label: None,
            carries: true,
            subject: Subject::Link((*link).to_owned()),
        };
        ((*link).to_owned(), cable)
    };
    Diagram { cables: links.iter().map(cable).collect(), ..Diagram::default() }
}

/// From node1 by vnet4 and eno1, as far as `finding` lets it.
fn answer(verdict: &str, finding: serde_json::Value) -> Explanation {
    let packet = json!({ "transport": "icmp", "source": "192.168.48.20", "destination": "10.0.0.9", "reply": false });
    let hop = |place: serde_json::Value| json!({ "place": place, "packet": packet });
    let answer = json!({
        "question": {
            "from": { "is": "guest", "guest": "node1" },
            "to": { "is": "address", "address": "10.0.0.9" },
            "probe": { "protocol": "echo" },
        },
        "verdict": verdict,
        "hops": [
            hop(json!({ "is": "guest", "guest": "node1", "interface": "eth1" })),
            hop(json!({ "is": "host", "link": "vnet4" })),
        ],
        "finding": finding,
    });
    serde_json::from_value(answer).expect("an explanation")
}

fn words(answer: &Explanation, selected: Option<&Subject>) -> Vec<(String, &'static str)> {
    let diagram = diagram(&["vnet4", "vnet5"]);
    let marks = marks(answer, &Topology::default(), &diagram, selected);
    marks.into_iter().map(|(key, mark)| (key, mark.word())).collect()
}

fn owned(marks: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    marks.iter().map(|(key, word)| ((*key).to_owned(), *word)).collect()
}

#[test]
fn what_the_packet_passes_is_marked_and_nothing_else() {
    let yes = answer("yes", serde_json::Value::Null);
    let passed = [("M vnet4", "passed"), ("guest:node1", "passed"), ("link:vnet4", "passed")];
    assert_eq!(words(&yes, None), owned(&passed));
    let selected = [("M vnet4", "selected"), ("guest:node1", "passed"), ("link:vnet4", "passed")];
    assert_eq!(words(&yes, Some(&Subject::Link("vnet4".to_owned()))), owned(&selected));
    assert_eq!(words(&yes, Some(&Subject::Link("vnet5".to_owned()))), owned(&passed));
}

#[test]
fn where_it_ends_is_marked_with_what_ends_it() {
    let text = json!({ "en": "dropped", "zh": "丢弃" });
    let dropped = json!({ "subject": { "kind": "table", "name": "ip filter" }, "text": text, "at": 2 });
    let marked = [("M vnet4", "stop"), ("guest:node1", "passed"), ("host", "stop"), ("link:vnet4", "stop")];
    assert_eq!(words(&answer("no", dropped), None), owned(&marked));
    let silent = json!({ "subject": { "kind": "guest", "name": "node1" }, "text": text, "at": 0 });
    let marked = [("M vnet4", "passed"), ("guest:node1", "doubt"), ("link:vnet4", "passed")];
    assert_eq!(words(&answer("unknown", silent), None), owned(&marked));
}
