//! Plans: what will be done, in which order, and how it is taken back.

mod autostart;
mod bridge;
mod channel;
mod client;
mod destinations;
mod dhcp;
mod firewall;
mod forward;
pub(crate) mod gateway;
pub mod guard;
mod guest;
mod lease;
mod manager;
mod marks;
pub(crate) mod nic;
mod persist;
mod put_back;
mod resolver;
mod setting;
mod unplugged;
mod uplink;
pub(crate) mod wishes;

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    Cluster, Mac, Observed, check,
    note::{Note, Severity},
    observed::Marks,
    promise,
    proof::{Promise, Proof},
    step::Step,
    wire::Sealed,
};

use marks::MarksPlan;
pub use put_back::{concerns, put_back};
use wishes::Wishes;

/// What turns the host into what `draft` says, given that `committed` is what was said before.
///
/// What the committed document has and the draft has not is given back, if it is ours. What the draft has and the host has
/// not is added. A plan with a note that blocks has no steps.
pub fn plan(observed: &Observed, committed: &Cluster, draft: &Cluster) -> Plan {
    let observed = unplugged::without(observed, [committed, draft]);
    Planner::of(&observed, committed, draft).finish()
}

/// The steps of a plan, whatever blocks it, with all that guests are said to have.
pub(crate) fn steps(observed: &Observed, committed: &Cluster, draft: &Cluster) -> Vec<Step> {
    Planner::of(observed, committed, draft).sorted()
}

/// The order of a plan. Within one phase steps stay as they were planned.
///
/// What is needed comes before what needs it; what is given back comes before what is taken away; the NIC that leads
/// outside goes last of all that guests have, and a bridge when nothing is plugged into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Bridges,
    Rules,
    /// Before the NICs that ask for addresses are plugged in.
    Leases,
    /// Notes what was before, before it is changed.
    Marks,
    /// NICs of old that come back.
    Replug,
    Attach,
    /// Routes that would go with an address.
    RoutesOff,
    Inside,
    GatewayOn,
    Routes,
    GatewayOff,
    InsideOff,
    Detach,
    RulesOff,
    BridgesOff,
    /// What is for a later start, when the host is so already.
    Files,
    /// DHCP clients that those files tell what to do.
    Clients,
    /// The way into a guest, when nothing is left to be done inside.
    ChannelsOff,
    /// Forgets what has been given back.
    MarksOff,
}

struct Planner<'a> {
    observed: &'a Observed,
    committed: &'a Cluster,
    draft: &'a Cluster,
    old: Wishes,
    new: Wishes,
    steps: Vec<(Phase, Step)>,
    notes: Vec<Note>,
    marks: BTreeMap<String, MarksPlan>,
    /// NICs that this plan takes out.
    gone: BTreeSet<Mac>,
    /// NICs that this plan plugs in again.
    back: BTreeSet<Mac>,
    /// NICs that lose their last IPv4 address, and with it every route, before they get another.
    emptied: BTreeSet<Mac>,
    /// Networks of ours that this plan undefines: their static leases go and come with their definitions.
    remade: BTreeSet<String>,
    /// Networks of ours that this plan starts.
    started: BTreeSet<String>,
}

impl<'a> Planner<'a> {
    fn of(observed: &'a Observed, committed: &'a Cluster, draft: &'a Cluster) -> Self {
        let mut planner = Self {
            observed,
            committed,
            draft,
            old: Wishes::of(observed, committed),
            new: Wishes::of(observed, draft),
            steps: Vec::new(),
            notes: check::review(observed, committed, draft),
            marks: BTreeMap::new(),
            gone: BTreeSet::new(),
            back: BTreeSet::new(),
            emptied: BTreeSet::new(),
            remade: BTreeSet::new(),
            started: BTreeSet::new(),
        };
        bridge::plan(&mut planner);
        firewall::plan(&mut planner);
        lease::plan(&mut planner);
        nic::plan(&mut planner);
        gateway::plan(&mut planner);
        guest::plan(&mut planner);
        channel::plan(&mut planner);
        resolver::plan(&mut planner);
        autostart::plan(&mut planner);
        manager::plan(&mut planner);
        persist::plan(&mut planner);
        planner
    }

    fn push(&mut self, phase: Phase, step: Step) {
        self.steps.push((phase, step));
    }

    fn len(&self) -> usize {
        self.steps.len()
    }

    fn marks(&mut self, guest: &str) -> &mut MarksPlan {
        let observed = self.observed;
        self.marks.entry(guest.to_owned()).or_insert_with(|| {
            MarksPlan::new(observed.domains.get(guest).map(|domain| Marks::clone(&domain.marks)).unwrap_or_default())
        })
    }

    /// The steps in their order.
    fn sorted(&mut self) -> Vec<Step> {
        for (guest, marks) in std::mem::take(&mut self.marks) {
            let (first, last) = marks.steps(&guest);
            self.steps.extend(first.map(|step| (Phase::Marks, step)));
            self.steps.extend(last.map(|step| (Phase::MarksOff, step)));
        }
        self.steps.sort_by_key(|(phase, _)| *phase);
        std::mem::take(&mut self.steps).into_iter().map(|(_, step)| step).collect()
    }

    fn finish(mut self) -> Plan {
        let steps = self.sorted();
        let stuck = bridge::still_plugged(&self, &steps);
        self.notes.extend(stuck);
        self.notes.extend(check::slots(self.observed, &steps));
        self.notes.extend(promise::review(self.observed, self.draft, &steps));
        self.notes.sort_by_key(|note| note.severity);
        let mut plan = Plan { based_on: self.observed.generation, notes: self.notes, ..Plan::default() };
        if !plan.is_blocked() {
            plan.set(steps);
            plan.promises = self.new.promises;
        }
        plan
    }
}

/// The difference between a host and a draft, ready to be read and applied. Execution decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    /// The generation of `Observed` that it was computed from.
    pub based_on: u64,
    pub steps: Vec<Step>,
    /// The inverse of each step, newest first: `undo[0]` takes back the last step.
    pub undo: Vec<Step>,
    pub notes: Vec<Note>,
    /// What must be reachable afterwards.
    pub promises: Vec<Promise>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The notes that forbid applying it.
    pub fn blocks(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.severity == Severity::Block)
    }

    pub fn is_blocked(&self) -> bool {
        self.blocks().next().is_some()
    }

    /// Keeps only some of its steps, with their inverses.
    pub fn keep(&mut self, which: impl Fn(&Step) -> bool) {
        let steps = std::mem::take(&mut self.steps);
        self.set(steps.into_iter().filter(which).collect());
    }

    fn set(&mut self, steps: Vec<Step>) {
        self.undo = steps.iter().rev().map(Step::inverse).collect();
        self.steps = steps;
    }

    /// Whether applying either would do the same.
    pub fn same_steps(&self, other: &Self) -> bool {
        self.steps == other.steps
    }
}

/// One application of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    pub id: u64,
    /// Who asked for it, as the journal has it.
    pub who: String,
    pub why: String,
    pub state: ChangeState,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Step>))]
    pub steps: Sealed<Vec<Step>>,
    /// How many steps are done.
    pub done: usize,
    /// What went wrong, if anything did.
    pub error: Option<String>,
    /// What could not be taken back.
    pub left_over: Vec<String>,
    pub proofs: Vec<Proof>,
    /// The version of the document that this change made.
    pub version: Option<u64>,
    /// Until when whoever asked for it must confirm it (milliseconds since 1970), or it is taken back. `None`: it cannot cut
    /// anybody off.
    pub confirm_by: Option<u64>,
}

/// ```text
/// applying ─► verifying ─┬────────────────────────────► committed
///     │           │      └─► awaiting-confirmation ───────▲
///     └───────────┴──────────────────┴─► rolling-back ─► rolled-back
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ChangeState {
    Applying,
    Verifying,
    AwaitingConfirmation,
    Committed,
    RollingBack,
    RolledBack,
}

impl ChangeState {
    pub fn is_final(self) -> bool {
        matches!(self, Self::Committed | Self::RolledBack)
    }
}
