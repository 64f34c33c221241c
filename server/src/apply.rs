//! The one writer: runs the steps of a plan, and only those. It decides nothing; the plan did.
//!
//! ```text
//! lock ─► still the same plan? ─► journal ─► run ─► re-observe until the document holds ─► prove promises ─► commit
//!              (each step is in the journal  └───────────────┴──────────────┴─► take back, newest first ─► rolled back
//!               before it runs)                                             └─► nobody confirms ─▲
//! ```
//!
//! A change that could cut off whoever asked for it runs only while a [revert] process counts, and ends well only if its
//! operator confirms it. What a crash interrupted is [taken back](recover) at the next start.

mod drift;
mod error;
mod faults;
mod keep;
mod recover;
pub mod revert;
mod run;
pub mod stage;
mod take_back;
mod task;
mod timer;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::future::join_all;
use model::{
    Cluster, Mac, Observed,
    event::Document,
    note::{Note, Subject},
    plan::{self, Change, ChangeState, Plan, guard, plan},
    proof::{Promise, Proof},
    step::Step,
    wire::Sealed,
};
use serde::Deserialize;
use tokio::{
    sync::{Mutex, OwnedMutexGuard, broadcast, watch as channel},
    time::{Instant, timeout},
};

use crate::{
    clock,
    host::Host,
    http::problem::chain,
    store::{
        Lock, LockOf, Store,
        journal::{Again, NewChange, Outcome},
    },
    watch::Watch,
};

pub use error::ApplyError;
use error::CONFIRM;
use faults::Faults;
use take_back::{guests_inside, waits_for_libvirt};
use task::{Task, together};

/// A change that could cut off whoever asked for it waits so long before its first step: they see the countdown first.
const HEAD_START: Duration = Duration::from_secs(1);

/// A change that has just told its end lets go a moment later: nobody who heard of it is to be refused.
const MOMENT: Duration = Duration::from_millis(100);

/// A draft to be applied, as its reader saw it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub cluster: Cluster,
    /// The version of the document that the draft was edited from.
    pub version: u64,
    /// The generation at which its plan was read.
    pub based_on: u64,
    /// The steps that were read. Without them, any later generation refuses the change.
    #[serde(default)]
    pub steps: Option<Vec<Step>>,
    /// Seconds in which it must be confirmed, if it could cut off whoever asks for it; the server's own time if absent.
    #[serde(default)]
    pub confirm_within: Option<u64>,
    /// A word for the history.
    #[serde(default)]
    pub why: Option<String>,
}

/// Who asks, and how they come.
#[derive(Debug, Clone)]
pub struct Caller {
    pub who: String,
    /// The link by which their connection comes, if it is known.
    pub wire: Option<String>,
}

/// What the engine tells whoever listens.
#[derive(Debug, Clone)]
pub enum Progress {
    Change(Box<Change>),
    Document(Box<Document>),
    Drift(Arc<Vec<Note>>),
    Drafts(Arc<Vec<model::draft::Draft>>),
}

/// A probe is tried so often before a promise counts as broken.
const PROBES: usize = 3;

#[derive(Clone)]
pub struct Engine {
    host: Host,
    watch: Watch,
    store: Store,
    lock: Arc<Mutex<()>>,
    current: Arc<channel::Sender<Option<Change>>>,
    confirmed: Arc<channel::Sender<Option<u64>>>,
    progress: broadcast::Sender<Progress>,
    /// How long a change waits to be confirmed.
    patience: Duration,
    faults: Faults,
}

/// What a change leads to.
struct Aim {
    plan: Plan,
    committed: Cluster,
    draft: Cluster,
    why: String,
    again: Again,
    patience: Duration,
    /// Somebody is there who could be cut off.
    guarded: bool,
}

impl Engine {
    /// `patience` is how long a change waits to be confirmed, if its operator does not say.
    pub fn new(host: Host, watch: Watch, store: Store, patience: Duration) -> Self {
        Self {
            host,
            watch,
            store,
            lock: Arc::default(),
            current: Arc::new(channel::Sender::new(None)),
            confirmed: Arc::new(channel::Sender::new(None)),
            progress: broadcast::Sender::new(256),
            patience,
            faults: Faults::of("serve"),
        }
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The change being applied, or the last one.
    pub fn current(&self) -> channel::Receiver<Option<Change>> {
        self.current.subscribe()
    }

    /// Begins to make the network what `cluster` says; returns as soon as the first step may run.
    ///
    /// On a later generation than the plan was read at, the change goes on only if the plan still has the same steps.
    pub async fn apply(&self, wanted: Wanted, caller: &Caller) -> Result<Change, ApplyError> {
        let Wanted { cluster, version, based_on, steps, confirm_within, why } = wanted;
        let patience = match confirm_within {
            Some(seconds) if !CONFIRM.contains(&seconds) => return Err(ApplyError::Hurry { seconds }),
            Some(seconds) => Duration::from_secs(seconds),
            None => self.patience,
        };
        let guard = self.alone().await?;
        let document = self.store.document()?;
        if document.version != version {
            return Err(ApplyError::Version { asked: version, current: document.version });
        }
        let plan = self.plan(&document.cluster, &cluster).await;
        if plan.based_on != based_on && steps.as_ref() != Some(&plan.steps) {
            return Err(ApplyError::Generation { based_on, now: plan.based_on });
        }
        let why = why.unwrap_or_else(|| "apply".to_owned()).chars().take(200).collect();
        let aim = Aim {
            plan,
            committed: document.cluster,
            draft: cluster,
            why,
            again: Again::default(),
            patience,
            guarded: true,
        };
        self.begin(guard, aim, caller).await
    }

    /// Takes back the last change that was not taken back yet: applies the version before it.
    pub async fn undo(&self, caller: &Caller) -> Result<Change, ApplyError> {
        let current = self.store.position()?;
        let target = current.checked_sub(1).ok_or(ApplyError::NothingToUndo)?;
        self.restore(target, Some(current), format!("undo version {current}"), caller).await
    }

    /// Takes back the last undo.
    pub async fn redo(&self, caller: &Caller) -> Result<Change, ApplyError> {
        let target = self.store.undone()?.ok_or(ApplyError::NothingToRedo)?;
        self.restore(target, None, format!("redo version {target}"), caller).await
    }

    async fn restore(
        &self,
        target: u64,
        undoes: Option<u64>,
        why: String,
        caller: &Caller,
    ) -> Result<Change, ApplyError> {
        let guard = self.alone().await?;
        let document = self.store.document()?;
        let draft = self.store.version(target)?.ok_or(ApplyError::NothingToUndo)?.cluster;
        let plan = self.plan(&document.cluster, &draft).await;
        let aim = Aim {
            plan,
            committed: document.cluster,
            draft,
            why,
            again: Again { restores: Some(self.store.position_of(target)?), undoes },
            patience: self.patience,
            guarded: true,
        };
        self.begin(guard, aim, caller).await
    }

    /// Makes the network again what the document says: all of it, or what touches one object.
    pub async fn put_back(&self, subject: Option<&Subject>, caller: &Caller) -> Result<Change, ApplyError> {
        let guard = self.alone().await?;
        let document = self.store.document()?;
        let plan = match subject {
            Some(subject) => self.plan_back(&document.cluster, std::slice::from_ref(subject)).await,
            None => self.plan(&document.cluster, &document.cluster).await,
        };
        if plan.is_empty() && !plan.is_blocked() {
            return Err(ApplyError::NothingToPutBack);
        }
        let what = subject.map(|subject| format!(" {subject}")).unwrap_or_default();
        let aim = Aim {
            plan,
            committed: document.cluster.clone(),
            draft: document.cluster,
            why: format!("put back{what}"),
            again: Again::default(),
            patience: self.patience,
            guarded: true,
        };
        self.begin(guard, aim, caller).await
    }

    /// Confirms the change that waits for it, as the operator who asked for it.
    pub fn confirm(&self, id: u64, caller: &Caller) -> Result<Change, ApplyError> {
        let change = self.current.borrow().clone();
        let waits = |change: &Change| change.id == id && change.state == ChangeState::AwaitingConfirmation;
        let change = change.filter(waits).ok_or(ApplyError::NothingToConfirm(id))?;
        if change.who != caller.who {
            return Err(ApplyError::NotYours { who: change.who });
        }
        self.confirmed.send_replace(Some(id));
        Ok(change)
    }

    async fn alone(&self) -> Result<OwnedMutexGuard<()>, ApplyError> {
        let lock = timeout(MOMENT, Arc::clone(&self.lock).lock_owned()).await;
        lock.map_err(|_| match &*self.current.borrow() {
            Some(change) if waits_for_libvirt(change) => ApplyError::NoLibvirt(change.id),
            _ => ApplyError::Busy,
        })
    }

    /// What `draft` would do.
    pub async fn plan(&self, committed: &Cluster, draft: &Cluster) -> Plan {
        self.fresh(|observed| plan(observed, committed, draft)).await
    }

    /// What would put these objects back.
    async fn plan_back(&self, cluster: &Cluster, subjects: &[Subject]) -> Plan {
        self.fresh(|observed| plan::put_back(observed, cluster, subjects)).await
    }

    /// Nothing announces what happens inside guests: those that the plan would change are asked before it is made.
    async fn fresh(&self, make: impl Fn(&Observed) -> Plan) -> Plan {
        let first = make(&self.watch.observed());
        let guests = guests_to_ask(&first.steps);
        if guests.is_empty() {
            return first;
        }
        join_all(guests.iter().map(|guest| self.watch.refresh_guest(guest))).await;
        make(&self.watch.observed())
    }

    /// How long guests have been at work so far.
    fn guests_worked(&self) -> Duration {
        self.host.libvirt.get().map(|libvirt| libvirt.guests_worked()).unwrap_or_default()
    }

    async fn begin(&self, guard: OwnedMutexGuard<()>, aim: Aim, caller: &Caller) -> Result<Change, ApplyError> {
        let (since, guests) = (Instant::now(), self.guests_worked());
        let Aim { plan, committed, draft, why, again, patience, guarded } = aim;
        if plan.is_blocked() {
            return Err(ApplyError::Blocked(plan.blocks().cloned().collect()));
        }
        let observed = self.watch.observed();
        let guarded = guarded && guard::needs_confirmation(&observed, &plan.steps, caller.wire.as_deref());
        let lock = Lock::of(self.store.folder(), LockOf::Change)?.ok_or(ApplyError::Busy)?;
        let new =
            NewChange { who: caller.who.clone(), why: why.clone(), plan: plan.clone(), draft: draft.clone(), again };
        self.end_unfinished()?;
        let first = together(&plan.steps).next().map_or(0, <[Step]>::len);
        let id = self.faults.around(|| self.store.begin(&new, first, clock::now()))?;
        let deadline = if guarded { Some(self.guard(id, patience).await?) } else { None };
        let change = Change {
            id,
            who: caller.who.clone(),
            why,
            state: ChangeState::Applying,
            steps: Sealed::of(&plan.steps),
            done: 0,
            error: None,
            left_over: Vec::new(),
            proofs: Vec::new(),
            version: None,
            confirm_by: guarded.then(|| clock::now().saturating_add(patience.as_millis() as u64)),
        };
        self.tell(&change);
        self.host.ways.ssh.document(&draft);
        let drift = left_to_do(&observed, &committed);
        let task = Task {
            engine: self.clone(),
            change: change.clone(),
            plan,
            committed,
            drift,
            draft,
            deadline,
            patience,
            since,
            noted: first,
            begun: 0,
            armed: BTreeSet::new(),
            worked: Duration::ZERO,
            guests,
        };
        tokio::spawn(async move {
            if guarded {
                tokio::time::sleep(HEAD_START).await;
            }
            task.run(lock).await;
            drop(guard);
        });
        Ok(change)
    }

    /// Starts what takes the change back if nobody confirms it. Without that, the change is over before it began.
    async fn guard(&self, id: u64, patience: Duration) -> Result<Instant, ApplyError> {
        let deadline = Instant::now() + patience;
        if let Err(error) = revert::arm(self.store.folder(), id, patience).await {
            let outcome = Outcome { error: Some(chain(&error)), ..Outcome::default() };
            self.store.rolled_back(id, &outcome)?;
            return Err(error.into());
        }
        Ok(deadline)
    }

    fn tell(&self, change: &Change) {
        self.current.send_replace(Some(change.clone()));
        let _ = self.progress.send(Progress::Change(Box::new(change.clone())));
    }

    /// Probes one promise, a few times if need be.
    pub async fn prove(&self, promise: &Promise) -> Proof {
        let mut proof = self.probe(promise).await;
        for _ in 1..PROBES {
            if proof.holds() {
                break;
            }
            proof = self.probe(promise).await;
        }
        proof
    }

    async fn probe(&self, promise: &Promise) -> Proof {
        let result = self.host.traceroute(&promise.guest, promise.target).await;
        let (hops, trouble) = match result {
            Ok(hops) => (hops, None),
            Err(error) => (Vec::new(), Some(chain(&error))),
        };
        Proof { promise: promise.clone(), hops, trouble, at: clock::now() }
    }
}

fn left_to_do(observed: &Observed, cluster: &Cluster) -> Vec<Step> {
    plan(observed, cluster, cluster).steps
}

/// The guests whose inside these steps change and that had an inside to read before: a NIC that is only now plugged in has
/// nothing on it.
fn guests_to_ask(steps: &[Step]) -> Vec<String> {
    let plugged = |of: &Mac| steps.iter().any(|step| matches!(step, Step::AttachNic { nic, .. } if nic.mac == *of));
    guests_inside(steps.iter().filter(|step| match step {
        Step::SetGuestLinkUp { mac, .. }
        | Step::SetGuestMtu { mac, .. }
        | Step::SetGuestFilter { mac, .. }
        | Step::SetGuestDhcp { mac, .. }
        | Step::SetGuestAcceptRa { mac, .. }
        | Step::AddGuestAddress { mac, .. } => !plugged(mac),
        _ => true,
    }))
}
