//! The picture as numbers: where each rail, card, socket and cable stands.
//!
//! A pure function of topology and view, the same on server and browser. The columns are the way out: outside, host,
//! bridge, gateway, bridge, guests. A packet travels from right to left without turning back.
//!
//! ```text
//! Topology (observed) ─┐
//!                      ├─ Sketch: what is there, what is drafted ─ lay out ─► Diagram
//! Topology (drafted) ──┘
//! ```
//!
//! Everything is ordered by stable keys, so that a change moves only what it must.

mod cable;
mod layout;
pub mod sketch;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    note::Subject,
    observed::{AgentChannel, DomainState},
};
pub use sketch::{GatewayLine, HostNic, HostRow, Mark, NicSketch, RailSketch, Sketch};

/// From this many guests on, a card is one line.
pub const FOLD: usize = 17;
/// From this many guests on, guests are drawn as one group for each bridge.
pub const GROUP: usize = 150;

/// What the reader asked to see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// Only guests that match: by name, MAC, address or bridge. Lower case.
    pub find: String,
    /// Groups that are opened, by the name of their bridge.
    pub opened: BTreeSet<String>,
}

/// A place and an extent, in CSS pixels of the picture at scale 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub w: i32,
    pub h: i32,
}

impl Rect {
    pub fn new(x: i32, y: i32, w: i32, h: i32) -> Self {
        Self { x, y, w, h }
    }

    pub fn right(self) -> i32 {
        self.x + self.w
    }

    pub fn bottom(self) -> i32 {
        self.y + self.h
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// The same place for `style="…"`.
    pub fn style(self) -> String {
        format!("left:{}px;top:{}px;width:{}px;height:{}px", self.x, self.y, self.w, self.h)
    }
}

/// The whole picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagram {
    pub width: i32,
    pub height: i32,
    pub headings: Vec<Heading>,
    pub outside: Option<Outside>,
    pub host: HostCard,
    /// By the name of the bridge (or network, where it has none).
    pub rails: BTreeMap<String, Rail>,
    /// By `guest:<name>`, `group:<bridge>` or `others:<bridge>`.
    pub cards: BTreeMap<String, Card>,
    /// By what they join.
    pub cables: BTreeMap<String, Cable>,
    /// How many guests the view's search leaves out.
    pub hidden: usize,
}

/// The word above a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading {
    pub column: Column,
    pub x: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    Outside,
    Host,
    Bridge,
    Gateway,
    Guests,
}

/// The world beyond the host's NICs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    pub rect: Rect,
    /// The next hop of the host's default route.
    pub next_hop: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostCard {
    pub rect: Rect,
    pub name: String,
    /// Each with the place of its socket.
    pub nics: Vec<(Rect, HostNic)>,
    pub rows: Vec<HostRow>,
    /// Where the rows begin, below the card's top.
    pub rows_top: i32,
}

/// A bridge, tall enough for its ports.
#[derive(Debug, Clone, PartialEq)]
pub struct Rail {
    pub rect: Rect,
    /// Where its name and addresses stand, above it.
    pub label: Rect,
    pub is: RailSketch,
}

/// A guest, a group of guests, or the ports of a bridge that are not guests'.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    pub rect: Rect,
    pub subject: Subject,
    pub title: String,
    pub kind: CardKind,
    pub sockets: Vec<Socket>,
    /// NICs that are plugged nowhere, each a quiet line.
    pub loose: Vec<NicSketch>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum CardKind {
    Guest {
        state: DomainState,
        agent: AgentChannel,
        /// The guest's agent is connected and says nothing.
        trouble: bool,
        folded: bool,
        gateways: Vec<GatewayLine>,
        /// The place of the plug for a new NIC, below the card's top left corner.
        plug: Rect,
    },
    Group {
        bridge: String,
        guests: usize,
        running: usize,
        opened: bool,
    },
    Others {
        ports: Vec<String>,
    },
}

/// A NIC on the edge of a card. The place is relative to the card.
#[derive(Debug, Clone, PartialEq)]
pub struct Socket {
    pub rect: Rect,
    pub side: Side,
    /// The colour of its rail.
    pub colour: Option<u8>,
    pub nic: NicSketch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// From a port of a rail to a socket.
#[derive(Debug, Clone, PartialEq)]
pub struct Cable {
    /// An SVG path.
    pub path: String,
    /// What it covers, to know whether it is in view.
    pub bounds: Rect,
    pub colour: Option<u8>,
    pub mark: Mark,
    /// The host's link that carries it.
    pub link: Option<String>,
    /// Its name, once, above it.
    pub label: Option<Rect>,
    /// `false`: the cable is out, or the machine is off.
    pub carries: bool,
    /// Towards the host's side is the link's receive direction (taps), or its transmit direction (the host's NICs).
    pub subject: Subject,
}

impl Diagram {
    pub fn of(sketch: &Sketch, view: &View) -> Self {
        layout::lay_out(sketch, view)
    }
}
