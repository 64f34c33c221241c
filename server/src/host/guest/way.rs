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

use futures::future::join_all;
use model::observed::{WayFacts, WayKind, WayState};
use tokio::{sync::watch, time::timeout};

use super::{
    console::Console,
    error::Error,
    exec::ExecOutput,
    facts::{ask_agent, may_run},
    login::Login,
    ssh::{Logins, Ssh},
};
use crate::host::libvirt::{Libvirt, clean};

/// The longest reason that is shown.
const REASON: usize = 512;
/// How long a shell may take to run nothing.
const NOTHING: Duration = Duration::from_secs(15);
/// How long logging out may take.
const LEAVE: Duration = Duration::from_secs(5);
/// How long all addresses of a guest together are tried.
const CONNECT: Duration = Duration::from_secs(60);

/// A way that works, ready to be used.
#[derive(Debug, Clone)]
pub enum Way {
    Agent,
    Console(Console),
    Ssh(Arc<Ssh>),
}

/// A connection to libvirt, and the ways into its guests. Cheap to clone.
#[derive(Clone)]
pub struct Reach {
    pub libvirt: Libvirt,
    pub ways: Ways,
}

/// What is known of the ways into each guest, by the domain's name. Cheap to clone.
#[derive(Clone)]
pub struct Ways {
    guests: Arc<Mutex<BTreeMap<String, Known>>>,
    logins: watch::Sender<()>,
    pub ssh: Logins,
}

#[derive(Default)]
struct Known {
    login: Option<Login>,
    /// There is one as long as the login is known, so that what it learned counts.
    console: Option<Console>,
    /// What worked last.
    way: Option<Way>,
}

/// What came of trying.
pub struct Choice {
    pub way: Option<Way>,
    /// Every way, best first.
    pub tried: Vec<WayFacts>,
}

impl Way {
    pub fn kind(&self) -> WayKind {
        match self {
            Self::Agent => WayKind::Agent,
            Self::Console(_) => WayKind::Console,
            Self::Ssh(_) => WayKind::Ssh,
        }
    }

    /// Runs a program to its end, by a way on which one follows another. One that takes longer than `limit` is ended.
    pub async fn run(
        &self,
        reach: &Reach,
        doing: &str,
        argv: &[&str],
        input: Option<&[u8]>,
        limit: Duration,
    ) -> Result<ExecOutput, Error> {
        match self {
            Self::Agent => {
                Err(Error::Unsupported { doing: doing.to_owned(), reason: "the agent is asked directly".to_owned() })
            }
            Self::Console(console) => console.run(&reach.libvirt, doing, argv, input, limit).await,
            Self::Ssh(ssh) => ssh.run(argv, input, limit).await,
        }
    }
}

impl Default for Ways {
    fn default() -> Self {
        Self { guests: Arc::default(), logins: watch::Sender::new(()), ssh: Logins::default() }
    }
}

impl Ways {
    /// From now on this guest may be entered so; `None` forgets it, and ends what is open.
    pub fn set_login(&self, guest: &str, login: Option<Login>) {
        self.lock().insert(guest.to_owned(), Known { login, ..Known::default() });
        self.logins.send_replace(());
    }

    /// What was given before.
    pub fn load(&self, logins: Vec<(String, Login)>) {
        for (guest, login) in logins {
            self.set_login(&guest, Some(login));
        }
    }

    /// Logs out where a session is open: at the end of this process nobody else would. Guests that are slow in it are not
    /// waited for.
    pub async fn leave(&self) {
        let consoles: Vec<Console> = self.lock().values().filter_map(|known| known.console.clone()).collect();
        timeout(LEAVE, join_all(consoles.iter().map(Console::leave))).await.ok();
    }

    pub fn has_login(&self, guest: &str) -> bool {
        self.lock().get(guest).is_some_and(|known| known.login.is_some())
    }

    /// Whether there is another way than the agent's that may be tried.
    pub fn is_given(&self, guest: &str) -> bool {
        self.has_login(guest) || self.ssh.of(guest).is_some()
    }

    /// Tells when a login was given or forgotten.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.logins.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What worked last, if it may still be used: a login may have been forgotten even while it was tried.
    pub fn chosen(&self, guest: &str) -> Option<Way> {
        let guests = self.lock();
        let known = guests.get(guest)?;
        let may = |way: &Way| match way {
            Way::Agent => true,
            Way::Console(console) => known.console.as_ref().is_some_and(|own| own.is(console)),
            Way::Ssh(ssh) => self.ssh.of(guest).is_some_and(|own| own.uuid == ssh.uuid && own.login == ssh.login),
        };
        known.way.clone().filter(may)
    }

    fn console(&self, guest: &str) -> Option<Console> {
        let mut guests = self.lock();
        let known = guests.get_mut(guest)?;
        let login = known.login.as_ref()?;
        Some(known.console.get_or_insert_with(|| Console::new(guest.to_owned(), login.clone())).clone())
    }
}

impl Reach {
    /// By agents only.
    #[cfg(test)]
    pub fn of(libvirt: &Libvirt) -> Self {
        Self { libvirt: libvirt.clone(), ways: Ways::default() }
    }

    /// The way that programs are run in this guest. One for which there is no other has its agent's, however that is.
    pub async fn way(&self, guest: &str) -> Result<Way, Error> {
        if let Some(way) = self.ways.chosen(guest) {
            return Ok(way);
        }
        if !self.ways.is_given(guest) {
            return Ok(Way::Agent);
        }
        let agent = may_run(&ask_agent(self, guest).await);
        let choice = self.choose(guest, agent).await;
        choice.way.clone().ok_or_else(|| {
            let reasons = choice.reasons();
            Error::NoWay { doing: format!("run programs in guest {guest}"), reasons }
        })
    }

    /// Tries the ways in their order. `agent` is whether its agent runs programs, or why not.
    pub async fn choose(&self, guest: &str, agent: Result<(), String>) -> Choice {
        let mut choice = Choice { way: None, tried: Vec::new() };
        choice.add(WayKind::Agent, agent.map(|()| Way::Agent));
        match self.ways.console(guest) {
            _ if choice.way.is_some() => choice.leave_out(WayKind::Console, WayState::Spare),
            None => choice.leave_out(WayKind::Console, WayState::NoLogin),
            Some(console) => {
                let doing = format!("log in to guest {guest}");
                let tried = console.run(&self.libvirt, &doing, &["true"], None, NOTHING).await;
                let tried = tried.map(|_| Way::Console(console)).map_err(|error| error.to_string());
                choice.add(WayKind::Console, tried);
            }
        }
        match self.ways.ssh.of(guest) {
            None => choice.leave_out(WayKind::Ssh, WayState::NoLogin),
            Some(_) if choice.way.is_some() => choice.leave_out(WayKind::Ssh, WayState::Spare),
            Some(ssh) => {
                let connected = match timeout(CONNECT, ssh.connect()).await {
                    Ok(connected) => connected.map(drop).map_err(|error| error.to_string()),
                    Err(_) => Err(format!("no connection within {} s", CONNECT.as_secs())),
                };
                choice.add(WayKind::Ssh, connected.map(|()| Way::Ssh(ssh)));
            }
        }
        self.ways.lock().entry(guest.to_owned()).or_default().way.clone_from(&choice.way);
        choice
    }
}

impl Choice {
    /// Why the ways that were tried do not work.
    pub fn reasons(&self) -> String {
        let reasons: Vec<&str> = self.tried.iter().filter_map(|it| it.reason.as_deref()).collect();
        reasons.join("; ")
    }

    fn add(&mut self, way: WayKind, outcome: Result<Way, String>) {
        let (state, reason) = match outcome {
            Ok(way) => {
                self.way = Some(way);
                (WayState::Used, None)
            }
            Err(reason) => (WayState::Failed, Some(clean(&reason, REASON))),
        };
        self.tried.push(WayFacts { way, state, reason });
    }

    fn leave_out(&mut self, way: WayKind, state: WayState) {
        self.tried.push(WayFacts { way, state, reason: None });
    }
}
