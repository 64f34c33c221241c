//! Keeps domains and networks true, and the connection to libvirt alive.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use model::observed::{Source, SourceState};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Reader, pace::Pace};
use crate::host::libvirt::{Error, Libvirt, LibvirtEvent};

/// Between attempts to connect: doubled each time, up to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// dnsmasq's leases have no event.
const LEASES: Duration = Duration::from_secs(10);
const LEASES_AT_MOST: Duration = Duration::from_millis(500);
/// More domains than this are read in one go.
const ONE_BY_ONE: usize = 8;

/// What is to be read again.
#[derive(Default)]
struct Touched {
    domains: BTreeSet<String>,
    networks: BTreeSet<String>,
    agents: BTreeSet<String>,
    leases: bool,
    closed: bool,
}

impl Touched {
    fn add(&mut self, event: LibvirtEvent) {
        match event {
            LibvirtEvent::Domain(name) => drop(self.domains.insert(name)),
            LibvirtEvent::Network(name) => drop(self.networks.insert(name)),
            LibvirtEvent::Agent(name) => {
                self.domains.insert(name.clone());
                self.agents.insert(name);
            }
            LibvirtEvent::Closed => self.closed = true,
        }
    }
}

/// Connects, subscribes, lists, and reads again what events touch; connects again when the connection is lost; for ever.
pub async fn watch(reader: Arc<Reader>) {
    let mut wait = RETRY.0;
    loop {
        match reader.host.libvirt.connect().await {
            Ok(libvirt) => {
                wait = RETRY.0;
                let error = follow(&reader, &libvirt).await;
                reader.host.libvirt.clear();
                match error {
                    Some(error) => reader.board.silent(Source::Libvirt, &error),
                    None => reader.board.silent(Source::Libvirt, &Lost),
                }
            }
            Err(error) => reader.board.silent(Source::Libvirt, &error),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY.1);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("libvirtd closed the connection")]
struct Lost;

/// Ends when the connection is lost, with the error that told so, if one did.
async fn follow(reader: &Reader, libvirt: &Libvirt) -> Option<Error> {
    let mut events = libvirt.events();
    let mut pace = Pace::default();
    let mut asked = Instant::now();
    let mut leases = interval(LEASES);
    leases.set_missed_tick_behavior(MissedTickBehavior::Delay);
    leases.reset();
    // A device is announced when the running guest has it; the persistent definition may follow only then.
    let (mut again, mut read) = (BTreeSet::new(), Instant::now());
    if let Err(error) = reader.libvirt(libvirt).await {
        return Some(error);
    }
    reader.ask_troubled();
    loop {
        let mut touched = Touched::default();
        tokio::select! {
            event = events.recv() => touched.add(event?),
            () = due(reader, asked) => touched.leases = true,
            _ = leases.tick() => touched.leases = true,
            () = tokio::time::sleep_until(read + DEFINED), if !again.is_empty() => {}
        }
        pace.collect(&mut events, |event| touched.add(event)).await;
        if touched.closed {
            return None;
        }
        if touched.leases {
            asked = Instant::now();
        }
        let announced = touched.domains.clone();
        touched.domains.append(&mut again);
        if !announced.is_empty() {
            (again, read) = (announced, Instant::now());
        }
        if let Err(error) = reader.libvirt_parts(libvirt, &touched).await {
            return Some(error);
        }
    }
}

/// How long the persistent definition may take to follow the running one.
const DEFINED: Duration = Duration::from_millis(300);

/// Neighbours come and go all the time: leases are asked for at most twice a second.
async fn due(reader: &Reader, asked: Instant) {
    tokio::time::sleep_until(asked + LEASES_AT_MOST).await;
    reader.leases.notified().await;
}

impl Reader {
    /// Trouble with a guest may have been libvirt's.
    fn ask_troubled(&self) {
        let observed = self.board.observed();
        let troubled = observed.guests.iter().filter(|(_, facts)| facts.trouble.is_some());
        troubled.for_each(|(guest, _)| self.guests.ask(guest));
    }

    /// All domains and networks.
    pub async fn libvirt(&self, libvirt: &Libvirt) -> Result<(), Error> {
        let _one_at_a_time = self.libvirt.lock().await;
        let facts = libvirt.read().await.inspect_err(|error| self.board.silent(Source::Libvirt, error))?;
        self.board.put_from(Source::Libvirt, |observed| {
            observed.domains = facts.domains;
            observed.networks = facts.networks;
        });
        Ok(())
    }

    /// These domains and networks.
    pub async fn named(&self, domains: BTreeSet<String>, networks: BTreeSet<String>) {
        let nothing = domains.is_empty() && networks.is_empty();
        let Some(libvirt) = self.host.libvirt.get().filter(|_| !nothing) else { return };
        if let Err(error) = self.libvirt_parts(&libvirt, &Touched { domains, networks, ..Touched::default() }).await {
            self.board.silent(Source::Libvirt, &error);
        }
    }

    async fn libvirt_parts(&self, libvirt: &Libvirt, touched: &Touched) -> Result<(), Error> {
        let (mut domains, mut networks) = (Vec::new(), Vec::new());
        if touched.domains.len() > ONE_BY_ONE {
            self.libvirt(libvirt).await?;
        } else {
            let _one_at_a_time = self.libvirt.lock().await;
            for name in &touched.domains {
                domains.push((name.clone(), libvirt.read_domain(name).await?));
            }
            for name in self.networks_to_read(touched) {
                let network = libvirt.read_network(&name).await?;
                networks.push((name, network));
            }
            self.board.put_from(Source::Libvirt, |observed| {
                for (name, domain) in domains {
                    put(&mut observed.domains, name, domain);
                }
                for (name, network) in networks {
                    put(&mut observed.networks, name, network);
                }
            });
        }
        for guest in touched.domains.iter().chain(&touched.agents) {
            self.guests.ask(guest);
        }
        Ok(())
    }

    /// Those that events named; for leases, those that give any.
    fn networks_to_read(&self, touched: &Touched) -> BTreeSet<String> {
        let mut names = touched.networks.clone();
        if touched.leases {
            let observed = self.board.observed();
            let leasing = observed.networks.values().filter(|network| {
                network.active
                    && network.subnets.iter().any(|subnet| !subnet.ranges.is_empty() || !subnet.hosts.is_empty())
            });
            names.extend(leasing.map(|network| network.name.clone()));
        }
        names
    }

    /// Whether libvirt answered when it was last asked.
    pub fn libvirt_answers(&self) -> bool {
        self.board.observed().sources.get(&Source::Libvirt) == Some(&SourceState::Answers)
    }
}

fn put<T>(all: &mut std::collections::BTreeMap<String, T>, name: String, found: Option<T>) {
    match found {
        Some(found) => drop(all.insert(name, found)),
        None => drop(all.remove(&name)),
    }
}
