//! Domains and networks, by libvirt. All use of `virt` and `virt-sys` is in this module.
//!
//! libvirt's calls block and leave their errors with the thread: each runs, and has its error fetched, in one
//! `spawn_blocking`. libvirtd serves five requests at a time per connection, so guest agents, which may not answer, have
//! connections of their own.
//!
//! ```text
//! calls  ── read, attach, update, detach, marks; events ──► Hub ──► whoever subscribed
//! agents ── one command at a time for each guest, a few guests at a time
//! one for each console that is open
//! ```

mod agent;
mod channel;
mod connection;
mod console;
mod dhcp;
mod domain;
mod error;
mod events;
mod lease;
mod leases;
#[cfg(test)]
pub mod live;
mod marks;
mod network;
mod nic;
mod read;
mod stopwatch;
mod write;
mod xml;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::observed::{Domain, Network};
use tokio::sync::{broadcast, mpsc};
use virt::connect::Connect;

use agent::Agents;
pub use agent::Lane;
use connection::Connection;
pub use console::Console;
pub use error::Error;
pub use events::LibvirtEvent;
use events::{Hub, Registration, Removal};
pub use stopwatch::AtWork;
pub use xml::clean;

/// A thousand domains on a busy machine take a second or two.
const READ: Duration = Duration::from_secs(30);

/// A connected libvirt. Cheap to clone; the connections close with the last clone.
#[derive(Clone)]
pub struct Libvirt {
    inner: Arc<Inner>,
}

struct Inner {
    // Before the connection: dropped first.
    _registration: Registration,
    hub: Arc<Hub>,
    calls: Arc<Connection>,
    agents: Agents,
    /// As it was given.
    uri: Option<String>,
}

/// What libvirt said, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LibvirtFacts {
    pub networks: BTreeMap<String, Network>,
    pub domains: BTreeMap<String, Domain>,
}

impl Libvirt {
    /// Connects, to `LIBVIRT_DEFAULT_URI` or else `qemu:///system` if no URI is given.
    pub async fn connect(uri: Option<&str>) -> Result<Self, Error> {
        let uri = uri.map(str::to_owned);
        blocking("connect to libvirt", READ, move || {
            let calls = Arc::new(Connection::open(uri.as_deref())?);
            let agents = Agents::new(Connection::open(uri.as_deref())?, Connection::open(uri.as_deref())?);
            let hub = Arc::new(Hub::new());
            let registration = Registration::new(Arc::clone(&calls), &hub)?;
            Ok(Self { inner: Arc::new(Inner { _registration: registration, hub, calls, agents, uri }) })
        })
        .await
    }

    /// All networks and domains.
    pub async fn read(&self) -> Result<LibvirtFacts, Error> {
        self.call("read networks and guests".to_owned(), READ, read::all).await
    }

    /// One domain; `None` if there is none of this name.
    pub async fn read_domain(&self, name: &str) -> Result<Option<Domain>, Error> {
        let wanted = name.to_owned();
        self.call(format!("read guest {name}"), READ, move |connect| read::domain(connect, &wanted)).await
    }

    /// One network with its leases; `None` if there is none of this name.
    pub async fn read_network(&self, name: &str) -> Result<Option<Network>, Error> {
        let wanted = name.to_owned();
        self.call(format!("read network {name}"), READ, move |connect| read::network(connect, &wanted)).await
    }

    /// Events from now on. Subscribe first, then list. libvirt has none for leases, for devices that were updated, and
    /// for devices of a persistent definition; our own changes of these kinds are announced all the same.
    pub fn events(&self) -> mpsc::UnboundedReceiver<LibvirtEvent> {
        self.inner.hub.subscribe()
    }

    fn removals(&self) -> broadcast::Receiver<Removal> {
        self.inner.hub.removals()
    }

    /// Says to whoever subscribed what libvirt itself has no event for.
    pub fn announce(&self, event: &LibvirtEvent) {
        self.inner.hub.send(event);
    }

    /// Runs a blocking call on the connection for calls. After a time-out the call may still take effect.
    async fn call<T: Send + 'static>(
        &self,
        doing: String,
        limit: Duration,
        call: impl FnOnce(&Connect) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = Arc::clone(&self.inner);
        blocking(&doing, limit, move || call(&inner.calls)).await
    }
}

/// Runs a blocking call on a thread of its own, and waits for it no longer than `limit`.
async fn blocking<T: Send + 'static>(
    doing: &str,
    limit: Duration,
    call: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::time::timeout(limit, tokio::task::spawn_blocking(call)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(join)) => match join.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::Busy { doing: doing.to_owned(), message: "the server is shutting down".to_owned() }),
        },
        Err(_) => Err(Error::Timeout { doing: doing.to_owned(), seconds: limit.as_secs() }),
    }
}
