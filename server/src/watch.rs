//! The one reader: turns kernel, firewall, libvirt and guests into [`Observed`], and keeps it true.
//!
//! Each source has a task of its own that subscribes first, then lists; an event is a nudge to read that part again. A
//! source that cannot be read is said to be silent, keeps its last facts, and delays no other.
//!
//! ```text
//! kernel ── netlink ─────┐
//! firewall ── nftables ──┤   read ─► Board ─► Arc<Observed>, and Patches from one to the next
//! libvirt ── events ─────┤
//! guests ── one task each┤
//! managers ── inotify ───┘
//! ```

mod board;
mod firewall;
mod guests;
mod kernel;
mod libvirt;
#[cfg(test)]
mod live;
mod manager;
mod pace;
#[cfg(test)]
mod tests;
mod traffic;

use std::{collections::BTreeSet, error::Error, sync::Arc, time::Duration};

use futures::future::join_all;
use model::{
    Observed,
    event::{Patch, Traffic},
    observed::{Source, SourceState},
    step::Step,
};
use tokio::{
    sync::{Mutex, broadcast, watch},
    task::JoinSet,
};

use crate::host::{Host, guest::Ways, manager::Claims};
use board::Board;
use guests::Guests;

/// How long [`Watch::start`] waits for sources that are slow to answer.
const FIRST_READING: Duration = Duration::from_secs(3);

/// What is observed, kept true. Cheap to clone; ends with its last clone.
#[derive(Clone)]
pub struct Watch {
    reader: Arc<Reader>,
    traffic: Arc<traffic::Meter>,
    _tasks: Arc<JoinSet<()>>,
}

impl Watch {
    /// Starts to watch, and waits until every source was asked once.
    pub async fn start(host: Host) -> Self {
        let reader = Arc::new(Reader::new(host));
        let mut tasks = JoinSet::new();
        tasks.spawn(kernel::watch(Arc::clone(&reader)));
        tasks.spawn(firewall::watch(Arc::clone(&reader)));
        tasks.spawn(libvirt::watch(Arc::clone(&reader)));
        tasks.spawn(guests::watch(Arc::clone(&reader)));
        tasks.spawn(manager::watch(Arc::clone(&reader)));
        let all = |observed: &Arc<Observed>| observed.sources.len() == 3;
        tokio::time::timeout(FIRST_READING, reader.board.changes().wait_for(all)).await.ok();
        Self { reader, traffic: Arc::default(), _tasks: Arc::new(tasks) }
    }

    /// One reading of everything, guests included, without watching. Connecting to libvirt delays no other source.
    pub async fn once(host: Host) -> Arc<Observed> {
        let reader = Reader::new(host);
        let libvirt = async {
            match reader.host.libvirt.connect().await {
                Ok(libvirt) => drop(reader.libvirt(&libvirt).await),
                Err(error) => reader.board.silent(Source::Libvirt, &error),
            }
        };
        reader.all(libvirt).await;
        let guests = guests::reachable(&reader.board.observed(), &reader.host.ways);
        join_all(guests.iter().map(|guest| reader.guest(guest))).await;
        reader.board.observed()
    }

    /// What is known now.
    pub fn observed(&self) -> Arc<Observed> {
        self.reader.board.observed()
    }

    /// Wakes with every change, and gives the newest; what lay between may be skipped.
    pub fn changes(&self) -> watch::Receiver<Arc<Observed>> {
        self.reader.board.changes()
    }

    /// As soon as libvirt answers.
    pub async fn libvirt_answers(&self) {
        let answers = |observed: &Arc<Observed>| observed.sources.get(&Source::Libvirt) == Some(&SourceState::Answers);
        // The sender is our own.
        self.changes().wait_for(answers).await.ok();
    }

    /// What is known now, and every patch from there on. A receiver that lags must subscribe again.
    pub fn subscribe(&self) -> (Arc<Observed>, broadcast::Receiver<Arc<Patch>>) {
        self.reader.board.subscribe()
    }

    /// Reads kernel, firewall, libvirt and these guests now.
    pub async fn refresh(&self, guests: &[String]) -> Arc<Observed> {
        self.reader.all(self.reader.connected_libvirt()).await;
        join_all(guests.iter().map(|guest| self.reader.guest(guest))).await;
        self.observed()
    }

    /// Reads now what these steps can have changed. The rest is kept true by its events.
    pub async fn reread(&self, steps: &[Step]) -> Arc<Observed> {
        let reader = &self.reader;
        let inside: BTreeSet<&str> = steps.iter().filter_map(Step::inside).collect();
        let more: BTreeSet<&str> = steps.iter().filter(|step| beyond_network(step)).filter_map(Step::inside).collect();
        let domains: BTreeSet<String> = steps.iter().filter_map(Step::guest).map(str::to_owned).collect();
        let networks: BTreeSet<String> = steps.iter().filter_map(Step::network).map(str::to_owned).collect();
        let firewall = async {
            if steps.iter().any(|step| step.source() == Source::Firewall) {
                drop(reader.firewall().await);
            }
        };
        tokio::join!(reader.kernel(kernel::Part::SET), firewall, reader.named(domains, networks));
        let ask = async |guest: &str| match more.contains(guest) {
            true => drop(reader.guest(guest).await),
            false => reader.guest_network(guest).await,
        };
        join_all(inside.iter().map(|guest| ask(guest))).await;
        self.observed()
    }

    /// Has this guest asked soon, and returns at once.
    pub fn ask_guest(&self, guest: &str) {
        self.reader.guests.ask(guest);
    }

    /// Asks this guest now.
    pub async fn refresh_guest(&self, guest: &str) -> Arc<Observed> {
        self.reader.guest(guest).await;
        self.observed()
    }

    /// The ways into guests.
    pub fn ways(&self) -> &Ways {
        &self.reader.host.ways
    }

    /// Counters of links and of rules; a reading younger than a second is given again.
    pub async fn traffic(&self, links: bool, rules: bool) -> Traffic {
        self.traffic.read(&self.reader.host, links, rules).await
    }
}

/// Whether a step inside a guest changes more than its links, addresses, routes and forwarding.
fn beyond_network(step: &Step) -> bool {
    matches!(step, Step::ReplaceGuestTable { .. } | Step::ReplaceGuestFiles { .. })
}

/// Reads sources and puts what they say on the board. A source is read by one at a time: what is published last was
/// read last.
struct Reader {
    host: Host,
    board: Board,
    guests: Guests,
    kernel: Mutex<()>,
    firewall: Mutex<()>,
    libvirt: Mutex<()>,
    /// What the files of managers said last: put on the links whenever those are read.
    claims: std::sync::Mutex<Claims>,
    /// Neighbours or FDB have changed: a lease may have been given.
    leases: tokio::sync::Notify,
}

impl Reader {
    fn new(host: Host) -> Self {
        Self {
            host,
            board: Board::default(),
            guests: Guests::default(),
            kernel: Mutex::default(),
            firewall: Mutex::default(),
            libvirt: Mutex::default(),
            claims: std::sync::Mutex::default(),
            leases: tokio::sync::Notify::new(),
        }
    }

    /// Reads all sources at once, libvirt in this way. What cannot be read is on the board as silence.
    async fn all(&self, libvirt: impl Future<Output = ()>) {
        let firewall = async { drop(self.firewall().await) };
        tokio::join!(self.kernel(kernel::Part::ALL), firewall, libvirt);
    }

    /// To connect again is the business of libvirt's task.
    async fn connected_libvirt(&self) {
        if let Some(libvirt) = self.host.libvirt.get() {
            self.libvirt(&libvirt).await.ok();
        }
    }
}

/// An error with its causes, in one line.
fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words += &format!(": {error}");
        cause = error.source();
    }
    words
}
