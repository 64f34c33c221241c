//! What becomes of an object at a reboot: of the host, or for a NIC, of its guest.
//!
//! What the document names, Bridgehead puts back. All else is kept by whoever else knows it, libvirt or one of the
//! programs that set up the host's network; or by nobody.

use crate::{
    Cluster, Observed,
    cluster::Bridge,
    note::Subject,
    observed::{DomainState, Link, Manager, Network},
    topology::owner_of,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Survival {
    /// Nobody keeps it: it is gone.
    Runtime,
    /// It is hardware, and comes back without what is set on it.
    Bare,
    Saved {
        by: Keeper,
    },
    /// Each of these sets it up in its own way.
    Contested {
        by: Vec<Keeper>,
    },
}

/// Who makes it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// Bridgehead: the document names it.
    Document,
    /// libvirt has it defined. `starts`: and starts it by itself.
    Definition {
        starts: bool,
    },
    /// It comes and goes with this guest.
    Guest(String),
    /// It is in the guest's definition alone, and will be there from its next start.
    NextStart,
    /// It is hardware, and nothing is set on it.
    Kernel,
    Manager(Manager),
}

impl Survival {
    /// `None` if there is no such object, or if it is none that could go.
    pub fn of(observed: &Observed, document: &Cluster, subject: &Subject) -> Option<Self> {
        match subject {
            Subject::Link(name) | Subject::Gateway(name) => {
                observed.link(name).filter(|link| !link.loopback).map(|link| of_link(observed, document, link))
            }
            Subject::Network(name) => observed.networks.get(name).map(of_network),
            Subject::Guest(name) => {
                observed.domains.get(name).map(|domain| defined(domain.persistent, domain.autostart))
            }
            Subject::Nic(mac) => of_nic(observed, document, mac),
            Subject::Host | Subject::Outside | Subject::Table(_) | Subject::Source(_) => None,
        }
    }

    /// What of an object somebody should know: of itself, or of a guest's NICs.
    pub fn worry(observed: &Observed, document: &Cluster, subject: &Subject) -> Option<(Subject, Self)> {
        let nics = match subject {
            Subject::Guest(name) => observed.domains.get(name).map(|domain| domain.nics.as_slice()).unwrap_or_default(),
            _ => &[],
        };
        let subjects = std::iter::once(subject.clone()).chain(nics.iter().map(|nic| Subject::Nic(nic.mac.to_string())));
        let mut fates = subjects.filter_map(|subject| Some((Self::of(observed, document, &subject)?, subject)));
        fates.find(|(fate, _)| fate.is_worrying()).map(|(fate, subject)| (subject, fate))
    }

    /// Whether somebody has to do something, or it is lost or not as it was.
    pub fn is_worrying(&self) -> bool {
        !matches!(self, Self::Saved { .. })
    }
}

fn of_link(observed: &Observed, document: &Cluster, link: &Link) -> Survival {
    // A network of mode `bridge` uses one that somebody else makes.
    let makes = |network: &&Network| {
        network.bridge.as_ref() == Some(&link.name) && network.forward.as_deref() != Some("bridge")
    };
    if let Some(guest) = owner_of(observed, &link.name) {
        return Survival::Saved { by: Keeper::Guest(guest.to_owned()) };
    }
    let own = |bridge: &Bridge| *bridge.name == *link.name || bridge.uplink.as_deref() == Some(&*link.name);
    let named = document.bridges.iter().any(own);
    let foreign = link.managers.iter().filter(|manager| !manager.is_ours() && manager.lasts());
    let mut keepers: Vec<Keeper> = foreign.cloned().map(Keeper::Manager).collect();
    let network = observed.networks.values().find(makes);
    // A bridge on which addresses are given is libvirt's to make.
    if named && !network.is_some_and(|network| network.ours) {
        keepers.insert(0, Keeper::Document);
    }
    if let Some(network) = network {
        if keepers.is_empty() {
            return of_network(network);
        }
        keepers.push(Keeper::Definition { starts: network.autostart });
    }
    match keepers.len() {
        0 => forgotten(link),
        // What we made, and no longer name, is somebody else's by now.
        1 if named || !observed.is_ours(link) => Survival::Saved { by: keepers.remove(0) },
        _ => Survival::Contested { by: keepers },
    }
}

/// A link that only a file of ours may still know.
fn forgotten(link: &Link) -> Survival {
    if let Some(manager) = link.managers.iter().find(|manager| manager.is_ours()) {
        return Survival::Saved { by: Keeper::Manager(manager.clone()) };
    }
    let set = link.master.is_some() || link.addresses.iter().any(|address| address.scope == "global");
    match (&link.kind, set) {
        (None, false) => Survival::Saved { by: Keeper::Kernel },
        (None, true) => Survival::Bare,
        (Some(_), _) => Survival::Runtime,
    }
}

fn of_network(network: &Network) -> Survival {
    defined(network.persistent, network.autostart)
}

fn defined(persistent: bool, autostart: bool) -> Survival {
    if persistent { Survival::Saved { by: Keeper::Definition { starts: autostart } } } else { Survival::Runtime }
}

fn of_nic(observed: &Observed, document: &Cluster, mac: &str) -> Option<Survival> {
    let mac = mac.parse().ok()?;
    let mut domains = observed.domains.values();
    let (domain, nic) = domains.find_map(|domain| Some((domain, domain.nics.iter().find(|nic| nic.mac == mac)?)))?;
    if document.nic(mac).is_some() {
        return Some(Survival::Saved { by: Keeper::Document });
    }
    let off = matches!(domain.state, DomainState::Off | DomainState::Crashed);
    Some(match (&nic.live, &nic.config) {
        (Some(live), Some(config)) if live != config => {
            Survival::Contested { by: vec![Keeper::Definition { starts: domain.autostart }] }
        }
        (None, Some(_)) if !off => Survival::Saved { by: Keeper::NextStart },
        (_, Some(_)) => Survival::Saved { by: Keeper::Guest(domain.name.clone()) },
        (_, None) => Survival::Runtime,
    })
}
