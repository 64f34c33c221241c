//! What is to be drawn, before anything has a place: the facts of the observed topology, and over them what the draft
//! would make of it.

mod guest;
mod host;
mod rail;

use std::net::IpAddr;

use crate::{
    Mac,
    note::Subject,
    observed::{AgentChannel, DomainState},
    topology::Topology,
};

/// Whether something is, will be, or will be no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Mark {
    /// A fact.
    #[default]
    Real,
    /// A fact that the draft would end.
    Going,
    /// Not real yet.
    Draft,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sketch {
    pub hostname: String,
    pub nics: Vec<HostNic>,
    pub rows: Vec<HostRow>,
    /// In the order in which they were made.
    pub rails: Vec<RailSketch>,
    pub guests: Vec<GuestSketch>,
}

/// A link of the host that leads out of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostNic {
    pub name: String,
    pub addresses: Vec<String>,
    pub default_via: Option<IpAddr>,
    pub up: bool,
    pub carrier: bool,
    /// The way to the outside world.
    pub outside: bool,
    /// The bridge that it is a port of.
    pub master: Option<String>,
}

/// One line on the host's card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRow {
    Routing {
        on: bool,
    },
    /// Sources of `subnet` are translated on their way out, by whose rule.
    Translation {
        subnet: String,
        out: Option<String>,
        ours: bool,
    },
    /// The policy of the chains that see what is forwarded.
    Forward {
        drops: bool,
    },
    /// A narrow accept of ours.
    Through {
        link: String,
        mark: Mark,
    },
    /// A link that is neither NIC, bridge nor tap.
    Link {
        name: String,
        kind: String,
        up: bool,
    },
    /// As many links more.
    More {
        links: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RailSketch {
    pub name: String,
    pub subject: Subject,
    /// Index into the palette.
    pub colour: u8,
    /// How many gateways are between it and the host's own way out.
    pub rank: usize,
    pub addresses: Vec<String>,
    /// The libvirt network that it belongs to.
    pub network: Option<String>,
    pub dhcp: bool,
    pub ours: bool,
    pub up: bool,
    /// The host's way out from it: a cable is drawn to the host.
    pub wired: bool,
    /// Ports that are not guests' NICs.
    pub others: Vec<String>,
    pub mark: Mark,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GuestSketch {
    pub name: String,
    pub state: DomainState,
    pub agent: AgentChannel,
    pub trouble: bool,
    pub nics: Vec<NicSketch>,
    pub gateways: Vec<GatewayLine>,
}

/// What a gateway translates, as written on its card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayLine {
    pub bridge: String,
    /// The bridge that it leaves by.
    pub outside: String,
    pub subnet: Option<String>,
    /// The address that sources become; `None` if it is whatever the interface has.
    pub to: Option<String>,
    pub colour: u8,
    pub mark: Mark,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NicSketch {
    /// `None` for a bundle of many.
    pub mac: Option<Mac>,
    /// As the guest calls it.
    pub name: Option<String>,
    pub tap: Option<String>,
    pub address: Option<String>,
    pub origin: Origin,
    /// The guest's default route leaves by it, to this next hop.
    pub default_via: Option<IpAddr>,
    pub default_mark: Mark,
    /// The cable is in.
    pub cable: bool,
    /// The NIC is in the running machine.
    pub live: bool,
    /// Where it is plugged in; more than one if the draft moves it.
    pub ends: Vec<End>,
    /// What it is plugged into, if that is no bridge.
    pub elsewhere: Option<String>,
    pub mark: Mark,
}

/// One plug of a NIC in one rail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub rail: String,
    pub mark: Mark,
}

/// Who says which address a NIC has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    #[default]
    Nobody,
    Guest,
    Lease,
    Draft,
}

impl Sketch {
    /// The facts, and over them what `drafted` (the topology after a simulated plan) would make of them.
    pub fn of(hostname: &str, facts: &Topology, drafted: Option<&Topology>) -> Self {
        let rails = rail::rails(facts, drafted);
        Self {
            hostname: hostname.to_owned(),
            nics: host::nics(facts),
            rows: host::rows(facts, drafted),
            guests: guest::guests(facts, drafted, &rails),
            rails,
        }
    }
}

impl Mark {
    /// How something is marked that is there in fact, or in the draft. Without a draft all is as it is.
    fn of(fact: bool, drafted: Option<bool>) -> Self {
        match (fact, drafted) {
            (true, Some(false)) => Self::Going,
            (false, Some(true)) => Self::Draft,
            _ => Self::Real,
        }
    }
}

impl NicSketch {
    /// Stands for all NICs of a group on one rail.
    pub(super) fn bundle(rail: &str) -> Self {
        Self {
            mac: None,
            name: None,
            tap: None,
            address: None,
            origin: Origin::Nobody,
            default_via: None,
            default_mark: Mark::Real,
            cable: true,
            live: true,
            ends: vec![End { rail: rail.to_owned(), mark: Mark::Real }],
            elsewhere: None,
            mark: Mark::Real,
        }
    }

    /// What tells it from the other NICs of its card.
    pub fn key(&self) -> String {
        self.mac
            .map_or_else(|| self.ends.first().map_or_else(String::new, |end| end.rail.clone()), |mac| mac.to_string())
    }
}

impl GuestSketch {
    /// Whether a search for this text (lower case) finds it.
    pub fn matches(&self, find: &str) -> bool {
        let has = |text: &str| text.to_lowercase().contains(find);
        find.is_empty()
            || has(&self.name)
            || self.nics.iter().any(|nic| {
                nic.mac.is_some_and(|mac| has(&mac.to_string()))
                    || [&nic.address, &nic.tap, &nic.name].into_iter().flatten().any(|text| has(text))
                    || nic.ends.iter().any(|end| has(&end.rail))
            })
    }
}
