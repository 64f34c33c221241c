//! Keeps true who manages the host's links.

use std::{
    io,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Reader, pace::Pace};
use crate::host::manager::{Claims, Events};

/// Where there are no events (inotify has limits, see inotify(7)), files are read again so often.
const SLOW_CLOCK: Duration = Duration::from_secs(10);

/// Subscribes, reads, and reads again after every change; for ever.
pub async fn watch(reader: Arc<Reader>) {
    loop {
        let Err(error) = match reader.host.managers.events() {
            Ok(events) => follow(&reader, events).await,
            Err(error) => Err(error),
        };
        tracing::warn!(%error, "cannot watch the files of network managers");
        reader.managers().await;
        tokio::time::sleep(SLOW_CLOCK).await;
    }
}

async fn follow(reader: &Reader, mut events: Events) -> io::Result<std::convert::Infallible> {
    let mut pace = Pace::default();
    loop {
        reader.managers().await;
        events.changed().await?;
        pace.collect(&mut events, drop).await;
    }
}

impl Reader {
    /// Reads who manages links, and says it on those that are known.
    async fn managers(&self) {
        let _one_at_a_time = self.kernel.lock().await;
        self.read_claims().await;
        self.board.put(|observed| self.claims().put(observed));
    }

    /// To be called by whoever reads the kernel, and by nobody else meanwhile.
    pub async fn read_claims(&self) {
        let managers = self.host.managers.clone();
        // Files may be slow. A reading that panicked has said nothing new.
        if let Ok(claims) = tokio::task::spawn_blocking(move || managers.read()).await {
            *self.claims() = claims;
        }
    }

    pub fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
