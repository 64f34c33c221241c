//! Cards with their sockets, at the top left corner until they have a place.

use super::SOCKET;
use crate::{
    diagram::{
        Card, CardKind, NicSketch, RailSketch, Rect, Side, Socket,
        sketch::{End, GuestSketch},
    },
    note::Subject,
    observed::DomainState,
};

pub(super) const GUEST_WIDTH: i32 = 206;
const GATEWAY_WIDTH: i32 = 200;
const FOLDED_HEIGHT: i32 = 30;
const SMALL_SOCKET: (i32, i32) = (12, 16);

/// A guest between two rails: what it has on the first `after` rails is plugged in on its left.
pub(super) fn gateway(guest: &GuestSketch, rails: &[&RailSketch], after: usize) -> Card {
    let mut rows = [0, 0];
    let mut sockets = Vec::new();
    let mut loose = Vec::new();
    for nic in &guest.nics {
        let Some(end) = nic.ends.first() else {
            loose.push(nic.clone());
            continue;
        };
        let left = rails.iter().take(after).any(|rail| rail.name == end.rail);
        let (side, row) = if left { (Side::Left, 0) } else { (Side::Right, 1) };
        let at = if left { -SOCKET.0 / 2 } else { GATEWAY_WIDTH - SOCKET.0 / 2 };
        let rect = Rect::new(at, 92 + 64 * rows[row], SOCKET.0, SOCKET.1);
        rows[row] += 1;
        sockets.push(Socket { rect, side, colour: colour(rails, &end.rail), nic: nic.clone() });
    }
    let lines = rows[0].max(rows[1]).max(1);
    let height = 92 + 64 * (lines - 1) + 36 + 14 + 24 * loose.len() as i32 + 48 * guest.gateways.len() as i32 + 6;
    card(guest, Rect::new(0, 0, GATEWAY_WIDTH, height), false, sockets, loose)
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

/// A guest right of all rails.
pub(super) fn leaf(guest: &GuestSketch, rails: &[&RailSketch]) -> Card {
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
    card(guest, Rect::new(0, 0, GUEST_WIDTH, height), false, sockets, loose)
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

/// The same in one line.
pub(super) fn folded(guest: &GuestSketch, rails: &[&RailSketch]) -> Card {
    let plugged: Vec<_> = guest.nics.iter().filter_map(|nic| Some((nic, nic.ends.first()?))).collect();
    let socket = |(nth, (nic, end)): (usize, &(&NicSketch, &End))| Socket {
        rect: small(plugged.len(), nth),
        side: Side::Left,
        colour: colour(rails, &end.rail),
        nic: (*nic).clone(),
    };
    let sockets = plugged.iter().enumerate().map(socket).collect();
    let rect = Rect::new(0, 0, GUEST_WIDTH + 110, folded_height(plugged.len()));
    card(guest, rect, true, sockets, Vec::new())
}

pub(super) fn group(bridge: &str, members: &[&GuestSketch], rails: &[&RailSketch], opened: bool) -> Card {
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
    let running = members.iter().filter(|guest| guest.state == DomainState::Running).count();
    Card {
        rect: Rect::new(0, 0, GUEST_WIDTH + 110, height),
        subject: Subject::Link(bridge.to_owned()),
        title: bridge.to_owned(),
        kind: CardKind::Group { bridge: bridge.to_owned(), guests: members.len(), running, opened },
        sockets: used.iter().enumerate().map(socket).collect(),
        loose: Vec::new(),
    }
}

/// The ports of a bridge that are not guests'.
pub(super) fn others(rail: &RailSketch) -> Card {
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
        rect: Rect::new(0, 0, GUEST_WIDTH, 50),
        subject,
        title: rail.name.clone(),
        kind: CardKind::Others { ports: rail.others.clone() },
        sockets: vec![socket],
        loose: Vec::new(),
    }
}
