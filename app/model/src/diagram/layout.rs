//! Where everything stands.
//!
//! ```text
//! rails, guests ─ stacks: which cards stand after how many rails, with their sockets ─┐
//!       ┌───────────────── x of rails and stacks: the cables that climb need room ◄──┘
//!       └─► ends of cables ─ lanes below what they pass ─ cables, length of rails ─► Diagram
//! ```

mod card;
mod lane;
mod stack;

use std::cmp::Ordering;

use super::{
    Column, Diagram, Heading, HostCard, Outside, Rail, RailSketch, Rect, Sketch, View,
    cable::{self, Socketed},
    sketch::GuestSketch,
};
use crate::gather;
use stack::{Stack, stacks};

const RAIL_TOP: i32 = 108;
const RAIL_WIDTH: i32 = 18;
/// The least between the middles of two rails.
const RAIL_STEP: i32 = 164;
const CARD_TOP: i32 = 118;
/// Between the host and the first rail.
const HOST_GAP: i32 = 52;
/// Between a stack of cards and a rail, or the channels beside it.
const GAP: i32 = 76;
/// For each rail whose cables climb between a rail and a stack.
const CHANNEL: i32 = 14;
const SOCKET: (i32, i32) = (16, 36);

/// A rail while its length is not yet known.
struct Standing<'a> {
    is: &'a RailSketch,
    x: i32,
    /// The lowest thing that is plugged in.
    reach: i32,
}

pub(super) fn lay_out(sketch: &Sketch, view: &View) -> Diagram {
    let (guests, hidden) = found(sketch, view);
    let mut rails: Vec<&RailSketch> = sketch.rails.iter().collect();
    gather::sort_by_key(&mut rails, |rail| rail.rank);
    let host = host(sketch);
    let outside = outside(sketch, &host);
    let mut stacks = stacks(&rails, &guests, view);
    let mut headings = Vec::new();
    if outside.is_some() {
        headings.push(Heading { column: Column::Outside, x: 30 });
    }
    headings.push(Heading { column: Column::Host, x: host.rect.x });
    let standing = stand(&rails, &mut stacks, host.rect.right() + HOST_GAP, &mut headings);
    finish(Diagram { headings, outside, host, hidden, ..Diagram::default() }, sketch, standing, stacks)
}

/// Gives rails and stacks their places, from left to right.
fn stand<'a>(
    rails: &[&'a RailSketch],
    stacks: &mut [Stack],
    from: i32,
    headings: &mut Vec<Heading>,
) -> Vec<Standing<'a>> {
    let mut standing: Vec<Standing> = Vec::new();
    let mut stacks = stacks.iter_mut().peekable();
    let mut x = from;
    for rail in rails {
        while let Some(stack) = stacks.next_if(|stack| stack.after == standing.len()) {
            x = stack.stand(x, headings);
        }
        let last = standing.last();
        let rail_x = last.map_or(x, |last| x.max(last.x + RAIL_STEP));
        if last.is_none_or(|last| last.is.rank < rail.rank) {
            headings.push(Heading { column: Column::Bridge, x: rail_x + RAIL_WIDTH / 2 });
        }
        standing.push(Standing { is: rail, x: rail_x, reach: RAIL_TOP + 96 });
        x = rail_x + RAIL_WIDTH;
    }
    for stack in stacks {
        x = stack.stand(x, headings);
    }
    standing
}

/// Runs the cables, gives the rails their length and measures the whole.
fn finish(mut diagram: Diagram, sketch: &Sketch, mut standing: Vec<Standing>, stacks: Vec<Stack>) -> Diagram {
    let ends: Vec<Socketed> = stacks.iter().flat_map(|stack| stack.ends(&standing)).collect();
    let wires = cable::host(&diagram.host, &standing.iter().map(|rail| (rail.is, rail.x)).collect::<Vec<_>>());
    let plugged = ends.iter().filter(|end| end.climb.is_none()).map(|end| (end.rail, end.y));
    for (rail, y) in plugged.chain(wires.reach) {
        standing[rail].reach = standing[rail].reach.max(y + 24);
    }
    let between = stacks.iter().filter(|stack| stack.after < standing.len());
    let floor = between.map(Stack::bottom).max().unwrap_or(0);
    let lanes = lane::lanes(&ends, floor, &mut standing);
    let rails: Vec<(&RailSketch, Rect)> = standing.iter().map(|rail| (rail.is, rail.rect())).collect();
    diagram.cables = cable::run(&ends, &rails, &lanes);
    diagram.cables.extend(wires.cables);
    diagram.cables.extend(cable::outside(&diagram.host, diagram.outside.as_ref()));

    for (is, rect) in rails {
        let width = RAIL_STEP - 10;
        let label = Rect::new(rect.x + RAIL_WIDTH / 2 - width / 2, 44, width, 56);
        diagram.rails.insert(is.name.clone(), Rail { rect, label, is: is.clone() });
    }
    diagram.cards = gather::map(stacks.into_iter().flat_map(|stack| stack.cards));
    let rects = || {
        let cards = diagram.cards.values().map(|card| card.rect);
        let rails = diagram.rails.values().flat_map(|rail| [rail.rect, rail.label]);
        cards.chain(rails).chain([diagram.host.rect]).chain(diagram.cables.values().map(|cable| cable.bounds))
    };
    diagram.width = rects().map(Rect::right).max().unwrap_or(0) + 24;
    diagram.height = rects().map(Rect::bottom).max().unwrap_or(0) + 24;
    if sketch.guests.is_empty() {
        diagram.width += card::GUEST_WIDTH + 80;
    }
    diagram
}

impl Standing<'_> {
    fn rect(&self) -> Rect {
        Rect::new(self.x, RAIL_TOP, RAIL_WIDTH, self.reach - RAIL_TOP)
    }
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

/// `node2` before `node10`.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let split = |text: &str| {
        let stem = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = text[stem.len()..].parse::<u64>().unwrap_or(0);
        (stem.to_owned(), number, text.to_owned())
    };
    split(a).cmp(&split(b))
}
