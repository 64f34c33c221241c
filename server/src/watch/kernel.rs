//! Keeps links, routes, neighbours, FDB and sysctls true.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use model::{
    Observed,
    observed::{Domain, Link, Source},
    wire::Sealed,
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{Reader, pace::Pace};
use crate::host::{
    kernel::{Error, Events, Nudge},
    libvirt::LibvirtEvent,
};

/// `bridge-nf-call-*` and the hostname have no event; reading them takes some microseconds.
const SETTINGS: Duration = Duration::from_secs(2);
/// Neighbours and FDB are read no more often: whoever is on a bridge can change them with every frame.
const SEEN: Duration = Duration::from_millis(100);
/// Between attempts to open a socket that cannot be opened.
const RETRY: Duration = Duration::from_secs(2);

/// What is to be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Part {
    links: bool,
    routes: bool,
    neighbours: bool,
    fdb: bool,
}

impl Part {
    pub const ALL: Self = Self { links: true, routes: true, neighbours: true, fdb: true };
    /// What steps can change; the rest follows from it.
    pub const SET: Self = Self { links: true, routes: true, neighbours: false, fdb: false };

    fn has_seen(self) -> bool {
        self.neighbours || self.fdb
    }

    /// Takes out of it what frames of others change.
    fn take_seen(&mut self) -> Self {
        let seen = Self { neighbours: self.neighbours, fdb: self.fdb, ..Self::default() };
        (self.neighbours, self.fdb) = (false, false);
        seen
    }

    fn add(&mut self, nudge: Nudge) {
        match nudge {
            // A link that goes down takes its routes along, and of those the kernel says nothing.
            Nudge::Links | Nudge::Addresses => (self.links, self.routes) = (true, true),
            Nudge::Sysctls => self.links = true,
            Nudge::Routes => self.routes = true,
            Nudge::Neighbours => self.neighbours = true,
            Nudge::Fdb => self.fdb = true,
            Nudge::Overrun => *self = Self::ALL,
        }
    }
}

/// Subscribes, lists, and reads again what events touch; for ever.
pub async fn watch(reader: Arc<Reader>) {
    loop {
        let error = match reader.host.kernel.events() {
            Ok(events) => follow(&reader, events).await,
            Err(error) => error,
        };
        reader.board.silent(Source::Kernel, &error);
        tokio::time::sleep(RETRY).await;
    }
}

async fn follow(reader: &Reader, mut events: Events) -> Error {
    let mut pace = Pace::default();
    let mut settings = interval(SETTINGS);
    settings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    reader.kernel(Part::ALL).await;
    let (mut later, mut due) = (Part::default(), Instant::now());
    loop {
        let mut part = Part::default();
        tokio::select! {
            nudge = events.next() => match nudge {
                Ok(nudge) => part.add(nudge),
                Err(error) => return Error::Open(error),
            },
            _ = settings.tick() => {
                reader.kernel(part).await;
                continue;
            }
            () = sleep_until(due), if later.has_seen() => part = later.take_seen(),
        }
        pace.collect(&mut events, |nudge| part.add(nudge)).await;
        if part != Part::ALL && part.has_seen() {
            if Instant::now() < due {
                let seen = part.take_seen();
                later = Part { neighbours: later.neighbours || seen.neighbours, fdb: later.fdb || seen.fdb, ..later };
            } else {
                due = Instant::now() + SEEN;
            }
        }
        reader.kernel(part).await;
        if part.has_seen() {
            reader.leases.notify_one();
        }
    }
}

impl Reader {
    /// Reads these parts, and always the settings that have no event.
    pub async fn kernel(&self, part: Part) {
        let _one_at_a_time = self.kernel.lock().await;
        let before = self.board.observed();
        if let Err(error) = self.read_kernel(part).await {
            self.board.silent(Source::Kernel, &error);
        }
        if part.links {
            self.announce_taps(&before, &self.board.observed());
        }
    }

    /// libvirt has no event for a NIC that was moved or whose cable was pulled; the kernel has one for its tap.
    fn announce_taps(&self, before: &Observed, after: &Observed) {
        let Some(libvirt) = self.host.libvirt.get() else { return };
        let plugged = |link: &Link| (link.master, link.up, link.carrier);
        let has_changed =
            |link: &&Link| before.links.get(&link.index).is_some_and(|before| plugged(before) != plugged(link));
        let changed = after.links.values().filter(|link| link.tun.is_some()).filter(has_changed);
        let changed: BTreeSet<&str> = changed.map(|link| link.name.as_str()).collect();
        let of =
            |domain: &&Domain| domain.nics.iter().filter_map(|nic| nic.tap.as_deref()).any(|tap| changed.contains(tap));
        for domain in after.domains.values().filter(of) {
            libvirt.announce(&LibvirtEvent::Domain(domain.name.clone()));
        }
    }

    async fn read_kernel(&self, part: Part) -> Result<(), Error> {
        let kernel = &self.host.kernel;
        if part == Part::ALL {
            self.read_claims().await;
            let facts = kernel.read().await?;
            self.board.put_from(Source::Kernel, |observed| {
                observed.host.hostname = facts.hostname;
                observed.links = facts.links;
                observed.routes = facts.routes;
                observed.rules = Sealed::of(&Some(facts.rules));
                observed.neighbours = facts.neighbours;
                observed.fdb = facts.fdb;
                observed.sysctls = facts.sysctls;
                self.claims().put(observed);
            });
            return Ok(());
        }
        let (hostname, sysctls) = (kernel.hostname(), kernel.sysctls());
        let links = if part.links { Some(kernel.links().await?) } else { None };
        let routes = if part.routes { Some(kernel.routes().await?) } else { None };
        let rules = if part.routes { Some(kernel.rules().await?) } else { None };
        let neighbours = if part.neighbours { Some(kernel.neighbours().await?) } else { None };
        let fdb = if part.fdb { Some(kernel.fdb().await?) } else { None };
        self.board.put_from(Source::Kernel, |observed| {
            observed.host.hostname = hostname;
            observed.sysctls = sysctls;
            if let Some(links) = links {
                observed.links = links;
                self.claims().put(observed);
            }
            observed.routes = routes.unwrap_or_else(|| std::mem::take(&mut observed.routes));
            if let Some(rules) = rules {
                observed.rules = Sealed::of(&Some(rules));
            }
            observed.neighbours = neighbours.unwrap_or_else(|| std::mem::take(&mut observed.neighbours));
            observed.fdb = fdb.unwrap_or_else(|| std::mem::take(&mut observed.fdb));
        });
        Ok(())
    }
}
