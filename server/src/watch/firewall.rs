//! Keeps the ruleset true.

use std::{sync::Arc, time::Duration};

use model::observed::Source;

use super::{Reader, pace::Pace};
use crate::host::firewall::{Error, Monitor};

/// Between attempts where nft is missing or may not be used.
const RETRY: Duration = Duration::from_secs(10);

/// Subscribes, lists, and lists again after every transaction; for ever.
pub async fn watch(reader: Arc<Reader>) {
    loop {
        let error = match reader.host.firewall.monitor() {
            Ok(monitor) => follow(&reader, monitor).await,
            Err(error) => error,
        };
        reader.board.silent(Source::Firewall, &error);
        tokio::time::sleep(RETRY).await;
    }
}

async fn follow(reader: &Reader, mut monitor: Monitor) -> Error {
    let mut pace = Pace::default();
    loop {
        if let Err(error) = reader.firewall().await {
            return error;
        }
        if let Err(error) = monitor.changed().await {
            return Error::Listen(error);
        }
        pace.collect(&mut monitor, drop).await;
    }
}

impl Reader {
    pub async fn firewall(&self) -> Result<(), Error> {
        let _one_at_a_time = self.firewall.lock().await;
        match self.host.firewall.read().await {
            Ok((tables, _)) => {
                self.board.put_from(Source::Firewall, |observed| observed.tables = tables);
                Ok(())
            }
            Err(error) => {
                self.board.silent(Source::Firewall, &error);
                Err(error)
            }
        }
    }
}
