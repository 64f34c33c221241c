//! Tells every browser what is not as the document says, as soon as it is so, and puts back what is to be put back always.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use model::{
    drift::drift,
    note::{Note, Subject},
    plan::concerns,
};
use tokio::time::Instant;

use super::{ApplyError, Engine, Progress};
use crate::http::problem::chain;

/// What a change somewhere does to links, addresses and rules comes in several events: one look for all of them.
const TOGETHER: Duration = Duration::from_millis(100);
/// Somebody who changes it again and again wants it otherwise: after so many times …
const TIMES: usize = 5;
/// … in so long a time, it is left to a person.
const WINDOW: Duration = Duration::from_secs(60);

impl Engine {
    /// What is not as the document says, now. While a change is on its way, nothing is as any document says.
    pub fn drift(&self) -> Vec<Note> {
        if self.current.borrow().as_ref().is_some_and(|change| !change.state.is_final()) {
            return Vec::new();
        }
        match self.store.document() {
            Ok(document) => drift(&self.watch.observed(), &document.cluster),
            Err(error) => {
                tracing::error!("{}", chain(&error));
                Vec::new()
            }
        }
    }

    /// For ever.
    pub async fn watch_drift(self) {
        let mut changes = self.watch.changes();
        let mut current = self.current();
        let mut told = Vec::new();
        let mut done = VecDeque::new();
        loop {
            changes.borrow_and_update();
            current.borrow_and_update();
            let now = self.drift();
            let drifted = !now.is_empty();
            if now != told {
                told = now.clone();
                let _ = self.progress.send(Progress::Drift(Arc::new(now)));
            }
            if drifted && let Err(error) = self.put_back_always(&mut done).await {
                tracing::debug!("putting back: {}", chain(&error));
            }
            tokio::select! {
                more = changes.changed() => if more.is_err() { return },
                more = current.changed() => if more.is_err() { return },
            }
            tokio::time::sleep(TOGETHER).await;
        }
    }

    /// Puts back what the document wants put back without asking. `done` is when that was done of late.
    async fn put_back_always(&self, done: &mut VecDeque<Instant>) -> Result<(), ApplyError> {
        if self.store.document()?.cluster.always().is_empty() {
            return Ok(());
        }
        // A change that has just ended may not have let go yet: there is no later event to wait for.
        let guard = Arc::clone(&self.lock).lock_owned().await;
        let document = self.store.document()?;
        let always = document.cluster.always();
        let plan = self.plan_back(&document.cluster, &always).await;
        if plan.is_empty() {
            return Ok(());
        }
        while done.front().is_some_and(|at| at.elapsed() > WINDOW) {
            done.pop_front();
        }
        if done.len() >= TIMES {
            return Ok(());
        }
        done.push_back(Instant::now());
        if done.len() == TIMES {
            tracing::warn!("put back {TIMES} times within {} s: left to a person for now", WINDOW.as_secs());
        }
        let observed = self.watch.observed();
        let concerned = |subject: &&Subject| plan.steps.iter().any(|step| concerns(&observed, step, subject));
        let names: Vec<String> = always.iter().filter(concerned).map(ToString::to_string).collect();
        self.put_back_alone(guard, plan, document.cluster, format!("put back {}, as always", names.join(", "))).await?;
        Ok(())
    }
}
