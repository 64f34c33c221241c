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
    wire::Sealed,
};
use tokio::{sync::Notify, task::JoinSet, time::timeout};

use super::Reader;
use crate::host::guest::{self, Reach, Ways};

/// What happens inside a guest has no event.
const SLOW_CLOCK: Duration = Duration::from_secs(60);
/// A login leaves its mark in the guest's logs, and its console is free meanwhile.
const SLOWER_CLOCK: Duration = Duration::from_secs(300);
/// A guest that says nothing is asked less and less: each question holds up others of its kind.
const SILENT_CLOCK: Duration = Duration::from_secs(480);
/// A guest needs a moment to set up a NIC that was just plugged in.
const SETTLED: Duration = Duration::from_millis(1500);
/// So often it is looked whether it has.
const LOOKS: usize = 8;
/// A guest that takes longer than this has something wrong with it, even where every way into it is tried first.
const LIMIT: Duration = Duration::from_secs(300);

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

/// The guests that can be asked now.
pub fn reachable(observed: &Observed, ways: &Ways) -> BTreeSet<String> {
    ways.ssh.look(observed);
    let running = observed.domains.values().filter(|domain| domain.state == DomainState::Running);
    let can = |domain: &&Domain| domain.agent == AgentChannel::Connected || ways.is_given(&domain.name);
    running.filter(can).map(|domain| domain.name.clone()).collect()
}

/// Starts and ends a task for each guest that comes and goes; for ever.
pub async fn watch(reader: Arc<Reader>) {
    let mut changes = reader.board.changes();
    let mut logins = reader.host.ways.changes();
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
        tokio::select! {
            changed = changes.changed() => if changed.is_err() {
                return;
            },
            Ok(()) = logins.changed() => {}
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
    let mut pause = SLOW_CLOCK / 2;
    loop {
        let said = reader.guest(&guest).await;
        let way = reader.board.observed().guests.get(&guest).and_then(GuestFacts::way);
        pause = match way {
            _ if !said => (pause * 2).min(SILENT_CLOCK),
            Some(WayKind::Console) => SLOWER_CLOCK,
            _ => SLOW_CLOCK,
        };
        if timeout(pause, asked.notified()).await.is_err() {
            continue;
        }
        for _ in 0..LOOKS {
            let said = reader.guest(&guest).await;
            timeout(SETTLED, asked.notified()).await.ok();
            if !said || !awaits_nic(&reader.board.observed(), &guest) {
                break;
            }
        }
    }
}

/// Whether a guest that tells of its interfaces does not tell of one of its NICs yet.
fn awaits_nic(observed: &Observed, guest: &str) -> bool {
    let (Some(domain), Some(facts)) = (observed.domains.get(guest), observed.guests.get(guest)) else { return false };
    let mut plugged = domain.nics.iter().filter(|nic| nic.live.is_some());
    !facts.interfaces.is_empty() && plugged.any(|nic| facts.interface(nic.mac).is_none())
}

impl Reader {
    /// Asks this guest, if libvirt is there to ask it through. Whether it said anything.
    pub async fn guest(&self, guest: &str) -> bool {
        let Some(reach) = self.host.reach() else { return true };
        let lock = self.guests.lock(guest);
        let _one_at_a_time = lock.lock().await;
        self.ask_everything(&reach, guest).await
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
            _ => drop(self.ask_everything(&reach, guest).await),
        }
    }

    async fn ask_everything(&self, reach: &Reach, guest: &str) -> bool {
        reach.ways.ssh.look(&self.board.observed());
        let facts = timeout(LIMIT, guest::facts(reach, guest)).await.unwrap_or_else(|_| GuestFacts {
            trouble: Some(format!("the guest did not answer within {} s", LIMIT.as_secs())),
            ..GuestFacts::default()
        });
        let said = !said_nothing(&facts);
        self.board.put(|observed| {
            if !observed.domains.contains_key(guest) {
                return;
            }
            match observed.guests.get_mut(guest) {
                // A guest that fell silent keeps what it said before.
                Some(before) if !said => (before.trouble, before.ways) = (facts.trouble, facts.ways),
                _ => drop(observed.guests.insert(guest.to_owned(), facts)),
            }
        });
        said
    }

    /// Takes away what guests said that do not run, and marks what is old of those whose agent has left.
    fn forget(&self, observed: &Observed) {
        let stale = |name: &String, facts: &GuestFacts| match observed.domains.get(name) {
            None => true,
            Some(domain) => domain.state != DomainState::Running || has_left(domain, facts, &self.host.ways).is_some(),
        };
        if !observed.guests.iter().any(|(name, facts)| stale(name, facts)) {
            return;
        }
        self.board.put(|observed| {
            let domains = &observed.domains;
            observed.guests.retain(|name, facts| {
                let domain = domains.get(name).filter(|domain| domain.state == DomainState::Running);
                if let Some(why) = domain.and_then(|domain| has_left(domain, facts, &self.host.ways)) {
                    facts.trouble = Some(why.to_owned());
                    // Nobody who is told to set something inside should take that for a way.
                    if facts.way() != Some(WayKind::Agent) {
                        facts.ways = Sealed::default();
                    }
                }
                domain.is_some()
            });
        });
    }
}

/// Why the way by which a guest was asked is no longer there, if nobody knows that yet.
fn has_left(domain: &Domain, facts: &GuestFacts, ways: &Ways) -> Option<&'static str> {
    let (is_there, why) = match facts.way() {
        Some(WayKind::Console) => (ways.has_login(&domain.name), "its login was forgotten"),
        Some(WayKind::Ssh) => (ways.ssh.of(&domain.name).is_some(), "it may no longer be reached by SSH"),
        Some(WayKind::Agent) | None => (domain.agent == AgentChannel::Connected, "the guest agent has left"),
    };
    (!is_there && facts.trouble.is_none()).then_some(why)
}

/// Whether there is nothing but trouble.
fn said_nothing(facts: &GuestFacts) -> bool {
    let (trouble, ways) = (facts.trouble.clone(), facts.ways.clone());
    trouble.is_some() && *facts == GuestFacts { trouble, ways, ..GuestFacts::default() }
}
