//! What the server sends, kept up to date: one store of signals, patched frame by frame.
//!
//! ```text
//! connecting ─► live ─(silence)─► stale ─(frame)─► live
//!     ▲           └───(closed)──► offline ─(backoff, or the browser is online again)─┐
//!     └──────────────────────────────────────────────────────────────────────────────┘
//! ```

mod rate;
mod socket;

use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;
use model::{
    Observed,
    draft::Draft,
    event::{Document, Frame, YouAreHere},
    note::Note,
    observed::Hits,
    plan::Change,
    topology::Topology,
};

use crate::Initial;
pub use rate::{Rate, bits};
pub use socket::start;

/// Whether what is shown is so now. Times are milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    Connecting,
    Live,
    /// The socket is open, and nothing comes.
    Stale {
        since: u64,
    },
    Offline {
        since: u64,
    },
}

/// The store. Rates and counters have signals of their own: they touch no layout.
#[derive(Clone, Copy)]
pub struct Live {
    pub observed: RwSignal<Observed>,
    pub document: RwSignal<Document>,
    /// Where we come in; `None` before the first connection: it takes the server a moment to find out.
    pub you: RwSignal<Option<YouAreHere>>,
    /// How the journal and drafts name us; empty before the first connection.
    pub who: RwSignal<String>,
    /// What operators are drafting, us included; `None` before the first connection.
    pub drafts: RwSignal<Option<Vec<Draft>>>,
    pub connection: RwSignal<Connection>,
    pub change: RwSignal<Option<Change>>,
    /// The change runs, or has ended while somebody looked.
    pub news: RwSignal<bool>,
    /// What is not as the document says.
    pub drift: RwSignal<Vec<Note>>,
    /// By link name.
    pub rates: RwSignal<BTreeMap<String, Rate>>,
    /// By `family table handle`.
    pub hits: RwSignal<BTreeMap<String, Hits>>,
    /// Tables whose counters somebody looks at.
    pub watched: RwSignal<BTreeSet<String>>,
    pub topology: Memo<Topology>,
    counters: StoredValue<rate::Meter>,
    /// Milliseconds by which the server's clock is ahead of the browser's.
    ahead: StoredValue<i64>,
}

impl Live {
    pub fn new(initial: &Initial) -> Self {
        let observed = RwSignal::new((*initial.observed).clone());
        Self {
            observed,
            document: RwSignal::new(initial.document.clone()),
            you: RwSignal::default(),
            who: RwSignal::default(),
            drafts: RwSignal::default(),
            connection: RwSignal::new(Connection::Connecting),
            change: RwSignal::new(None),
            news: RwSignal::new(false),
            drift: RwSignal::default(),
            rates: RwSignal::default(),
            hits: RwSignal::default(),
            watched: RwSignal::default(),
            topology: Memo::new(move |_| observed.with(Topology::of)),
            counters: StoredValue::new(rate::Meter::default()),
            ahead: StoredValue::new(0),
        }
    }

    pub fn here() -> Self {
        expect_context()
    }

    /// Compares the clocks, as soon as there are two.
    pub fn compare_clocks(self, server: u64) {
        self.ahead.set_value(server as i64 - crate::ui::now() as i64);
    }

    /// The server's time at a moment of the browser's clock, in milliseconds since 1970.
    pub fn server_time(self, here: u64) -> u64 {
        here.saturating_add_signed(self.ahead.get_value())
    }

    /// Takes in one frame.
    fn take(self, frame: Frame) {
        match frame {
            Frame::Hello { snapshot, document, you, who, .. } => {
                self.who.set(who);
                if let Some(snapshot) = snapshot {
                    self.observed.set(*snapshot);
                }
                self.set_document(document);
                if self.you.get_untracked() != you {
                    self.you.set(you);
                }
            }
            Frame::Patch(patch) => self.observed.update(|observed| patch.apply(observed)),
            Frame::You(you) => self.you.set(Some(you)),
            Frame::Document(document) => self.set_document(document),
            Frame::Change(change) => {
                let known = self.change.with_untracked(|old| old.as_ref().is_some_and(|old| old.id == change.id));
                self.news.set(known || !change.state.is_final());
                self.change.set(Some(change));
            }
            Frame::Counters(traffic) => {
                let name =
                    |index: u32| self.observed.with_untracked(|o| o.links.get(&index).map(|link| link.name.clone()));
                let rates = self.counters.try_update_value(|meter| meter.read(&traffic, name));
                if let Some(rates) = rates {
                    self.rates.set(rates);
                }
                if !traffic.rules.is_empty() {
                    self.hits.set(traffic.rules);
                }
            }
            Frame::Drift(drift) => self.drift.set(drift),
            Frame::Drafts(drafts) => self.drafts.set(Some(drafts)),
            Frame::Alive => {}
        }
    }

    /// What the other operators are drafting.
    pub fn others(self) -> Vec<Draft> {
        let who = self.who.get();
        let of = |draft: &&Draft| draft.who != who;
        self.drafts.with(|drafts| drafts.iter().flatten().filter(of).cloned().collect())
    }

    fn set_document(self, document: Document) {
        if self.document.with_untracked(|old| *old != document) {
            self.document.set(document);
        }
    }
}
