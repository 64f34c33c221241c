//! Commands to guest agents, on connections of their own.
//!
//! An agent serves one command at a time, and a guest may never answer, or take its time on purpose. So each guest has a
//! lock, and commands go by lanes: what an operator asked for never waits behind the watching of guests, and the watching
//! of guests that answer never waits behind those that were silent or slow last time; nor do those that were slow, for an
//! honest guest may have much to do, behind those that were silent. Who waits for others is not silent.

use std::{
    collections::BTreeMap,
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

/// What was wrong with a guest's last answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    Slow,
    Silent,
}

/// Some commands at a time; those of one connection together at most five, which is what libvirtd serves on one.
#[derive(Clone)]
struct Track {
    connection: Arc<Connection>,
    turns: Arc<Semaphore>,
}

impl Track {
    fn new(connection: &Arc<Connection>, turns: usize) -> Self {
        Self { connection: Arc::clone(connection), turns: Arc::new(Semaphore::new(turns)) }
    }
}

pub struct Agents {
    steps: Track,
    watch: Track,
    slow: Track,
    silent: Track,
    lacks: Mutex<BTreeMap<String, Lack>>,
    locks: Mutex<BTreeMap<String, Arc<AsyncMutex<()>>>>,
    stopwatch: Stopwatch,
}

impl Agents {
    /// `apart` is for guests that are slow or silent.
    pub fn new(connection: Connection, apart: Connection) -> Self {
        let (connection, apart) = (Arc::new(connection), Arc::new(apart));
        Self {
            steps: Track::new(&connection, 2),
            watch: Track::new(&connection, 3),
            slow: Track::new(&apart, 2),
            silent: Track::new(&apart, 2),
            lacks: Mutex::default(),
            locks: Mutex::default(),
            stopwatch: Stopwatch::default(),
        }
    }

    fn lock(&self, guest: &str) -> Arc<AsyncMutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|name, lock| name == guest || Arc::strong_count(lock) > 1);
        Arc::clone(locks.entry(guest.to_owned()).or_default())
    }

    fn track(&self, guest: &str, lane: Lane) -> &Track {
        let lack = self.lacks.lock().unwrap_or_else(PoisonError::into_inner).get(guest).copied();
        match (lane, lack) {
            (Lane::Step, _) => &self.steps,
            (Lane::Watch, None) => &self.watch,
            (Lane::Watch, Some(Lack::Slow)) => &self.slow,
            (Lane::Watch, Some(Lack::Silent)) => &self.silent,
        }
    }

    fn remember<T>(&self, guest: &str, outcome: &Result<T, Error>, took: Duration) {
        let mut lacks = self.lacks.lock().unwrap_or_else(PoisonError::into_inner);
        let lack = match outcome {
            Err(Error::AgentSilent { .. } | Error::Timeout { .. }) => Some(Lack::Silent),
            _ => (took > SLOW).then_some(Lack::Slow),
        };
        match lack {
            Some(lack) => lacks.insert(guest.to_owned(), lack),
            None => lacks.remove(guest),
        };
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
        let Track { connection, turns } = agents.track(guest, lane).clone();
        let turn = timeout(limit + SYNCHRONISE, turns.acquire_owned()).await;
        let turn = turn.map_err(|_| silent("other guests are slow, and its turn has not come".to_owned()))?;
        let (name, text, inside) = (guest.to_owned(), command.to_string(), doing.clone());
        let seconds = i32::try_from(limit.as_secs().clamp(1, 3600)).unwrap_or(1);
        let (asked, _at_work) = (Instant::now(), self.awaits_guest());
        let answer = blocking(&doing, limit + SYNCHRONISE, move || {
            let _held = (lock, turn);
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
        let took = asked.elapsed();
        tracing::debug!(?lane, ?took, failed = outcome.is_err(), "{doing}");
        agents.remember(guest, &outcome, took);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_or_slow_is_watched_apart_until_it_is_quick() {
        let connection = || Connection::open(Some("test:///default")).expect("libvirt's test driver");
        let agents = Agents::new(connection(), connection());
        let is_on = |guest: &str, lane, track: &Track| Arc::ptr_eq(&agents.track(guest, lane).turns, &track.turns);
        let silent = || Err::<(), _>(Error::AgentSilent { doing: String::new(), message: String::new() });
        assert!(is_on("node1", Lane::Watch, &agents.watch), "nothing is known of it");
        for (outcome, took, track) in [
            (silent(), 3000, &agents.silent),
            (Ok(()), 20, &agents.watch),
            (Ok(()), 2900, &agents.slow),
            (silent(), 3000, &agents.silent),
            (Ok(()), 20, &agents.watch),
        ] {
            agents.remember("node1", &outcome, Duration::from_millis(took));
            assert!(is_on("node1", Lane::Watch, track), "{outcome:?} after {took} ms");
            assert!(is_on("node2", Lane::Watch, &agents.watch), "another");
            assert!(is_on("node1", Lane::Step, &agents.steps), "somebody waits for it");
        }
    }
}
