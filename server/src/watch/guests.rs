//! Keeps true what guests say of themselves: each is asked by a task of its own, so that a silent guest delays nobody.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ipnet::IpNet;
use model::{
    Mac, Observed,
    observed::{AgentChannel, Domain, DomainState, GuestFacts, WayKind},
};
use tokio::{sync::Notify, task::JoinSet, time::timeout};

use super::Reader;
use crate::host::guest::{self, Reach, Ways};

/// What happens inside a guest has no event.
const SLOW_CLOCK: Duration = Duration::from_secs(60);
/// A guest needs a moment to set up a NIC that was just plugged in.
const SETTLED: Duration = Duration::from_millis(1500);
/// An agent that takes longer than this has something wrong with it.
const LIMIT: Duration = Duration::from_secs(30);

/// Who is to be asked, by name.
#[derive(Default)]
pub struct Guests {
    asked: Mutex<BTreeMap<String, Arc<Notify>>>,
    /// Held while a guest is asked: what is published last was read last.
    locks: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Guests {
    /// Something has happened to this guest.
    pub fn ask(&self, guest: &str) {
        if let Some(asked) = self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(guest) {
            asked.notify_one();
        }
    }

    fn lock(&self, guest: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(guest.to_owned()).or_default())
    }
}

/// The guests that can be asked: their agent is there, or another way may be tried.
pub fn reachable(observed: &Observed, ways: &Ways) -> BTreeSet<String> {
    ways.ssh.look(observed);
    let running = observed.domains.values().filter(|domain| domain.state == DomainState::Running);
    let can = |domain: &&Domain| domain.agent == AgentChannel::Connected || ways.ssh.of(&domain.name).is_some();
    running.filter(can).map(|domain| domain.name.clone()).collect()
}

/// Starts and ends a task for each guest that comes and goes; for ever.
pub async fn watch(reader: Arc<Reader>) {
    let mut changes = reader.board.changes();
    let mut tasks: BTreeMap<String, JoinSet<()>> = BTreeMap::new();
    let mut leases: BTreeMap<String, Vec<IpNet>> = BTreeMap::new();
    loop {
        let observed = Arc::clone(&changes.borrow_and_update());
        let reachable = reachable(&observed, &reader.host.ways);
        let gone: Vec<_> = tasks.keys().filter(|guest| !reachable.contains(*guest)).cloned().collect();
        for guest in gone {
            tasks.remove(&guest);
            reader.guests.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&guest);
        }
        // While libvirt is silent nobody knows who is gone: their last facts stay.
        if reader.libvirt_answers() {
            reader.forget(&observed);
        }
        // A lease is the one thing that shows outside when a guest sets itself up.
        let now = leased(&observed);
        for (guest, addresses) in &now {
            if leases.get(guest) != Some(addresses) {
                reader.guests.ask(guest);
            }
        }
        leases = now;
        for guest in reachable {
            tasks.entry(guest.clone()).or_insert_with(|| {
                let asked = Arc::new(Notify::new());
                let mut all = reader.guests.asked.lock().unwrap_or_else(PoisonError::into_inner);
                all.insert(guest.clone(), Arc::clone(&asked));
                let mut task = JoinSet::new();
                task.spawn(follow(Arc::clone(&reader), guest, asked));
                task
            });
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// What dnsmasq gave to each guest.
fn leased(observed: &Observed) -> BTreeMap<String, Vec<IpNet>> {
    let leases: BTreeMap<Mac, IpNet> = observed
        .networks
        .values()
        .flat_map(|network| &network.leases)
        .filter_map(|lease| Some((lease.mac?, lease.address)))
        .collect();
    let of = |domain: &Domain| domain.nics.iter().filter_map(|nic| leases.get(&nic.mac).copied()).collect();
    observed.domains.values().map(|domain| (domain.name.clone(), of(domain))).collect()
}

async fn follow(reader: Arc<Reader>, guest: String, asked: Arc<Notify>) {
    loop {
        reader.guest(&guest).await;
        if timeout(SLOW_CLOCK, asked.notified()).await.is_ok() {
            reader.guest(&guest).await;
            timeout(SETTLED, asked.notified()).await.ok();
        }
    }
}

impl Reader {
    /// Asks this guest, if libvirt is there to ask it through.
    pub async fn guest(&self, guest: &str) {
        let Some(reach) = self.host.reach() else { return };
        let lock = self.guests.lock(guest);
        let _one_at_a_time = lock.lock().await;
        self.ask_everything(&reach, guest).await;
    }

    /// Asks this guest for what steps on its links, addresses and routes have changed.
    pub async fn guest_network(&self, guest: &str) {
        let Some(reach) = self.host.reach() else { return };
        let lock = self.guests.lock(guest);
        let _one_at_a_time = lock.lock().await;
        let known = self.board.observed().guests.get(guest).cloned().unwrap_or_default();
        match timeout(LIMIT, guest::network(&reach, guest, &known)).await {
            Ok(Some(facts)) => self.board.put(|observed| {
                if observed.domains.contains_key(guest) {
                    observed.guests.insert(guest.to_owned(), facts);
                }
            }),
            _ => self.ask_everything(&reach, guest).await,
        }
    }

    async fn ask_everything(&self, reach: &Reach, guest: &str) {
        reach.ways.ssh.look(&self.board.observed());
        let facts = timeout(LIMIT, guest::facts(reach, guest)).await.unwrap_or_else(|_| GuestFacts {
            trouble: Some(format!("the guest agent did not answer within {} s", LIMIT.as_secs())),
            ..GuestFacts::default()
        });
        self.board.put(|observed| {
            if !observed.domains.contains_key(guest) {
                return;
            }
            match observed.guests.get_mut(guest) {
                // A guest that fell silent keeps what it said before.
                Some(before) if said_nothing(&facts) => {
                    (before.trouble, before.ways) = (facts.trouble, facts.ways);
                }
                _ => drop(observed.guests.insert(guest.to_owned(), facts)),
            }
        });
    }

    /// Takes away what guests said that do not run, and marks what is old of those whose agent has left.
    fn forget(&self, observed: &Observed) {
        let stale = |name: &String, facts: &GuestFacts| match observed.domains.get(name) {
            None => true,
            Some(domain) => domain.state != DomainState::Running || has_left(domain, facts),
        };
        if !observed.guests.iter().any(|(name, facts)| stale(name, facts)) {
            return;
        }
        self.board.put(|observed| {
            let domains = &observed.domains;
            observed.guests.retain(|name, facts| {
                let domain = domains.get(name).filter(|domain| domain.state == DomainState::Running);
                if domain.is_some_and(|domain| has_left(domain, facts)) {
                    facts.trouble = Some("the guest agent has left".to_owned());
                }
                domain.is_some()
            });
        });
    }
}

/// Whether nobody knows yet that this agent is gone. Who is reached by another way needs none.
fn has_left(domain: &Domain, facts: &GuestFacts) -> bool {
    let elsewhere = facts.way().is_some_and(|way| way != WayKind::Agent);
    domain.agent != AgentChannel::Connected && facts.trouble.is_none() && !elsewhere
}

/// Whether there is nothing but trouble.
fn said_nothing(facts: &GuestFacts) -> bool {
    let (trouble, ways) = (facts.trouble.clone(), facts.ways.clone());
    trouble.is_some() && *facts == GuestFacts { trouble, ways, ..GuestFacts::default() }
}
