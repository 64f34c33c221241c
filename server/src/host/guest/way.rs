//! How programs are run in a guest: by its agent if that may, else by a login on its serial console, else by SSH.
//!
//! ```text
//! agent (guest-exec) ─ no ─► console (a login given, nobody else on it) ─ no ─► SSH (allowed, its key pinned) ─ no ─► none
//! ```
//!
//! The choice is made anew whenever a guest is asked for its facts; steps go the way that was chosen last.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::observed::{WayFacts, WayKind, WayState};

use super::{
    error::Error,
    exec::ExecOutput,
    ssh::{Logins, Ssh},
};
use crate::host::libvirt::{Libvirt, clean};

/// The longest reason that is shown.
const REASON: usize = 512;

/// A way that works, ready to be used.
#[derive(Debug, Clone)]
pub enum Way {
    Agent,
    Ssh(Arc<Ssh>),
}

/// A connection to libvirt, and the ways into its guests. Cheap to clone.
#[derive(Clone)]
pub struct Reach {
    pub libvirt: Libvirt,
    pub ways: Ways,
}

/// What is known of the ways into each guest, by the domain's name. Cheap to clone.
#[derive(Clone, Default)]
pub struct Ways {
    guests: Arc<Mutex<BTreeMap<String, Known>>>,
    pub ssh: Logins,
}

#[derive(Default)]
struct Known {
    /// What worked last.
    way: Option<Way>,
}

/// What came of trying.
#[derive(Default)]
pub struct Choice {
    pub way: Option<Way>,
    /// Every way, best first.
    pub tried: Vec<WayFacts>,
}

impl Way {
    pub fn kind(&self) -> WayKind {
        match self {
            Self::Agent => WayKind::Agent,
            Self::Ssh(_) => WayKind::Ssh,
        }
    }

    /// Runs a program to its end, by a way on which one follows another. A program that takes longer than `limit` is ended.
    pub async fn run(
        &self,
        doing: &str,
        argv: &[&str],
        input: Option<&[u8]>,
        limit: Duration,
    ) -> Result<ExecOutput, Error> {
        match self {
            Self::Agent => {
                let reason = format!(
                    "the agent starts {argv:?} ({} bytes in, {} s) by itself",
                    input.map_or(0, <[u8]>::len),
                    limit.as_secs()
                );
                Err(Error::Unsupported { doing: doing.to_owned(), reason })
            }
            Self::Ssh(ssh) => ssh.run(argv, input, limit).await,
        }
    }
}

impl Ways {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn chosen(&self, guest: &str) -> Option<Way> {
        self.lock().get(guest)?.way.clone()
    }
}

impl Reach {
    #[cfg(test)]
    pub fn of(libvirt: &Libvirt) -> Self {
        Self { libvirt: libvirt.clone(), ways: Ways::default() }
    }

    /// The way that programs are run in this guest; a guest that was not asked yet has its agent's.
    pub async fn way(&self, guest: &str) -> Result<Way, Error> {
        if let Some(way) = self.ways.chosen(guest) {
            return Ok(way);
        }
        Ok(Way::Agent)
    }

    /// Tries the ways in their order. `agent` is what its agent said, or why not, if that was asked.
    pub async fn choose(&self, guest: &str, agent: Result<(), String>) -> Choice {
        let mut choice = Choice::default();
        choice.add(WayKind::Agent, agent.map(|()| Way::Agent));
        self.choose_ssh(guest, &mut choice).await;
        self.ways.lock().entry(guest.to_owned()).or_default().way = choice.way.clone();
        choice
    }

    async fn choose_ssh(&self, guest: &str, choice: &mut Choice) {
        let told = |state| WayFacts { way: WayKind::Ssh, state, reason: None };
        match self.ways.ssh.of(guest) {
            None => choice.tried.push(told(WayState::NoLogin)),
            Some(_) if choice.way.is_some() => choice.tried.push(told(WayState::Spare)),
            Some(ssh) => {
                let connected = ssh.connect().await.map_err(|error| error.to_string());
                choice.add(WayKind::Ssh, connected.map(|_| Way::Ssh(ssh)));
            }
        }
    }
}

impl Choice {
    fn add(&mut self, kind: WayKind, outcome: Result<Way, String>) {
        let (state, reason) = match outcome {
            Ok(way) => {
                self.way = Some(way);
                (WayState::Used, None)
            }
            Err(reason) => (WayState::Failed, Some(clean(&reason, REASON))),
        };
        self.tried.push(WayFacts { way: kind, state, reason });
    }
}
