//! Counters, read only while somebody looks at them.

use std::{collections::BTreeMap, time::Duration};

use model::{
    event::Traffic,
    observed::{Counters, Hits},
};
use tokio::{sync::Mutex, time::Instant};

use super::board::now;
use crate::host::Host;

/// Ten browsers that look at the same counters cost one reading.
const FRESH: Duration = Duration::from_millis(900);

/// The last readings.
#[derive(Default)]
pub struct Meter {
    links: Mutex<Option<Reading<BTreeMap<u32, Counters>>>>,
    rules: Mutex<Option<Reading<BTreeMap<String, Hits>>>>,
}

struct Reading<T> {
    taken: Instant,
    at: u64,
    counters: T,
}

impl Meter {
    /// A source that cannot be read has no counters: its silence is told elsewhere.
    pub async fn read(&self, host: &Host, links: bool, rules: bool) -> Traffic {
        let mut traffic = Traffic { at: now(), ..Traffic::default() };
        if rules {
            let read = async || host.firewall.hits().await.unwrap_or_default();
            (traffic.at, traffic.rules) = fresh(&self.rules, read).await;
        }
        if links {
            let read = async || host.kernel.counters().await.unwrap_or_default();
            (traffic.at, traffic.links) = fresh(&self.links, read).await;
        }
        traffic
    }
}

async fn fresh<T: Clone>(last: &Mutex<Option<Reading<T>>>, read: impl AsyncFnOnce() -> T) -> (u64, T) {
    let mut last = last.lock().await;
    if let Some(reading) = last.as_ref().filter(|reading| reading.taken.elapsed() < FRESH) {
        return (reading.at, reading.counters.clone());
    }
    let reading = Reading { taken: Instant::now(), at: now(), counters: read().await };
    let fresh = (reading.at, reading.counters.clone());
    *last = Some(reading);
    fresh
}
