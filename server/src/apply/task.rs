//! One change on its way, from its first step to its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::{StreamExt, stream};
use model::{
    Cluster,
    event::Document,
    plan::{Change, ChangeState, Plan},
    step::Step,
};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Engine, Progress, left_to_do, revert::unconfirmed, take_back::guests_inside, timer};
use crate::{
    clock,
    http::problem::chain,
    store::{Lock, LockOf, journal::Outcome},
};

/// How long the network may take to become what the document says, after the last step.
const SETTLE: Duration = Duration::from_secs(15);
/// How long the revert process may take to take a change back, once it has taken it over.
const ELSEWHERE: Duration = Duration::from_secs(300);

pub struct Task {
    pub engine: Engine,
    pub change: Change,
    pub plan: Plan,
    pub committed: Cluster,
    /// What was not as the document says before the change began.
    pub drift: Vec<Step>,
    pub draft: Cluster,
    /// Until when it must be confirmed.
    pub deadline: Option<Instant>,
    pub patience: Duration,
    /// When it was asked for.
    pub since: Instant,
    /// How many of its steps the journal says have begun.
    pub noted: usize,
    /// How many of its steps may have had an effect.
    pub begun: usize,
    /// The guests whose own timer counts.
    pub armed: BTreeSet<String>,
    /// How long its steps took by themselves.
    pub worked: Duration,
    /// How long guests had been at work when it was asked for.
    pub guests: Duration,
}

/// Why a change does not end well.
enum Trouble {
    /// It is to be taken back.
    Failed(String),
    /// Another process takes it back.
    Elsewhere,
}

impl Task {
    /// Holds the lock of changes while steps run, so that nobody takes back what is still being done.
    pub async fn run(mut self, lock: Lock) {
        let mut lock = Some(lock);
        match self.forward(&mut lock).await {
            Ok(version) => {
                let (all, worked) = (self.since.elapsed().as_millis(), self.worked.as_millis());
                let Change { id, why, .. } = &self.change;
                let guests = self.engine.guests_worked().saturating_sub(self.guests).as_millis();
                tracing::info!(
                    "change {id} ({why}): committed in {all} ms, {worked} ms of them for its steps; guests worked {guests} ms"
                );
                self.change.version = Some(version);
                self.change.confirm_by = None;
                self.set(ChangeState::Committed);
                let document = Document { version, cluster: self.draft.clone() };
                let _ = self.engine.progress.send(Progress::Document(Box::new(document)));
                self.engine.carry_drafts();
            }
            Err(Trouble::Failed(error)) => {
                tracing::warn!(change = self.change.id, "taking back: {error}");
                self.change.error = Some(error);
                self.take_back(&mut lock).await;
            }
            Err(Trouble::Elsewhere) => self.taken_back_elsewhere(lock).await,
        }
    }

    async fn forward(&mut self, lock: &mut Option<Lock>) -> Result<u64, Trouble> {
        let (engine, id) = (self.engine.clone(), self.change.id);
        let steps = self.plan.steps.clone();
        for steps in together(&steps) {
            self.run_together(steps).await?;
        }
        self.set(ChangeState::Verifying);
        self.settle().await.map_err(Trouble::Failed)?;
        for promise in &self.plan.promises {
            let proof = engine.prove(promise).await;
            let holds = proof.holds();
            self.change.proofs.push(proof);
            engine.tell(&self.change);
            if !holds {
                let (guest, target, hop) = (&promise.guest, promise.target, promise.first_hop);
                return Err(Trouble::Failed(if promise.refused {
                    format!("{guest} is not kept from {target} by {hop}")
                } else {
                    format!("{guest} does not reach {target} through {hop}")
                }));
            }
        }
        timer::disarm(&engine.host, id, &self.armed).await.map_err(Trouble::Failed)?;
        self.in_time()?;
        self.await_confirmation(lock).await?;
        match engine.faults.around(|| engine.store.commit(id, &self.change.proofs, clock::now())) {
            Ok(Some(version)) => Ok(version),
            Ok(None) => Err(Trouble::Elsewhere),
            Err(error) => Err(Trouble::Failed(chain(&error))),
        }
    }

    /// Runs steps that follow each other. Those inside different guests run side by side: each waits for its guest alone.
    /// After a failure no other begins, and what has begun is waited for.
    async fn run_together(&mut self, steps: &[Step]) -> Result<(), Trouble> {
        self.in_time()?;
        self.arm(steps).await?;
        let (engine, id) = (self.engine.clone(), self.change.id);
        let first = self.begun + 1;
        self.begun += steps.len();
        if self.begun > self.noted {
            match engine.faults.around(|| engine.store.begin_step(id, self.begun)) {
                Ok(true) => self.noted = self.begun,
                Ok(false) => return Err(Trouble::Elsewhere),
                Err(error) => {
                    self.begun -= steps.len();
                    return Err(Trouble::Failed(chain(&error)));
                }
            }
        }
        let mut guests: BTreeMap<Option<&str>, Vec<(usize, &Step)>> = BTreeMap::new();
        for (nth, step) in (first..).zip(steps) {
            guests.entry(step.inside()).or_default().push((nth, step));
        }
        let (started, failed) = (Instant::now(), AtomicBool::new(false));
        let (engine, stop, plan) = (&engine, &failed, &self.plan.steps);
        let lanes = guests.into_values().map(|steps| {
            let lane = stream::unfold(steps.into_iter(), move |mut rest| async move {
                let (nth, step) = rest.next().filter(|_| !stop.load(Ordering::Relaxed))?;
                Some((engine.run_step(nth, step, &plan[..nth - 1]).await, rest))
            });
            Box::pin(lane)
        });
        let mut outcomes = stream::select_all(lanes);
        let mut error = None;
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(()) => {
                    self.change.done += 1;
                    engine.tell(&self.change);
                }
                Err(reason) => {
                    failed.store(true, Ordering::Relaxed);
                    error.get_or_insert(reason);
                }
            }
        }
        self.worked += started.elapsed();
        error.map_or(Ok(()), |error| Err(Trouble::Failed(error)))
    }

    /// Before the first step inside a guest that this change may cut off.
    async fn arm(&mut self, steps: &[Step]) -> Result<(), Trouble> {
        let guests: BTreeSet<&str> = steps.iter().filter_map(Step::inside).collect();
        let guests = guests.into_iter().filter(|guest| !self.armed.contains(*guest)).collect();
        let armed = timer::arm(&self.engine.host, self.change.id, &self.plan.steps, &guests).await;
        self.armed.extend(armed.map_err(|error| Trouble::Failed(chain(&error)))?);
        Ok(())
    }

    fn in_time(&self) -> Result<(), Trouble> {
        match self.deadline {
            Some(deadline) if Instant::now() > deadline => Err(self.late()),
            _ => Ok(()),
        }
    }

    fn late(&self) -> Trouble {
        Trouble::Failed(unconfirmed(self.patience.as_secs()))
    }

    /// Lets go of the lock meanwhile: the revert process may take over.
    async fn await_confirmation(&mut self, lock: &mut Option<Lock>) -> Result<(), Trouble> {
        let Some(deadline) = self.deadline else { return Ok(()) };
        let (engine, id) = (self.engine.clone(), self.change.id);
        let waits = [ChangeState::Applying];
        match engine.faults.around(|| engine.store.turn(id, &waits, ChangeState::AwaitingConfirmation)) {
            Ok(true) => {}
            Ok(false) => return Err(Trouble::Elsewhere),
            Err(error) => return Err(Trouble::Failed(chain(&error))),
        }
        *lock = None;
        self.set(ChangeState::AwaitingConfirmation);
        let mut confirmed = engine.confirmed.subscribe();
        tokio::select! {
            // Its sender is the engine's own.
            _ = confirmed.wait_for(|confirmed| *confirmed == Some(id)) => Ok(()),
            () = sleep_until(deadline) => Err(self.late()),
        }
    }

    /// Waits until nothing is left to do of what the plan was for, on what was observed after the steps: what shows their
    /// effects was. Events may tell of them before everything is read again.
    async fn settle(&self) -> Result<(), String> {
        let watch = self.engine.watch.clone();
        let guests = guests_inside(&self.plan.steps);
        let mut changes = watch.changes();
        let deadline = Instant::now() + SETTLE;
        let steps = self.plan.steps.clone();
        // To its end in any case: nothing is read by halves.
        tokio::spawn(async move { watch.reread(&steps).await });
        loop {
            if self.missing(&changes.borrow_and_update()).is_none() {
                return Ok(());
            }
            if timeout_at(deadline, changes.changed()).await.is_err() {
                let missing = self.missing(&*self.engine.watch.refresh(&guests).await);
                return missing.map_or(Ok(()), |step| {
                    Err(format!("after the steps this is still to be done: {}", step.command()))
                });
            }
        }
    }

    /// What the document still lacks. Of a part that is put back, only that part counts.
    fn missing(&self, observed: &model::Observed) -> Option<Step> {
        let left = left_to_do(observed, &self.draft);
        let partial = self.draft == self.committed;
        let left = left.into_iter().find(|step| !partial || self.plan.steps.contains(step));
        left.or_else(|| self.plan.steps.iter().find(|step| step.leaves_behind(observed)).cloned())
    }

    async fn take_back(&mut self, lock: &mut Option<Lock>) {
        use ChangeState::{Applying, AwaitingConfirmation, RollingBack};
        let (engine, id) = (self.engine.clone(), self.change.id);
        if lock.is_none() {
            *lock = Lock::wait(engine.store.folder(), LockOf::Change, ELSEWHERE).await.ok().flatten();
        }
        match engine.faults.around(|| engine.store.turn(id, &[Applying, AwaitingConfirmation], RollingBack)) {
            Ok(true) => {}
            Ok(false) => return self.taken_back_elsewhere(lock.take()).await,
            // A journal that cannot be written is no reason to leave a change half done.
            Err(error) => tracing::error!("{}", chain(&error)),
        }
        self.set(RollingBack);
        // The step that failed may have had a part of its effect.
        let undo = &self.plan.undo[self.plan.undo.len() - self.begun..];
        engine.take_back(&mut self.change, undo).await;
        if self.change.left_over.is_empty() {
            let left = left_to_do(&engine.watch.observed(), &self.committed);
            let new = left.iter().filter(|step| !self.drift.contains(step));
            self.change.left_over.extend(new.map(Step::command));
        }
        engine.taken_back(&mut self.change);
    }

    /// Waits for the revert process, tells what it did, and does what it left: without libvirt's answer it ends early.
    async fn taken_back_elsewhere(&mut self, lock: Option<Lock>) {
        drop(lock);
        self.set(ChangeState::RollingBack);
        let (engine, id) = (self.engine.clone(), self.change.id);
        let folder = engine.store.folder();
        let ended = Lock::wait(folder, LockOf::Revert(id), ELSEWHERE).await.ok().flatten();
        let _ = fs::remove_file(folder.join(LockOf::Revert(id).file()));
        let _lock = Lock::wait(folder, LockOf::Change, ELSEWHERE).await;
        if let Ok(Some(entry)) = engine.store.change(id) {
            let Outcome { error, left_over, proofs } = entry.outcome.clone();
            self.change = Change { error, left_over, proofs, ..self.change.clone() };
            if !entry.state.is_final() {
                self.change.error = Some(unconfirmed(self.patience.as_secs()));
                if ended.is_some() {
                    engine.take_back(&mut self.change, entry.undo()).await;
                    return engine.taken_back(&mut self.change);
                }
                self.change.left_over.push("the process that takes the change back has not ended".to_owned());
            }
        }
        engine.watch.refresh(&guests_inside(&self.plan.steps)).await;
        self.change.confirm_by = None;
        self.set(ChangeState::RolledBack);
    }

    fn set(&mut self, state: ChangeState) {
        self.change.state = state;
        self.engine.tell(&self.change);
    }
}

/// Steps that the journal notes as one: those inside guests, which run side by side, and a mark of ours with what it is for,
/// which has no effect without it.
pub fn together(steps: &[Step]) -> impl Iterator<Item = &[Step]> {
    let inside = |step: &Step| step.inside().is_some();
    steps.chunk_by(move |one, next| match one {
        Step::SetMarks { .. } => !inside(next),
        _ => inside(one) && inside(next),
    })
}

impl Engine {
    async fn run_step(&self, nth: usize, step: &Step, before: &[Step]) -> Result<(), String> {
        self.faults.step("before", nth).await?;
        let done = self.host.run_after(before, step).await;
        done.map_err(|error| format!("{}: {}", step.command(), chain(&error)))?;
        self.faults.step("after", nth).await
    }
}
