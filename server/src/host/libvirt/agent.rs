//! Commands to guest agents, on a connection of their own.
//!
//! An agent serves one command at a time, and a guest may never answer, or take its time on purpose. So each guest has a
//! lock, and commands go by lanes: what an operator asked for never waits behind the watching of guests, and the watching
//! of guests that answer never waits behind those that were silent or slow last time. Who waits for others is not silent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, Semaphore},
    time::{Instant, timeout},
};

use super::{AtWork, Libvirt, blocking, connection::Connection, error::Error, read::lookup, stopwatch::Stopwatch};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// A step or a probe, for which somebody waits.
    Step,
    /// The watching of guests.
    Watch,
}

/// Beyond its own time-out, libvirt waits this long for an agent to synchronise (`QEMU_AGENT_WAIT_TIME`).
const SYNCHRONISE: Duration = Duration::from_secs(6);
/// A guest that takes longer for one command is watched apart from the others.
const SLOW: Duration = Duration::from_secs(2);

pub struct Agents {
    connection: Arc<Connection>,
    // Together five: what libvirtd serves at a time on one connection.
    steps: Arc<Semaphore>,
    watch: Arc<Semaphore>,
    bench: Arc<Semaphore>,
    /// Those that were silent or slow.
    benched: Mutex<BTreeSet<String>>,
    locks: Mutex<BTreeMap<String, Arc<AsyncMutex<()>>>>,
    stopwatch: Stopwatch,
}

impl Agents {
    pub fn new(connection: Connection) -> Self {
        Self {
            connection: Arc::new(connection),
            steps: Arc::new(Semaphore::new(2)),
            watch: Arc::new(Semaphore::new(2)),
            bench: Arc::new(Semaphore::new(1)),
            benched: Mutex::default(),
            locks: Mutex::default(),
            stopwatch: Stopwatch::default(),
        }
    }

    fn lock(&self, guest: &str) -> Arc<AsyncMutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|name, lock| name == guest || Arc::strong_count(lock) > 1);
        Arc::clone(locks.entry(guest.to_owned()).or_default())
    }

    fn lane(&self, guest: &str, lane: Lane) -> Arc<Semaphore> {
        let benched = || self.benched.lock().unwrap_or_else(PoisonError::into_inner).contains(guest);
        Arc::clone(match lane {
            Lane::Step => &self.steps,
            Lane::Watch if benched() => &self.bench,
            Lane::Watch => &self.watch,
        })
    }

    fn remember<T>(&self, guest: &str, outcome: &Result<T, Error>, took: Duration) {
        let mut benched = self.benched.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Err(Error::AgentSilent { .. } | Error::Timeout { .. }) => drop(benched.insert(guest.to_owned())),
            _ if took > SLOW => drop(benched.insert(guest.to_owned())),
            _ => drop(benched.remove(guest)),
        }
    }
}

impl Libvirt {
    /// Until this is dropped, a guest is at work.
    pub fn awaits_guest(&self) -> AtWork {
        self.inner.agents.stopwatch.start()
    }

    /// How long guests were at work since we connected.
    pub fn guests_worked(&self) -> Duration {
        self.inner.agents.stopwatch.total()
    }

    /// Sends one command to a guest's agent; the answer is its reply as text, `{"return":…}`. The wait for the
    /// answer ends after `limit`, and then the guest stays locked until libvirt gives up too; the wait for its turn ends when
    /// whoever is slow before it must have had theirs.
    pub async fn agent_command(
        &self,
        guest: &str,
        command: &serde_json::Value,
        limit: Duration,
        lane: Lane,
    ) -> Result<String, Error> {
        let name = command.get("execute").and_then(serde_json::Value::as_str).unwrap_or("a command");
        let doing = format!("ask the agent of guest {guest} for {name}");
        let agents = &self.inner.agents;
        let silent = |message| Error::AgentSilent { doing: doing.clone(), message };
        // The guest before the lane: commands to one guest that queue up must not fill the lane.
        let lock = timeout(limit, agents.lock(guest).lock_owned()).await;
        let lock = lock.map_err(|_| silent("it has not answered what it was asked before".to_owned()))?;
        let lane = timeout(limit + SYNCHRONISE, agents.lane(guest, lane).acquire_owned()).await;
        let lane = lane.map_err(|_| silent("other guests are slow, and its turn has not come".to_owned()))?;
        let (connection, name, text, inside) =
            (Arc::clone(&agents.connection), guest.to_owned(), command.to_string(), doing.clone());
        let seconds = i32::try_from(limit.as_secs().clamp(1, 3600)).unwrap_or(1);
        let (asked, _at_work) = (Instant::now(), self.awaits_guest());
        let answer = blocking(&doing, limit + SYNCHRONISE, move || {
            let _held = (lock, lane);
            let domain = lookup(&connection, &inside, &name)?;
            domain.qemu_agent_command(&text, seconds, 0).map_err(|error| {
                if error.code() == virt::error::ErrorNumber::OperationInvalid && domain.is_active() == Ok(false) {
                    return Error::GuestOff { doing: inside.clone() };
                }
                Error::from_virt(&inside, &error)
            })
        });
        let outcome = timeout(limit, answer).await;
        let outcome = outcome.unwrap_or_else(|_| Err(silent(format!("not within {} s", limit.as_secs_f32().ceil()))));
        agents.remember(guest, &outcome, asked.elapsed());
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_or_slow_is_watched_apart_until_it_is_quick() {
        let agents = Agents::new(Connection::open(Some("test:///default")).expect("libvirt's test driver"));
        let is_apart = |guest: &str| Arc::ptr_eq(&agents.lane(guest, Lane::Watch), &agents.bench);
        let silent = || Err::<(), _>(Error::AgentSilent { doing: String::new(), message: String::new() });
        assert!(!is_apart("node1"), "nothing is known of it");
        for (outcome, took, apart) in
            [(silent(), 3000, true), (Ok(()), 20, false), (Ok(()), 2900, true), (Ok(()), 20, false)]
        {
            agents.remember("node1", &outcome, Duration::from_millis(took));
            assert_eq!((is_apart("node1"), is_apart("node2")), (apart, false), "{outcome:?} after {took} ms");
        }
        agents.remember("node1", &silent(), SLOW);
        assert!(Arc::ptr_eq(&agents.lane("node1", Lane::Step), &agents.steps), "somebody waits for it");
    }
}
