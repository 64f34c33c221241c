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

/// The parts of a path of `M`, `H`, `V` and `Q`, each as the box that it fills; a rounded corner is cut into short chords.
fn segments(path: &str) -> Vec<Rect> {
    let mut at = (0, 0);
    let mut segments = Vec::new();
    let mut rest = path;
    while let Some(command) = rest.chars().next() {
        let end = rest[1..].find(|c: char| c.is_ascii_alphabetic()).map_or(rest.len(), |end| end + 1);
        let numbers: Vec<i32> = rest[1..end].split_whitespace().map(|n| n.parse().expect("a number")).collect();
        let line = match (command, numbers.as_slice()) {
            ('M', [x, y]) => vec![(*x, *y)],
            ('Q', [via_x, via_y, x, y]) => {
                (1..=CHORDS).map(|nth| (bent(at.0, *via_x, *x, nth), bent(at.1, *via_y, *y, nth))).collect()
            }
            ('H', [x]) => vec![(*x, at.1)],
            ('V', [y]) => vec![(at.0, *y)],
            other => panic!("{other:?} in {path}"),
        };
        for to in line {
            if command != 'M' {
                let (x, y) = (at.0.min(to.0), at.1.min(to.1));
                segments.push(Rect::new(x, y, (at.0 - to.0).abs().max(1), (at.1 - to.1).abs().max(1)));
            }
            at = to;
        }
        rest = &rest[end..];
    }
    segments
}

const CHORDS: i32 = 6;

/// A coordinate of the curve from `from` to `to` that bends towards `via`.
fn bent(from: i32, via: i32, to: i32, nth: i32) -> i32 {
    let (there, back) = (nth, CHORDS - nth);
    (back * back * from + 2 * back * there * via + there * there * to) / (CHORDS * CHORDS)
}

proptest! {
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
    fn cables_never_run_under_text(sketch in sketches()) {
        let diagram = Diagram::of(&sketch, &View::default());
        let taps = diagram.cables.iter().filter_map(|(key, cable)| Some((key.clone(), cable.label?)));
        let names = diagram.rails.iter().map(|(key, rail)| (format!("name of {key}"), rail.label));
        let labels: Vec<_> = taps.chain(names).collect();
        for (key, cable) in &diagram.cables {
            for segment in segments(&cable.path) {
                for (label, text) in &labels {
                    prop_assert!(!segment.overlaps(*text), "{key} ({}) runs under {label} {text:?}", cable.path);
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

#[test]
fn a_gateway_stands_between_its_bridges_and_the_guests_behind_them() {
    let rails = vec![rail(0, 0, 0), rail(1, 1, 0)];
    let master = guest(0, vec![nic(0, 0, &[0]), nic(0, 1, &[1])], Some((0, 1)));
    let guests = vec![master, guest(1, vec![nic(1, 0, &[1])], None), guest(2, vec![nic(2, 0, &[0])], None)];
    let diagram = Diagram::of(&Sketch { rails, guests, ..Sketch::default() }, &View::default());
    let places: Vec<_> = boxes(&diagram).into_iter().map(|(key, at)| (key, (at.x, at.y, at.w, at.h))).collect();
    let expected = [
        ("guest:node0", (524, 118, 200, 196)),
        ("guest:node1", (908, 84, 206, 122)),
        ("guest:node2", (908, 238, 206, 122)),
        ("rail br0", (430, 108, 18, 278)),
        ("rail br1", (800, 108, 18, 144)),
        ("host", (146, 118, 232, 160)),
    ];
    assert_eq!(places, expected.map(|(key, at)| (key.to_owned(), at)));
    let paths: Vec<&str> = diagram.cables.values().map(|cable| cable.path.as_str()).collect();
    let around = "M448 354H820Q832 354 832 342V342Q832 330 844 330H900";
    assert_eq!(paths, ["M448 228H516", "M732 228H800", "M818 176H900", around, "M378 228H430"]);
}

#[test]
fn ranks_that_no_rail_has_take_no_room() {
    let node = guest(0, vec![nic(0, 0, &[1])], Some((0, 1)));
    let sketch =
        |rank| Sketch { rails: vec![rail(0, 0, 0), rail(1, rank, 0)], guests: vec![node.clone()], ..Sketch::default() };
    let (gap, none) = (Diagram::of(&sketch(2), &View::default()), Diagram::of(&sketch(1), &View::default()));
    assert_eq!((gap.cards, gap.cables, gap.headings), (none.cards, none.cables, none.headings));
}

#[test]
fn a_gateway_into_three_networks_reaches_each_below_the_others() {
    let rails = vec![rail(0, 0, 0), rail(1, 1, 0), rail(2, 1, 0), rail(3, 1, 0)];
    let nics = (0..4).map(|nth| nic(0, nth, &[nth])).collect();
    let guests = vec![guest(0, nics, Some((0, 1))), guest(1, vec![nic(1, 0, &[0])], None)];
    let diagram = Diagram::of(&Sketch { rails, guests, ..Sketch::default() }, &View::default());
    for (key, cable) in &diagram.cables {
        for segment in segments(&cable.path) {
            let passed = diagram.rails.iter().find(|(_, rail)| segment.overlaps(rail.rect));
            assert!(passed.is_none(), "{key} ({}) runs behind {passed:?}", cable.path);
        }
    }
    assert!(diagram.cables.iter().all(|(key, cable)| key.starts_with("host") || cable.label.is_some()));
}

#[test]
fn a_gateway_that_is_moved_across_is_plugged_in_at_the_near_edge() {
    let rails = vec![rail(0, 0, 0), rail(1, 1, 0)];
    let guests = vec![guest(0, vec![nic(0, 0, &[0, 1])], Some((0, 1)))];
    let diagram = Diagram::of(&Sketch { rails, guests, ..Sketch::default() }, &View::default());
    let start = format!("M{} ", diagram.rails["br1"].rect.x);
    let moved = diagram.cables.iter().find(|(key, _)| key.ends_with("br1")).expect("the draft's cable");
    assert!(moved.1.path.starts_with(&start), "{}", moved.1.path);
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
