//! Where everything stands.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Card, CardKind, Column, Diagram, FOLD, GROUP, Heading, HostCard, NicSketch, Outside, Rail, RailSketch, Rect, Side,
    Sketch, Socket, View,
    cable::{self, Socketed},
    sketch::GuestSketch,
};
use crate::note::Subject;

const RAIL_TOP: i32 = 108;
const RAIL_WIDTH: i32 = 18;
/// Between the middles of rails that stand side by side.
const RAIL_STEP: i32 = 164;
const CARD_TOP: i32 = 118;
const GUEST_TOP: i32 = 84;
const GUEST_WIDTH: i32 = 206;
const GATEWAY_WIDTH: i32 = 200;
const FOLDED_HEIGHT: i32 = 30;
/// Between a rail and a column of cards, when no cable needs a channel there.
const GAP: i32 = 76;
/// For each cable that climbs between a rail and a column.
const CHANNEL: i32 = 14;
const SOCKET: (i32, i32) = (16, 36);
const SMALL_SOCKET: (i32, i32) = (12, 16);

/// A rail while its length is not yet known.
struct Standing<'a> {
    is: &'a RailSketch,
    x: i32,
    /// The lowest thing that is plugged in.
    reach: i32,
}

/// A card whose place is known.
struct Placed {
    key: String,
    card: Card,
    /// How many rails stand left of it.
    after: usize,
}

pub(super) fn lay_out(sketch: &Sketch, view: &View) -> Diagram {
    let (guests, hidden) = found(sketch, view);
    let mut headings = Vec::new();
    let host = host(sketch);
    let outside = outside(sketch, &host);
    if outside.is_some() {
        headings.push(Heading { column: Column::Outside, x: 30 });
    }
    headings.push(Heading { column: Column::Host, x: host.rect.x });

    // Rails by rank; between two ranks the gateways that leave by the lower.
    let mut rails: Vec<&RailSketch> = sketch.rails.iter().collect();
    rails.sort_by_key(|rail| rail.rank);
    let rank_of: BTreeMap<&str, usize> = rails.iter().map(|rail| (rail.name.as_str(), rail.rank)).collect();
    let top_rank = rails.last().map_or(0, |rail| rail.rank);
    let between = |guest: &GuestSketch| {
        let outer = guest.gateways.iter().filter_map(|line| rank_of.get(line.outside.as_str())).min()?;
        (*outer < top_rank).then_some(*outer)
    };

    let mut standing: Vec<Standing> = Vec::new();
    let mut placed: Vec<Placed> = Vec::new();
    let mut x = host.rect.right() + 52;
    for rank in 0..=top_rank {
        for (position, rail) in rails.iter().filter(|rail| rail.rank == rank).enumerate() {
            if position > 0 || (rank > 0 && standing.last().is_some_and(|last| last.x + RAIL_STEP > x)) {
                x = standing.last().map_or(x, |last| last.x + RAIL_STEP);
            }
            if position == 0 {
                headings.push(Heading { column: Column::Bridge, x: x + RAIL_WIDTH / 2 });
            }
            standing.push(Standing { is: rail, x, reach: RAIL_TOP + 96 });
        }
        x = standing.last().map_or(x, |last| last.x + RAIL_WIDTH);
        let mut gateways: Vec<&GuestSketch> =
            guests.iter().copied().filter(|guest| between(guest) == Some(rank)).collect();
        gateways.sort_by(|a, b| natural(&a.name, &b.name));
        if !gateways.is_empty() {
            let after = standing.len();
            let channels = climbers(plugged(&gateways), &standing);
            x += GAP + CHANNEL * channels;
            headings.push(Heading { column: Column::Gateway, x });
            let mut y = CARD_TOP;
            for guest in gateways {
                let card = gateway_card(guest, &standing, &rails, x, y);
                y = card.rect.bottom() + 40;
                placed.push(Placed { key: format!("guest:{}", guest.name), card, after });
            }
            x += GATEWAY_WIDTH + GAP;
        }
    }

    let mut leaves: Vec<&GuestSketch> = guests.iter().copied().filter(|guest| between(guest).is_none()).collect();
    leaves.sort_by(|a, b| natural(&a.name, &b.name));
    let others = standing.iter().filter(|rail| !rail.is.others.is_empty()).map(|rail| rail.is.name.as_str());
    let channels = climbers(plugged(&leaves).chain(others), &standing);
    x = standing.last().map_or(x, |last| last.x + RAIL_WIDTH) + GAP + CHANNEL * channels;
    headings.push(Heading { column: Column::Guests, x });
    let after = standing.len();
    leaf_column(&leaves, &standing, view, x)
        .into_iter()
        .for_each(|(key, card)| placed.push(Placed { key, card, after }));

    finish(Diagram { headings, outside, host, hidden, ..Diagram::default() }, sketch, standing, placed)
}

/// Runs the cables, gives the rails their length and measures the whole.
fn finish(mut diagram: Diagram, sketch: &Sketch, mut standing: Vec<Standing>, placed: Vec<Placed>) -> Diagram {
    let names: Vec<&str> = standing.iter().map(|rail| rail.is.name.as_str()).collect();
    let mut ends = Vec::new();
    for Placed { key, card, after } in &placed {
        for socket in &card.sockets {
            for (nth, end) in socket.nic.ends.iter().enumerate() {
                let Some(rail) = names.iter().position(|name| *name == end.rail) else { continue };
                let straight = match socket.side {
                    Side::Left => rail + 1 == *after,
                    Side::Right => rail == *after,
                };
                let shift = if nth == 0 { 0 } else { 9 };
                ends.push(Socketed {
                    key: format!("{key} {} {}", socket.nic.key(), end.rail),
                    rail,
                    side: socket.side,
                    straight,
                    x: card.rect.x + if socket.side == Side::Left { socket.rect.x } else { socket.rect.right() },
                    y: card.rect.y + socket.rect.y + socket.rect.h / 2 + shift,
                    after: *after,
                    mark: end.mark,
                    nic: &socket.nic,
                    label: matches!(card.kind, CardKind::Guest { folded: false, .. }) && nth == 0,
                    subject: &card.subject,
                });
            }
        }
    }
    for end in ends.iter().filter(|end| end.straight) {
        standing[end.rail].reach = standing[end.rail].reach.max(end.y + 24);
    }
    let wires = cable::host(&diagram.host, &standing.iter().map(|rail| (rail.is, rail.x)).collect::<Vec<_>>());
    for (rail, y) in &wires.reach {
        standing[*rail].reach = standing[*rail].reach.max(*y + 24);
    }
    // Lanes: below everything that stands to the right, one for each rail that needs one.
    let mut floor = placed.iter().filter(|p| p.after < standing.len()).map(|p| p.card.rect.bottom()).max().unwrap_or(0);
    let mut lanes = BTreeMap::new();
    for rail in (0..standing.len()).rev() {
        if ends.iter().any(|end| end.rail == rail && !end.straight) {
            let first = lanes.is_empty();
            let below = standing.iter().map(|rail| rail.reach).max().unwrap_or(0);
            let others = standing.iter().skip(rail + 1).map(|rail| rail.reach).max().unwrap_or(0);
            let right = ends.iter().any(|end| end.rail == rail && !end.straight && end.side == Side::Right);
            floor = floor.max(if right { below } else { others }) + if first { 40 } else { 28 };
            lanes.insert(rail, floor);
            standing[rail].reach = standing[rail].reach.max(floor + 32);
        }
    }
    let xs: Vec<i32> = standing.iter().map(|rail| rail.x).collect();
    diagram.cables = cable::run(&ends, &xs, RAIL_WIDTH, &lanes, CHANNEL, &|rail| standing[rail].is);
    diagram.cables.extend(wires.cables);
    diagram.cables.extend(cable::outside(&diagram.host, diagram.outside.as_ref()));

    for rail in standing {
        let rect = Rect::new(rail.x, RAIL_TOP, RAIL_WIDTH, rail.reach - RAIL_TOP);
        let width = RAIL_STEP - 10;
        let label = Rect::new(rail.x + RAIL_WIDTH / 2 - width / 2, 44, width, 56);
        diagram.rails.insert(rail.is.name.clone(), Rail { rect, label, is: rail.is.clone() });
    }
    diagram.cards = placed.into_iter().map(|placed| (placed.key, placed.card)).collect();
    let rects = || {
        let cards = diagram.cards.values().map(|card| card.rect);
        let rails = diagram.rails.values().flat_map(|rail| [rail.rect, rail.label]);
        cards.chain(rails).chain([diagram.host.rect]).chain(diagram.cables.values().map(|cable| cable.bounds))
    };
    diagram.width = rects().map(Rect::right).max().unwrap_or(0) + 24;
    diagram.height = rects().map(Rect::bottom).max().unwrap_or(0) + 24;
    if sketch.guests.is_empty() {
        diagram.width += GUEST_WIDTH + 80;
    }
    diagram
}

/// The guests that the search leaves, and how many it hides.
fn found<'a>(sketch: &'a Sketch, view: &View) -> (Vec<&'a GuestSketch>, usize) {
    let guests: Vec<_> = sketch.guests.iter().filter(|guest| guest.matches(&view.find)).collect();
    let hidden = sketch.guests.len() - guests.len();
    (guests, hidden)
}

fn host(sketch: &Sketch) -> HostCard {
    let mut y = 92;
    let mut nics = Vec::new();
    for nic in &sketch.nics {
        nics.push((Rect::new(-8, y, SOCKET.0, SOCKET.1), nic.clone()));
        y += 48;
    }
    let rows_top = if nics.is_empty() { 76 } else { y + 2 };
    let wired = sketch.rails.iter().filter(|rail| rail.wired).count() as i32;
    let height = (rows_top + 14 + 22 * sketch.rows.len() as i32 + 12).max(110 + cable::HOST_STEP * wired + 12).max(160);
    let rect = Rect::new(146, CARD_TOP, 232, height);
    HostCard { rect, name: sketch.hostname.clone(), nics, rows: sketch.rows.clone(), rows_top }
}

fn outside(sketch: &Sketch, host: &HostCard) -> Option<Outside> {
    let (socket, nic) = host.nics.iter().find(|(_, nic)| nic.outside)?;
    let y = host.rect.y + socket.y + socket.h / 2 - 34;
    let next_hop = nic.default_via.or_else(|| sketch.nics.iter().find_map(|nic| nic.default_via));
    Some(Outside { rect: Rect::new(14, y, 96, 68), next_hop: next_hop.map(|hop| hop.to_string()) })
}

/// The rails that guests are plugged into, as often as they are.
fn plugged<'a>(guests: &[&'a GuestSketch]) -> impl Iterator<Item = &'a str> {
    let ends = guests.iter().flat_map(|guest| &guest.nics).flat_map(|nic| &nic.ends);
    ends.map(|end| end.rail.as_str()).collect::<Vec<_>>().into_iter()
}

/// How many of these rails stand left of the one beside the column: their cables climb in the channel before it.
fn climbers<'a>(rails: impl Iterator<Item = &'a str>, standing: &[Standing]) -> i32 {
    let beside = standing.last().map(|rail| rail.is.name.as_str());
    let known = |name: &str| standing.iter().any(|rail| rail.is.name == name);
    let rails: BTreeSet<&str> = rails.filter(|name| Some(*name) != beside && known(name)).collect();
    rails.len() as i32
}

fn gateway_card(guest: &GuestSketch, standing: &[Standing], rails: &[&RailSketch], x: i32, y: i32) -> Card {
    let mut rows = [0, 0];
    let mut sockets = Vec::new();
    let mut loose = Vec::new();
    for nic in &guest.nics {
        let Some(end) = nic.ends.first() else {
            loose.push(nic.clone());
            continue;
        };
        let left = standing.iter().any(|rail| rail.is.name == end.rail);
        let (side, row) = if left { (Side::Left, 0) } else { (Side::Right, 1) };
        let at = if left { -SOCKET.0 / 2 } else { GATEWAY_WIDTH - SOCKET.0 / 2 };
        let rect = Rect::new(at, 92 + 64 * rows[row], SOCKET.0, SOCKET.1);
        rows[row] += 1;
        sockets.push(Socket { rect, side, colour: colour(rails, &end.rail), nic: nic.clone() });
    }
    let lines = rows[0].max(rows[1]).max(1);
    let height = 92 + 64 * (lines - 1) + 36 + 14 + 24 * loose.len() as i32 + 48 * guest.gateways.len() as i32 + 6;
    card(guest, Rect::new(x, y, GATEWAY_WIDTH, height), false, sockets, loose)
}

fn card(guest: &GuestSketch, rect: Rect, folded: bool, sockets: Vec<Socket>, loose: Vec<NicSketch>) -> Card {
    let plug = if folded { Rect::new(rect.w - 26, 5, 20, 20) } else { Rect::new(rect.w - 40, 14, 24, 24) };
    Card {
        rect,
        subject: Subject::Guest(guest.name.clone()),
        title: guest.name.clone(),
        kind: CardKind::Guest {
            state: guest.state,
            agent: guest.agent,
            trouble: guest.trouble,
            folded,
            gateways: guest.gateways.clone(),
            plug,
        },
        sockets,
        loose,
    }
}

fn colour(rails: &[&RailSketch], name: &str) -> Option<u8> {
    rails.iter().find(|rail| rail.name == name).map(|rail| rail.colour)
}

fn leaf_column(leaves: &[&GuestSketch], standing: &[Standing], view: &View, x: i32) -> Vec<(String, Card)> {
    let rails: Vec<&RailSketch> = standing.iter().map(|rail| rail.is).collect();
    let mut cards = Vec::new();
    let mut y = if leaves.len() >= FOLD { CARD_TOP } else { GUEST_TOP };
    let mut put = |key: String, mut card: Card, gap: i32| {
        card.rect.y = y;
        y = card.rect.bottom() + gap;
        cards.push((key, card));
    };
    let guest = |guest: &GuestSketch, folded: bool| {
        let card = if folded { folded_card(guest, &rails, x) } else { leaf_card(guest, &rails, x) };
        (format!("guest:{}", guest.name), card)
    };
    if leaves.len() >= GROUP {
        for (bridge, members) in grouped(leaves, &rails) {
            let opened = view.opened.contains(&bridge);
            put(format!("group:{bridge}"), group_card(&bridge, &members, &rails, opened, x), 12);
            for member in members.iter().filter(|_| opened) {
                let (key, card) = guest(member, true);
                put(key, card, 6);
            }
        }
    } else {
        let folded = leaves.len() >= FOLD;
        for leaf in leaves {
            let (key, card) = guest(leaf, folded);
            put(key, card, if folded { 6 } else { 32 });
        }
    }
    for rail in rails.iter().filter(|rail| !rail.others.is_empty()) {
        put(format!("others:{}", rail.name), others_card(rail, x), 16);
    }
    cards
}

fn leaf_card(guest: &GuestSketch, rails: &[&RailSketch], x: i32) -> Card {
    let (mut sockets, mut loose) = (Vec::new(), Vec::new());
    let mut y = 74;
    for nic in &guest.nics {
        match nic.ends.first() {
            Some(end) => {
                let rect = Rect::new(-SOCKET.0 / 2, y, SOCKET.0, SOCKET.1);
                sockets.push(Socket { rect, side: Side::Left, colour: colour(rails, &end.rail), nic: nic.clone() });
                y += 56;
            }
            None => loose.push(nic.clone()),
        }
    }
    let bottom = if sockets.is_empty() { 70 } else { y - 20 };
    let gateways = 48 * guest.gateways.len() as i32;
    let height = bottom + 12 + 24 * loose.len() as i32 + gateways;
    card(guest, Rect::new(x, 0, GUEST_WIDTH, height), false, sockets, loose)
}

/// Small sockets, one below the other, for `count` NICs on a card of at least one line.
fn small(count: usize, nth: usize) -> Rect {
    let height = folded_height(count);
    let step = SMALL_SOCKET.1 + 4;
    let top = (height - step * count as i32 + 4) / 2;
    Rect::new(-SMALL_SOCKET.0 / 2, top + step * nth as i32, SMALL_SOCKET.0, SMALL_SOCKET.1)
}

fn folded_height(count: usize) -> i32 {
    FOLDED_HEIGHT.max((SMALL_SOCKET.1 + 4) * count as i32 + 4)
}

fn folded_card(guest: &GuestSketch, rails: &[&RailSketch], x: i32) -> Card {
    let plugged: Vec<_> = guest.nics.iter().filter_map(|nic| Some((nic, nic.ends.first()?))).collect();
    let socket = |(nth, (nic, end)): (usize, &(&NicSketch, &super::sketch::End))| Socket {
        rect: small(plugged.len(), nth),
        side: Side::Left,
        colour: colour(rails, &end.rail),
        nic: (*nic).clone(),
    };
    let sockets = plugged.iter().enumerate().map(socket).collect();
    let rect = Rect::new(x, 0, GUEST_WIDTH + 110, folded_height(plugged.len()));
    card(guest, rect, true, sockets, Vec::new())
}

/// Guests by the last rail that they are plugged into, in the order of the rails; those on none come last.
fn grouped<'a>(leaves: &[&'a GuestSketch], rails: &[&RailSketch]) -> Vec<(String, Vec<&'a GuestSketch>)> {
    let mut groups: BTreeMap<usize, Vec<&GuestSketch>> = BTreeMap::new();
    for leaf in leaves {
        let ends = leaf.nics.iter().flat_map(|nic| &nic.ends);
        let last = ends.filter_map(|end| rails.iter().position(|rail| rail.name == end.rail)).max();
        groups.entry(last.unwrap_or(usize::MAX)).or_default().push(leaf);
    }
    let name = |rail: usize| rails.get(rail).map_or_else(String::new, |rail| rail.name.clone());
    groups.into_iter().map(|(rail, members)| (name(rail), members)).collect()
}

fn group_card(bridge: &str, members: &[&GuestSketch], rails: &[&RailSketch], opened: bool, x: i32) -> Card {
    let used = rails.iter().filter(|rail| {
        members.iter().any(|guest| guest.nics.iter().any(|nic| nic.ends.iter().any(|end| end.rail == rail.name)))
    });
    let used: Vec<_> = used.collect();
    let height = 58.max(20 * used.len() as i32 + 12);
    let socket = |(nth, rail): (usize, &&&RailSketch)| Socket {
        rect: Rect::new(-6, (height - 20 * used.len() as i32 + 4) / 2 + 20 * nth as i32, 12, 16),
        side: Side::Left,
        colour: Some(rail.colour),
        nic: NicSketch::bundle(&rail.name),
    };
    let running = members.iter().filter(|guest| guest.state == crate::observed::DomainState::Running).count();
    Card {
        rect: Rect::new(x, 0, GUEST_WIDTH + 110, height),
        subject: Subject::Link(bridge.to_owned()),
        title: bridge.to_owned(),
        kind: CardKind::Group { bridge: bridge.to_owned(), guests: members.len(), running, opened },
        sockets: used.iter().enumerate().map(socket).collect(),
        loose: Vec::new(),
    }
}

fn others_card(rail: &RailSketch, x: i32) -> Card {
    let subject = match rail.others.as_slice() {
        [one] => Subject::Link(one.clone()),
        _ => rail.subject.clone(),
    };
    let socket = Socket {
        rect: Rect::new(-6, 17, 12, 16),
        side: Side::Left,
        colour: Some(rail.colour),
        nic: NicSketch::bundle(&rail.name),
    };
    Card {
        rect: Rect::new(x, 0, GUEST_WIDTH, 50),
        subject,
        title: rail.name.clone(),
        kind: CardKind::Others { ports: rail.others.clone() },
        sockets: vec![socket],
        loose: Vec::new(),
    }
}

/// `node2` before `node10`.
pub(super) fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    let split = |text: &str| {
        let stem = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = text[stem.len()..].parse::<u64>().unwrap_or(0);
        (stem.to_owned(), number, text.to_owned())
    };
    split(a).cmp(&split(b))
}
