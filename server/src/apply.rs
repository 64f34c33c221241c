//! The one writer: runs the steps of a plan, and only those. It decides nothing; the plan did.
//!
//! ```text
//! lock ─► still the same plan? ─► run ─► re-observe until the document holds ─► prove promises ─► commit
//!                                  └───────────────┴──────────────┴─► take back, newest first ─► rolled back
//! ```

mod run;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use model::{
    Cluster, Mac, Observed,
    event::Document,
    note::Note,
    plan::{Change, ChangeState, Plan, plan},
    proof::{Promise, Proof},
    step::Step,
};
use serde::Deserialize;
use tokio::{
    sync::{Mutex, OwnedMutexGuard, broadcast, watch as channel},
    time::{Instant, timeout_at},
};

use crate::{
    clock,
    host::Host,
    http::problem::chain,
    store::{Store, StoreError},
    watch::Watch,
};

#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("another change is being applied: wait until it has ended")]
    Busy,
    #[error("the document is at version {current}, this draft was made from version {asked}: load it again")]
    Version { asked: u64, current: u64 },
    #[error("the network has changed since the plan was made, and the plan with it: read the new plan")]
    Generation { based_on: u64, now: u64 },
    #[error("a note blocks the plan")]
    Blocked(Vec<Note>),
    #[error("there is no change to take back")]
    NothingToUndo,
    #[error(transparent)]
    Store(#[from] StoreError),
}

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
}

/// What the engine tells whoever listens.
#[derive(Debug, Clone)]
pub enum Progress {
    Change(Box<Change>),
    Document(Box<Document>),
}

/// How long the network may take to become what the document says, after the last step.
const SETTLE: Duration = Duration::from_secs(15);
/// A probe is tried so often before a promise counts as broken.
const PROBES: usize = 3;

#[derive(Clone)]
pub struct Engine {
    host: Host,
    watch: Watch,
    store: Store,
    lock: Arc<Mutex<()>>,
    next: Arc<AtomicU64>,
    current: Arc<channel::Sender<Option<Change>>>,
    progress: broadcast::Sender<Progress>,
}

impl Engine {
    pub fn new(host: Host, watch: Watch, store: Store) -> Self {
        Self {
            host,
            watch,
            store,
            lock: Arc::default(),
            next: Arc::new(AtomicU64::new(1)),
            current: Arc::new(channel::Sender::new(None)),
            progress: broadcast::Sender::new(256),
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
    pub async fn apply(&self, wanted: Wanted) -> Result<Change, ApplyError> {
        let Wanted { cluster, version, based_on, steps } = wanted;
        let guard = Arc::clone(&self.lock).try_lock_owned().map_err(|_| ApplyError::Busy)?;
        let document = self.store.document()?;
        if document.version != version {
            return Err(ApplyError::Version { asked: version, current: document.version });
        }
        let plan = self.plan(&document.cluster, &cluster).await;
        if plan.based_on != based_on && steps.as_ref() != Some(&plan.steps) {
            return Err(ApplyError::Generation { based_on, now: plan.based_on });
        }
        self.begin(guard, plan, document.cluster, cluster, "apply")
    }

    /// Takes back the last change: applies the version before the current one.
    pub async fn undo(&self) -> Result<Change, ApplyError> {
        let guard = Arc::clone(&self.lock).try_lock_owned().map_err(|_| ApplyError::Busy)?;
        let document = self.store.document()?;
        let before = document.version.checked_sub(1).ok_or(ApplyError::NothingToUndo)?;
        let before = self.store.version(before)?.ok_or(ApplyError::NothingToUndo)?.cluster;
        let plan = self.plan(&document.cluster, &before).await;
        self.begin(guard, plan, document.cluster, before, &format!("take back version {}", document.version))
    }

    /// What `draft` would do. Nothing announces what happens inside guests: those that the plan would change are asked
    /// before it is made.
    pub async fn plan(&self, committed: &Cluster, draft: &Cluster) -> Plan {
        let first = plan(&self.watch.observed(), committed, draft);
        let guests = guests_to_ask(&first.steps);
        if guests.is_empty() {
            return first;
        }
        join_all(guests.iter().map(|guest| self.watch.refresh_guest(guest))).await;
        plan(&self.watch.observed(), committed, draft)
    }

    fn begin(
        &self,
        guard: OwnedMutexGuard<()>,
        plan: Plan,
        committed: Cluster,
        draft: Cluster,
        why: &str,
    ) -> Result<Change, ApplyError> {
        if plan.is_blocked() {
            return Err(ApplyError::Blocked(plan.blocks().cloned().collect()));
        }
        let change = Change {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            state: ChangeState::Applying,
            steps: plan.steps.clone(),
            done: 0,
            error: None,
            left_over: Vec::new(),
            proofs: Vec::new(),
            version: None,
        };
        self.tell(&change);
        let drift = left_to_do(&self.watch.observed(), &committed);
        let task = Task { engine: self.clone(), change: change.clone(), committed, drift, draft, why: why.to_owned() };
        tokio::spawn(async move {
            task.run(plan).await;
            drop(guard);
        });
        Ok(change)
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

/// One change on its way.
struct Task {
    engine: Engine,
    change: Change,
    committed: Cluster,
    /// What was not as the document says before the change began.
    drift: Vec<Step>,
    draft: Cluster,
    why: String,
}

impl Task {
    async fn run(mut self, plan: Plan) {
        let result = self.forward(&plan).await;
        match result {
            Ok(version) => {
                self.change.version = Some(version);
                self.set(ChangeState::Committed);
                let document = Document { version, cluster: self.draft.clone() };
                let _ = self.engine.progress.send(Progress::Document(Box::new(document)));
            }
            Err(error) => {
                tracing::warn!(change = self.change.id, "taking back: {error}");
                self.change.error = Some(error);
                self.take_back(&plan).await;
            }
        }
    }

    async fn forward(&mut self, plan: &Plan) -> Result<u64, String> {
        for step in &plan.steps {
            self.engine.host.run(step).await.map_err(|error| format!("{}: {}", step.command(), chain(&error)))?;
            self.change.done += 1;
            self.engine.tell(&self.change);
        }
        self.set(ChangeState::Verifying);
        self.settle(&plan.steps, &self.draft).await?;
        for promise in &plan.promises {
            let proof = self.engine.prove(promise).await;
            let holds = proof.holds();
            self.change.proofs.push(proof);
            self.engine.tell(&self.change);
            if !holds {
                return Err(format!(
                    "{} does not reach {} through {}",
                    promise.guest, promise.target, promise.first_hop
                ));
            }
        }
        self.engine.store.commit(&self.draft, &self.why, clock::now()).map_err(|error| chain(&error))
    }

    /// Waits until nothing is left to do for `cluster`, on what was observed after the steps.
    async fn settle(&self, steps: &[Step], cluster: &Cluster) -> Result<(), String> {
        let watch = &self.engine.watch;
        let guests = guests_inside(steps);
        let mut changes = watch.changes();
        let deadline = Instant::now() + SETTLE;
        watch.refresh(&guests).await;
        loop {
            if left_to_do(&changes.borrow_and_update(), cluster).is_empty() {
                return Ok(());
            }
            if timeout_at(deadline, changes.changed()).await.is_err() {
                let left = left_to_do(&*watch.refresh(&guests).await, cluster);
                let Some(first) = left.first() else { return Ok(()) };
                return Err(format!("after the steps this is still to be done: {}", first.command()));
            }
        }
    }

    /// Runs the inverse of each step that was done, newest first, and keeps going if one fails.
    async fn take_back(&mut self, plan: &Plan) {
        self.set(ChangeState::RollingBack);
        let done = self.change.done;
        // The step that failed may have had a part of its effect: its inverse is tried too, and its failure is no news.
        let tried = (done + 1).min(plan.steps.len());
        let undo = plan.undo.iter().skip(plan.steps.len() - tried);
        for (index, step) in undo.enumerate() {
            let failed_one = tried > done && index == 0;
            match self.engine.host.run(step).await {
                Ok(()) => {}
                Err(error) if failed_one => tracing::debug!("{}: {}", step.command(), chain(&error)),
                Err(error) => self.change.left_over.push(format!("{}: {}", step.command(), chain(&error))),
            }
        }
        let observed = self.engine.watch.refresh(&guests_inside(&plan.steps)).await;
        if self.change.left_over.is_empty() {
            let left = left_to_do(&observed, &self.committed);
            let new = left.iter().filter(|step| !self.drift.contains(step));
            self.change.left_over.extend(new.map(Step::command));
        }
        self.set(ChangeState::RolledBack);
    }

    fn set(&mut self, state: ChangeState) {
        self.change.state = state;
        self.engine.tell(&self.change);
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
        Step::SetGuestLinkUp { mac, .. } | Step::AddGuestAddress { mac, .. } => !plugged(mac),
        _ => true,
    }))
}

/// The guests whose inside these steps change.
fn guests_inside<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<String> {
    let inside = steps.into_iter().filter_map(|step| step.inside().map(str::to_owned));
    inside.collect::<BTreeSet<_>>().into_iter().collect()
}
