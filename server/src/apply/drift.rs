//! Tells every browser what is not as the document says, as soon as it is so.

use std::{sync::Arc, time::Duration};

use model::{drift::drift, note::Note};

use super::{Engine, Progress};
use crate::http::problem::chain;

/// What a change somewhere does to links, addresses and rules comes in several events: one look for all of them.
const TOGETHER: Duration = Duration::from_millis(100);

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
        loop {
            changes.borrow_and_update();
            current.borrow_and_update();
            let now = self.drift();
            if now != told {
                told = now.clone();
                let _ = self.progress.send(Progress::Drift(Arc::new(now)));
            }
            tokio::select! {
                more = changes.changed() => if more.is_err() { return },
                more = current.changed() => if more.is_err() { return },
            }
            tokio::time::sleep(TOGETHER).await;
        }
    }
}
