//! The laws of the picture, for topologies that nobody drew by hand.

use proptest::prelude::*;

use super::{sketch::*, *};
use crate::Mac;

fn rail(nth: usize, rank: usize, others: usize) -> RailSketch {
    RailSketch {
        name: format!("br{nth}"),
        subject: Subject::Link(format!("br{nth}")),
        colour: (nth % 8) as u8,
        rank,
        addresses: vec![format!("192.168.{nth}.1/24")],
        network: None,
        dhcp: false,
        ours: true,
        up: true,
        wired: rank == 0,
        others: (0..others).map(|port| format!("veth{port}")).collect(),
        mark: Mark::Real,
    }
}

fn nic(guest: usize, nth: usize, ends: &[usize]) -> NicSketch {
    let mark = |nth: usize| if nth == 0 { Mark::Real } else { Mark::Draft };
    NicSketch {
        mac: Some(Mac([0x52, 0x54, 0, (guest >> 8) as u8, guest as u8, nth as u8])),
        name: Some(format!("eth{nth}")),
        tap: Some(format!("vnet{guest}{nth}")),
        ends: ends.iter().enumerate().map(|(nth, rail)| End { rail: format!("br{rail}"), mark: mark(nth) }).collect(),
        ..NicSketch::bundle("")
    }
}

fn guest(nth: usize, nics: Vec<NicSketch>, gateway: Option<(usize, usize)>) -> GuestSketch {
    let line = |(outside, bridge): (usize, usize)| GatewayLine {
        bridge: format!("br{bridge}"),
        outside: format!("br{outside}"),
        subnet: Some("192.168.48.0/24".to_owned()),
        to: None,
        colour: 0,
        mark: Mark::Real,
    };
    GuestSketch {
        name: format!("node{nth}"),
        state: DomainState::Running,
        agent: AgentChannel::Connected,
        trouble: false,
        nics,
        gateways: gateway.map(line).into_iter().collect(),
    }
}

prop_compose! {
    fn sketches()(
        ranks in prop::collection::vec((0..3usize, 0..3usize), 1..6),
        guests in prop::collection::vec(
            (prop::collection::vec(prop::collection::vec(0..6usize, 0..3), 0..4), any::<bool>()),
            0..30,
        ),
    ) -> Sketch {
        let rails: Vec<RailSketch> = ranks.iter().enumerate().map(|(nth, (rank, others))| rail(nth, *rank, *others)).collect();
        let count = rails.len();
        let guests = guests.into_iter().enumerate().map(|(nth, (nics, gateway))| {
            let nics: Vec<NicSketch> = nics
                .iter()
                .enumerate()
                .map(|(at, ends)| {
                    let mut ends: Vec<usize> = ends.iter().map(|end| end % count).collect();
                    ends.sort_unstable();
                    ends.dedup();
                    nic(nth, at, &ends)
                })
                .collect();
            guest(nth, nics, (gateway && nth % 5 == 0).then_some((nth % count, (nth + 1) % count)))
        });
        let guests = guests.collect();
        Sketch { hostname: "host".to_owned(), rails, guests, ..Sketch::default() }
    }
}

fn boxes(diagram: &Diagram) -> Vec<(String, Rect)> {
    let cards = diagram.cards.iter().map(|(key, card)| (key.clone(), card.rect));
    let rails = diagram.rails.iter().map(|(key, rail)| (format!("rail {key}"), rail.rect));
    cards.chain(rails).chain([("host".to_owned(), diagram.host.rect)]).collect()
}

/// The straight parts of a path of `M`, `H`, `V` and `Q`; a rounded corner counts as its chord.
fn segments(path: &str) -> Vec<Rect> {
    let mut at = (0, 0);
    let mut segments = Vec::new();
    let mut rest = path;
    while let Some(command) = rest.chars().next() {
        let end = rest[1..].find(|c: char| c.is_ascii_alphabetic()).map_or(rest.len(), |end| end + 1);
        let numbers: Vec<i32> = rest[1..end].split_whitespace().map(|n| n.parse().expect("a number")).collect();
        let to = match (command, numbers.as_slice()) {
            ('M', [x, y]) | ('Q', [_, _, x, y]) => (*x, *y),
            ('H', [x]) => (*x, at.1),
            ('V', [y]) => (at.0, *y),
            other => panic!("{other:?} in {path}"),
        };
        if command != 'M' {
            let (x, y) = (at.0.min(to.0), at.1.min(to.1));
            segments.push(Rect::new(x, y, (at.0 - to.0).abs().max(1), (at.1 - to.1).abs().max(1)));
        }
        at = to;
        rest = &rest[end..];
    }
    segments
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn nothing_lies_on_anything_else(sketch in sketches()) {
        let diagram = Diagram::of(&sketch, &View::default());
        let boxes = boxes(&diagram);
        for (nth, (a, one)) in boxes.iter().enumerate() {
            for (b, other) in &boxes[nth + 1..] {
                prop_assert!(!one.overlaps(*other), "{a} {one:?} lies on {b} {other:?}");
            }
        }
    }

    #[test]
    fn labels_never_collide(sketch in sketches()) {
        let diagram = Diagram::of(&sketch, &View::default());
        let taps = diagram.cables.iter().filter_map(|(key, cable)| Some((key.clone(), cable.label?)));
        let names = diagram.rails.iter().map(|(key, rail)| (format!("name of {key}"), rail.label));
        let labels: Vec<_> = taps.chain(names).collect();
        let boxes = boxes(&diagram);
        for (nth, (a, one)) in labels.iter().enumerate() {
            for (b, other) in labels[nth + 1..].iter().chain(&boxes) {
                prop_assert!(!one.overlaps(*other), "{a} {one:?} lies on {b} {other:?}");
            }
        }
    }

    #[test]
    fn cables_never_run_through_cards(sketch in sketches()) {
        let diagram = Diagram::of(&sketch, &View::default());
        for (key, cable) in &diagram.cables {
            for segment in segments(&cable.path) {
                for (name, card) in &diagram.cards {
                    // A cable ends in a socket, which stands half inside its card.
                    let inner = Rect::new(card.rect.x + 9, card.rect.y, card.rect.w - 18, card.rect.h);
                    prop_assert!(!segment.overlaps(inner), "{key} ({}) runs through {name}", cable.path);
                }
            }
        }
    }

    #[test]
    fn every_plug_has_its_cable(sketch in sketches()) {
        let diagram = Diagram::of(&sketch, &View::default());
        let plugs: usize = diagram.cards.values().flat_map(|card| &card.sockets).map(|socket| socket.nic.ends.len()).sum();
        let wired = sketch.rails.iter().filter(|rail| rail.wired).count();
        prop_assert_eq!(diagram.cables.len(), plugs + wired);
    }

    #[test]
    fn the_same_is_drawn_the_same(sketch in sketches()) {
        let mut turned = sketch.clone();
        turned.guests.reverse();
        prop_assert_eq!(Diagram::of(&sketch, &View::default()), Diagram::of(&turned, &View::default()));
    }
}

fn crowd(count: usize) -> Sketch {
    let guests = (0..count).map(|nth| guest(nth, vec![nic(nth, 0, &[nth % 2])], None)).collect();
    Sketch { rails: vec![rail(0, 0, 0), rail(1, 1, 0)], guests, ..Sketch::default() }
}

#[test]
fn forty_guests_are_one_line_each() {
    let diagram = Diagram::of(&crowd(40), &View::default());
    assert_eq!(diagram.cards.len(), 40);
    assert!(diagram.cards.values().all(|card| card.rect.h <= 40));
}

#[test]
fn four_hundred_guests_are_two_groups_until_one_is_opened() {
    let crowd = crowd(400);
    assert_eq!(Diagram::of(&crowd, &View::default()).cards.len(), 2);
    let opened = View { opened: ["br1".to_owned()].into(), ..View::default() };
    assert_eq!(Diagram::of(&crowd, &opened).cards.len(), 2 + 200);
}

#[test]
fn a_search_leaves_what_matches() {
    let diagram = Diagram::of(&crowd(400), &View { find: "node39".to_owned(), ..View::default() });
    assert_eq!((diagram.cards.len(), diagram.hidden), (11, 389));
}

#[test]
fn numbers_in_names_count() {
    assert_eq!(layout::natural("node2", "node10"), std::cmp::Ordering::Less);
}
