//! Links, addresses, routes, policy rules, neighbours and FDB, by rtnetlink; sysctls, by `/proc/sys`.
//!
//! Whole tables are read by dumps, one request each, on a socket of their own ([`dump`], [`tables`]). Events come over
//! another ([`Events`]) and are nudges to read again. Writes are in [`mod@write`]: one method per step.

mod address;
mod dump;
pub mod events;
mod link;
mod neighbour;
mod route;
mod rule;
mod sysctl;
mod tables;
mod write;

#[cfg(test)]
pub mod netns;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    io,
    sync::{self, Arc, PoisonError},
};

use model::observed::{Counters, FdbEntry, Link, Neighbour, PolicyRule, Route};
use tokio::sync::Mutex;

use dump::Dumps;
pub use events::{Events, Nudge};

/// What could not be done; the cause is the kernel's errno.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot open a netlink socket")]
    Open(#[source] io::Error),
    #[error("cannot list {what}")]
    List { what: &'static str, source: io::Error },
    #[error("cannot {doing}: there is no link {link}")]
    NoLink { doing: String, link: String },
    #[error("cannot {doing}")]
    Write { doing: String, source: io::Error },
    #[error("cannot {doing}: {name:?} is not the name of a network setting")]
    SysctlName { doing: String, name: String },
}

/// The kernel of this network namespace. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// Writes.
    handle: rtnetlink::Handle,
    dumps: Arc<sync::Mutex<Dumps>>,
    /// Held while a sequence of requests must not be interleaved with another.
    writing: Arc<Mutex<()>>,
}

/// Everything that the kernel tells of itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KernelFacts {
    pub hostname: String,
    /// By ifindex, addresses included.
    pub links: BTreeMap<u32, Link>,
    pub routes: Vec<Route>,
    pub rules: Vec<PolicyRule>,
    pub neighbours: Vec<Neighbour>,
    pub fdb: Vec<FdbEntry>,
    pub sysctls: BTreeMap<String, String>,
}

impl Kernel {
    /// In the network namespace of the calling thread. Must be called inside a Tokio runtime.
    pub fn open() -> Result<Self, Error> {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(Error::Open)?;
        tokio::spawn(connection);
        let dumps = Dumps::open().map_err(Error::Open)?;
        Ok(Self { handle, dumps: Arc::new(sync::Mutex::new(dumps)), writing: Arc::default() })
    }

    pub async fn read(&self) -> Result<KernelFacts, Error> {
        let (hostname, sysctls) = (self.hostname(), self.sysctls());
        self.list(|dumps| {
            Ok(KernelFacts {
                hostname,
                links: tables::links(dumps)?,
                routes: tables::routes(dumps)?,
                rules: tables::rules(dumps)?,
                neighbours: tables::neighbours(dumps)?,
                fdb: tables::fdb(dumps)?,
                sysctls,
            })
        })
        .await
    }

    pub fn hostname(&self) -> String {
        nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The settings that decide about forwarding. One that is absent does not exist on this host.
    pub fn sysctls(&self) -> BTreeMap<String, String> {
        sysctl::read()
    }

    /// Links with their addresses, by ifindex.
    pub async fn links(&self) -> Result<BTreeMap<u32, Link>, Error> {
        self.list(tables::links).await
    }

    pub async fn routes(&self) -> Result<Vec<Route>, Error> {
        self.list(tables::routes).await
    }

    pub async fn neighbours(&self) -> Result<Vec<Neighbour>, Error> {
        self.list(tables::neighbours).await
    }

    /// Those that every kernel begins with left out.
    pub async fn rules(&self) -> Result<Vec<PolicyRule>, Error> {
        self.list(tables::rules).await
    }

    /// The forwarding databases of all bridges.
    pub async fn fdb(&self) -> Result<Vec<FdbEntry>, Error> {
        self.list(tables::fdb).await
    }

    /// Traffic by ifindex.
    pub async fn counters(&self) -> Result<BTreeMap<u32, Counters>, Error> {
        self.list(tables::counters).await
    }

    /// The kernel makes a dump while it is received: on a thread that may block.
    async fn list<T: Send + 'static>(
        &self,
        list: impl FnOnce(&mut Dumps) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let dumps = Arc::clone(&self.dumps);
        let listing =
            tokio::task::spawn_blocking(move || list(&mut dumps.lock().unwrap_or_else(PoisonError::into_inner)));
        listing.await.unwrap_or_else(|join| match join.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::List { what: "anything", source: io::Error::other("the server is shutting down") }),
        })
    }

    /// Subscribes to changes. Subscribe first, then read: nothing is missed.
    pub fn events(&self) -> Result<Events, Error> {
        Events::open().map_err(Error::Open)
    }
}

/// The errno behind an error of rtnetlink.
fn cause(error: rtnetlink::Error) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        rtnetlink::Error::RequestFailed => io::Error::new(io::ErrorKind::BrokenPipe, "the netlink socket is closed"),
        other => io::Error::other(other),
    }
}
