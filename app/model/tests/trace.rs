//! What was seen, laid beside what was predicted.

#![allow(dead_code, reason = "the scenes are those of the explained cases")]

#[path = "explain/scene.rs"]
mod scene;
mod world;

use std::collections::BTreeSet;

use model::{
    explain::{Explanation, Place, Question, Verdict, explain},
    trace::{Look, Sighting, Trace, addresses, links},
};

fn explained(case: &str) -> (Explanation, BTreeSet<String>) {
    let observed = scene::all()[case]();
    let path = format!("{}/tests/explain/{case}/question.json", env!("CARGO_MANIFEST_DIR"));
    let question: Question =
        serde_json::from_str(&std::fs::read_to_string(path).expect("a question")).expect("a question");
    let explanation = explain(&observed, &question);
    let watched = links(&observed, &explanation).into_iter().collect();
    (explanation, watched)
}

/// As captures on these links would see it, had all happened as predicted.
fn as_predicted(explanation: &Explanation, watched: &BTreeSet<String>) -> Vec<Sighting> {
    let hops = explanation.hops.iter().zip((0..).step_by(10));
    let seen = hops.filter_map(|(hop, micros)| match &hop.place {
        Place::Host { link } if watched.contains(link) => {
            Some(Sighting { micros, link: link.clone(), packet: hop.packet })
        }
        _ => None,
    });
    seen.collect()
}

fn trace(explanation: &Explanation, watched: &BTreeSet<String>, sightings: Vec<Sighting>, answered: bool) -> Trace {
    Trace::of(explanation.clone(), watched, sightings, answered, String::new(), Vec::new())
}

#[test]
fn a_way_that_is_seen_as_predicted_agrees() {
    let (explanation, watched) = explained("nine-hops");
    let mut sightings = as_predicted(&explanation, &watched);
    assert_eq!(sightings.len(), 12, "six links, there and back");
    sightings.reverse();
    let trace = trace(&explanation, &watched, sightings, true);
    assert_eq!((trace.agrees, trace.ends().1), (Some(true), None));
    assert!(trace.sightings.is_sorted_by_key(|seen| seen.micros));
    assert!(trace.looks.iter().zip(&explanation.hops).all(|(look, hop)| match hop.place {
        Place::Host { .. } => matches!(look, Look::Seen { .. }),
        _ => *look == Look::NotWatched,
    }));
    let written = serde_json::to_string(&trace).expect("JSON");
    assert_eq!(trace, serde_json::from_str(&written).expect("the same"));
}

#[test]
fn where_it_is_lost_is_the_first_place_that_does_not_see_it() {
    let (explanation, watched) = explained("nine-hops");
    let mut sightings = as_predicted(&explanation, &watched);
    sightings.truncate(3);
    let trace = trace(&explanation, &watched, sightings, false);
    assert_eq!(trace.agrees, Some(false));
    let (last, first) = trace.ends();
    let place = |nth: Option<usize>| nth.map(|nth| explanation.hops[nth].place.to_string());
    assert_eq!((place(last).as_deref(), place(first).as_deref()), (Some("vnet3"), Some("vnet0")));
}

#[test]
fn a_no_agrees_if_it_is_seen_as_far_as_was_said_and_nowhere_else() {
    let (explanation, watched) = explained("dead-ping");
    assert_eq!(explanation.verdict, Verdict::No);
    let sightings = as_predicted(&explanation, &watched);
    assert_eq!(trace(&explanation, &watched, sightings.clone(), false).agrees, Some(true));
    assert_eq!(trace(&explanation, &watched, sightings.clone(), true).agrees, Some(false), "it was answered");
    assert_eq!(trace(&explanation, &watched, Vec::new(), false).agrees, Some(false), "it was not seen at all");
    let other =
        watched.iter().find(|link| link.starts_with("vnet") && sightings.iter().all(|seen| seen.link != **link));
    let stray = Sighting { link: other.expect("another tap").clone(), ..sightings[0].clone() };
    let went_on = [sightings, vec![stray]].concat();
    assert_eq!(trace(&explanation, &watched, went_on, false).agrees, Some(false), "it went on");
}

#[test]
fn captures_know_every_address_that_it_has() {
    let (explanation, watched) = explained("nine-hops");
    let all: Vec<String> = addresses(&explanation).iter().map(ToString::to_string).collect();
    assert_eq!(all, ["10.0.0.2", "10.0.0.9", "192.168.48.20", "192.168.122.202"]);
    assert!(["mybr0", "virbr0", "eno1"].iter().all(|link| watched.contains(*link)));
}
