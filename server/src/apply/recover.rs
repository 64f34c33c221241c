//! At start, before anything is served: a change that was interrupted is taken back. If libvirt is needed for that and does
//! not answer, the rest is done as soon as it does; until then all is shown and nothing can be changed.

use std::time::Duration;

use model::plan::{
    Change,
    ChangeState::{Applying, AwaitingConfirmation, RollingBack, Verifying},
};

use super::{Engine, take_back::waits_for_libvirt};
use crate::{
    http::problem::chain,
    store::{Lock, LockOf, StoreError, journal::Entry},
};

/// How long the revert process may take, if it is at it already.
const PATIENCE: Duration = Duration::from_secs(120);

impl Engine {
    /// Takes back whatever the journal says was begun and not ended.
    ///
    /// A change that held is committed in the same write that says so, hence none is found that would only have to be
    /// finished. One that waited to be confirmed was not confirmed.
    pub async fn recover(&self) -> Result<(), StoreError> {
        let lock = Lock::wait(self.store.folder(), LockOf::Change, PATIENCE).await?;
        let unfinished = self.store.unfinished()?;
        let alone = self.lock.clone().lock_owned().await;
        let (engine, mut current) = (self.clone(), self.current());
        let mut recovery = tokio::spawn(async move {
            for entry in unfinished {
                engine.take_back_interrupted(entry).await;
            }
            drop((lock, alone));
        });
        tokio::select! {
            ended = &mut recovery => if let Err(error) = ended { tracing::error!("taking back: {error}") },
            _ = current.wait_for(|change| change.as_ref().is_some_and(waits_for_libvirt)) => {}
        }
        Ok(())
    }

    async fn take_back_interrupted(&self, entry: Entry) {
        tracing::warn!("change {} ({}) was interrupted: taking it back", entry.id, entry.why);
        let open = [Applying, Verifying, AwaitingConfirmation, RollingBack];
        // A journal that cannot be written is no reason to leave a change half done.
        if let Err(error) = self.faults.around(|| self.store.turn(entry.id, &open, RollingBack)) {
            tracing::error!("{}", chain(&error));
        }
        let error = Some("interrupted: the server ended before the change did".to_owned());
        let mut change = Change { error, state: RollingBack, ..entry.change() };
        self.take_back(&mut change, entry.undo()).await;
        for left in &change.left_over {
            tracing::error!("left over of change {}: {left}", entry.id);
        }
        self.taken_back(&mut change);
    }

    /// An end that the journal could not be told, because its disk was full say, is told before anything else begins: what
    /// has no end in it is taken back at the next start.
    pub(super) fn end_unfinished(&self) -> Result<(), StoreError> {
        for entry in self.store.unfinished()? {
            let shown = self.current.borrow().clone().filter(|change| change.id == entry.id);
            self.store.rolled_back(entry.id, &(&shown.unwrap_or_else(|| entry.change())).into())?;
        }
        Ok(())
    }
}
