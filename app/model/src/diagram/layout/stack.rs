//! Cards below each other, between two rails or behind the last.

use std::collections::{BTreeMap, BTreeSet};

use super::{CARD_TOP, CHANNEL, GAP, Standing, card, natural};
use crate::{
    diagram::{
        Card, CardKind, Column, FOLD, GROUP, Heading, RailSketch, Side, Socket, View,
        cable::Socketed,
        sketch::{End, GuestSketch},
    },
    gather,
};

const GUEST_TOP: i32 = 84;

pub(super) struct Stack {
    column: Column,
    /// How many rails stand left of it.
    pub after: usize,
    x: i32,
    pub cards: Vec<(String, Card)>,
    /// The rails whose cables climb left of the cards.
    left: BTreeSet<usize>,
    /// The rails whose cables climb right of the cards.
    right: BTreeSet<usize>,
}

/// The gateways behind the rails that they leave by, and at last all other guests.
pub(super) fn stacks(rails: &[&RailSketch], guests: &[&GuestSketch], view: &View) -> Vec<Stack> {
    let mut gateways: BTreeMap<usize, Vec<&GuestSketch>> = BTreeMap::new();
    let mut leaves = Vec::new();
    for guest in guests {
        match between(guest, rails) {
            Some(after) => gateways.entry(after).or_default().push(guest),
            None => leaves.push(*guest),
        }
    }
    let mut stacks = Vec::new();
    for (after, mut guests) in gateways {
        gather::sort_by(&mut guests, |a, b| natural(&a.name, &b.name));
        let cards = guests.into_iter().map(|guest| (key(guest), card::gateway(guest, rails, after), 40));
        stacks.push(Stack::new(Column::Gateway, after, pile(cards, CARD_TOP), rails));
    }
    gather::sort_by(&mut leaves, |a, b| natural(&a.name, &b.name));
    let top = if leaves.len() >= FOLD { CARD_TOP } else { GUEST_TOP };
    let mut cards = if leaves.len() >= GROUP { groups(&leaves, rails, view) } else { singles(&leaves, rails) };
    let others = rails.iter().filter(|rail| !rail.others.is_empty());
    cards.extend(others.map(|rail| (format!("others:{}", rail.name), card::others(rail), 16)));
    stacks.push(Stack::new(Column::Guests, rails.len(), pile(cards, top), rails));
    stacks
}

/// How many rails stand left of a gateway: all that are as near to the outside as the one that it leaves by. `None` if
/// none is left to stand right of it.
fn between(guest: &GuestSketch, rails: &[&RailSketch]) -> Option<usize> {
    let rank = |name: &str| rails.iter().find(|rail| rail.name == name).map(|rail| rail.rank);
    let outer = guest.gateways.iter().filter_map(|line| rank(&line.outside)).min()?;
    let after = rails.partition_point(|rail| rail.rank <= outer);
    (after < rails.len()).then_some(after)
}

fn key(guest: &GuestSketch) -> String {
    format!("guest:{}", guest.name)
}

fn singles(leaves: &[&GuestSketch], rails: &[&RailSketch]) -> Vec<(String, Card, i32)> {
    let folded = leaves.len() >= FOLD;
    let single = |guest: &&GuestSketch| match folded {
        true => (key(guest), card::folded(guest, rails), 6),
        false => (key(guest), card::leaf(guest, rails), 32),
    };
    leaves.iter().map(single).collect()
}

fn groups(leaves: &[&GuestSketch], rails: &[&RailSketch], view: &View) -> Vec<(String, Card, i32)> {
    let mut cards = Vec::new();
    for (bridge, members) in grouped(leaves, rails) {
        let opened = view.opened.contains(&bridge);
        cards.push((format!("group:{bridge}"), card::group(&bridge, &members, rails, opened), 12));
        let shown = members.iter().filter(|_| opened);
        cards.extend(shown.map(|guest| (key(guest), card::folded(guest, rails), 6)));
    }
    cards
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

/// One card below the other, each with a gap of its own.
fn pile(cards: impl IntoIterator<Item = (String, Card, i32)>, top: i32) -> Vec<(String, Card)> {
    let mut y = top;
    let put = |(key, mut card, gap): (String, Card, i32)| {
        card.rect.y = y;
        y = card.rect.bottom() + gap;
        (key, card)
    };
    cards.into_iter().map(put).collect()
}

impl Stack {
    fn new(column: Column, after: usize, cards: Vec<(String, Card)>, rails: &[&RailSketch]) -> Self {
        let climbs = |side: Side| {
            let sockets = cards.iter().flat_map(|(_, card)| &card.sockets).filter(|socket| socket.side == side);
            let ends = sockets.flat_map(|socket| &socket.nic.ends);
            let plugged = ends.filter_map(|end| rails.iter().position(|rail| rail.name == end.rail));
            gather::set(plugged.filter(|rail| !beside(*rail, side, after)))
        };
        Self { column, after, x: 0, left: climbs(Side::Left), right: climbs(Side::Right), cards }
    }

    /// Takes its place behind what ends at `x`, and says where it ends itself.
    pub(super) fn stand(&mut self, x: i32, headings: &mut Vec<Heading>) -> i32 {
        self.x = x + CHANNEL * self.left.len() as i32 + GAP;
        headings.push(Heading { column: self.column, x: self.x });
        self.cards.iter_mut().for_each(|(_, card)| card.rect.x = self.x);
        self.right() + GAP + CHANNEL * self.right.len() as i32
    }

    fn right(&self) -> i32 {
        self.cards.iter().map(|(_, card)| card.rect.right()).max().unwrap_or(self.x)
    }

    pub(super) fn bottom(&self) -> i32 {
        self.cards.iter().map(|(_, card)| card.rect.bottom()).max().unwrap_or(0)
    }

    /// Where the cables of a rail climb to sockets on this side. Each rail has a channel of its own; the farther the rail,
    /// the nearer its channel is to the cards, since its lane lies below those of the rails that it passes.
    fn climb(&self, rail: usize, side: Side) -> Option<i32> {
        let channel = |nearer: usize| GAP + CHANNEL * nearer as i32;
        match side {
            _ if beside(rail, side, self.after) => None,
            Side::Left => Some(self.x - channel(self.left.range(..rail).count())),
            Side::Right => Some(self.right() + channel(self.right.range(rail + 1..).count())),
        }
    }

    /// Every end of a cable at a socket of these cards.
    pub(super) fn ends<'a>(&'a self, standing: &[Standing]) -> Vec<Socketed<'a>> {
        let mut ends = Vec::new();
        for (key, card) in &self.cards {
            for socket in &card.sockets {
                for (nth, end) in socket.nic.ends.iter().enumerate() {
                    let Some(rail) = standing.iter().position(|rail| rail.is.name == end.rail) else { continue };
                    ends.push(self.end(key, card, socket, (nth, end), rail));
                }
            }
        }
        ends
    }

    fn end<'a>(
        &self,
        key: &str,
        card: &'a Card,
        socket: &'a Socket,
        (nth, end): (usize, &End),
        rail: usize,
    ) -> Socketed<'a> {
        // A plug that the draft moves is drawn a little lower where it will be.
        let lower = if nth == 0 { 0 } else { socket.rect.h / 4 };
        Socketed {
            key: format!("{key} {} {}", socket.nic.key(), end.rail),
            rail,
            after: self.after,
            side: socket.side,
            climb: self.climb(rail, socket.side),
            x: card.rect.x + if socket.side == Side::Left { socket.rect.x } else { socket.rect.right() },
            y: card.rect.y + socket.rect.y + socket.rect.h / 2 + lower,
            mark: end.mark,
            nic: &socket.nic,
            label: matches!(card.kind, CardKind::Guest { folded: false, .. }) && nth == 0,
            subject: &card.subject,
        }
    }
}

/// Nothing stands between this rail and sockets on this side.
fn beside(rail: usize, side: Side, after: usize) -> bool {
    match side {
        Side::Left => rail + 1 == after,
        Side::Right => rail == after,
    }
}
