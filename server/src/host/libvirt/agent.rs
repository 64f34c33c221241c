//! Commands to guest agents, on a connection of their own.
//!
//! An agent serves one command at a time, and a guest may never answer. So each guest has a lock, and commands go by
//! lanes: what an operator asked for never waits behind the watching of guests, and the watching of guests that answer
//! never waits behind those that were silent last time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::{Libvirt, blocking, connection::Connection, error::Error, read::lookup};

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

pub struct Agents {
    connection: Arc<Connection>,
    // Together five: what libvirtd serves at a time on one connection.
    steps: Arc<Semaphore>,
    watch: Arc<Semaphore>,
    bench: Arc<Semaphore>,
    silent: Mutex<BTreeSet<String>>,
    locks: Mutex<BTreeMap<String, Arc<AsyncMutex<()>>>>,
}

impl Agents {
    pub fn new(connection: Connection) -> Self {
        Self {
            connection: Arc::new(connection),
            steps: Arc::new(Semaphore::new(2)),
            watch: Arc::new(Semaphore::new(2)),
            bench: Arc::new(Semaphore::new(1)),
            silent: Mutex::default(),
            locks: Mutex::default(),
        }
    }

    fn lock(&self, guest: &str) -> Arc<AsyncMutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|name, lock| name == guest || Arc::strong_count(lock) > 1);
        Arc::clone(locks.entry(guest.to_owned()).or_default())
    }

    fn lane(&self, guest: &str, lane: Lane) -> Arc<Semaphore> {
        let silent = || self.silent.lock().unwrap_or_else(PoisonError::into_inner).contains(guest);
        Arc::clone(match lane {
            Lane::Step => &self.steps,
            Lane::Watch if silent() => &self.bench,
            Lane::Watch => &self.watch,
        })
    }

    fn remember<T>(&self, guest: &str, outcome: &Result<T, Error>) {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Err(Error::AgentSilent { .. } | Error::Timeout { .. }) => drop(silent.insert(guest.to_owned())),
            _ => drop(silent.remove(guest)),
        }
    }
}

impl Libvirt {
    /// Sends one command to a guest's agent; the answer is its reply as text, `{"return":…}`. After `limit` the wait ends,
    /// and the guest stays locked until libvirt gives up too.
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
        let silent = || Error::AgentSilent {
            doing: doing.clone(),
            message: format!("not within {} s", limit.as_secs_f32().ceil()),
        };
        let outcome = tokio::time::timeout(limit, async {
            // The guest before the lane: commands to one guest that queue up must not fill the lane.
            let lock = agents.lock(guest).lock_owned().await;
            let lane = agents.lane(guest, lane).acquire_owned().await;
            let (connection, guest, text, inside) =
                (Arc::clone(&agents.connection), guest.to_owned(), command.to_string(), doing.clone());
            let seconds = i32::try_from(limit.as_secs().clamp(1, 3600)).unwrap_or(1);
            blocking(&doing, limit + SYNCHRONISE, move || {
                let _held = (lock, lane);
                let domain = lookup(&connection, &inside, &guest)?;
                domain.qemu_agent_command(&text, seconds, 0).map_err(|error| {
                    if error.code() == virt::error::ErrorNumber::OperationInvalid && domain.is_active() == Ok(false) {
                        return Error::GuestOff { doing: inside.clone() };
                    }
                    Error::from_virt(&inside, &error)
                })
            })
            .await
        })
        .await;
        let outcome = outcome.unwrap_or_else(|_| Err(silent()));
        agents.remember(guest, &outcome);
        outcome
    }
}
