//! At start, before anything is served: a change that was interrupted is taken back.

use std::time::Duration;

use model::plan::ChangeState::{Applying, AwaitingConfirmation, RollingBack, Verifying};

use super::{Engine, take_back::take_back};
use crate::store::{Lock, LockOf, StoreError, journal::Outcome};

/// How long the revert process may take, if it is at it already.
const PATIENCE: Duration = Duration::from_secs(120);

impl Engine {
    /// Takes back whatever the journal says was begun and not ended.
    ///
    /// A change that held is committed in the same write that says so, hence none is found that would only have to be
    /// finished. One that waited to be confirmed was not confirmed.
    pub async fn recover(&self) -> Result<(), StoreError> {
        let _lock = Lock::wait(self.store.folder(), LockOf::Change, PATIENCE).await?;
        for entry in self.store.unfinished()? {
            tracing::warn!("change {} ({}) was interrupted: taking it back", entry.id, entry.why);
            let open = [Applying, Verifying, AwaitingConfirmation, RollingBack];
            self.faults.around(|| self.store.turn(entry.id, &open, RollingBack))?;
            let left_over = take_back(&self.host, &self.watch, entry.undo()).await;
            for left in &left_over {
                tracing::error!("left over of change {}: {left}", entry.id);
            }
            let error = Some("interrupted: the server ended before the change did".to_owned());
            let outcome = Outcome { error, left_over, proofs: Vec::new() };
            self.faults.around(|| self.store.rolled_back(entry.id, &outcome))?;
        }
        Ok(())
    }
}
