//! What the sources said: kernel, libvirt, firewall and guests, each fact as its source gave it.
//!
//! Facts that move by themselves all the time (neighbours, FDB, counters, lease expiry) do not raise the generation:
//! see [`Observed::same_structure`].

mod client;
mod domain;
mod guest;
mod link;
mod manager;
mod network;
mod policy;
mod route;
mod ruleset;
mod way;

use std::{collections::BTreeMap, fmt};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::wire::{self, Sealed};

pub use client::DhcpClient;
pub use domain::{
    AgentChannel, Attachment, ChannelMark, Domain, DomainState, HostnameMark, Marks, Nic, NicMark, RouteMark,
};
pub use guest::{GuestFacts, GuestInterface, GuestRoute, Resolver};
pub use link::{Address, Bridge, Counters, Link, Port, Tun};
pub use manager::{Folder, Manager, ManagerKind};
pub use network::{DhcpHost, DhcpRange, Lease, Network, Subnet};
pub use policy::{GuestPolicy, PolicyRule};
pub use route::{FdbEntry, Neighbour, Route};
pub use ruleset::{Chain, Hits, Rule, Table};
pub use way::{WayFacts, WayKind, WayState};

/// Everything known about one host at one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Observed {
    pub host: Host,
    /// Rises by one with every structural change; a plan names the generation it was computed from.
    pub generation: u64,
    /// A source that is absent here has not been asked yet.
    #[borsh(deserialize_with = "wire::read_map")]
    pub sources: BTreeMap<Source, SourceState>,
    /// By ifindex.
    #[borsh(deserialize_with = "wire::read_map")]
    pub links: BTreeMap<u32, Link>,
    pub routes: Vec<Route>,
    /// Policy rules by their priority; `None` where they have not been read.
    #[serde(default, skip_serializing_if = "Sealed::is_default")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<PolicyRule>>))]
    pub rules: Sealed<Option<Vec<PolicyRule>>>,
    pub neighbours: Vec<Neighbour>,
    pub fdb: Vec<FdbEntry>,
    /// Dotted names as `sysctl` prints them, of the settings that decide about forwarding:
    /// `net.ipv4.ip_forward`, `net.ipv6.conf.all.forwarding`, `net.ipv4.conf.all.rp_filter`,
    /// `net.bridge.bridge-nf-call-iptables` and its siblings. A name that is absent does not exist on this host.
    #[borsh(deserialize_with = "wire::read_map")]
    pub sysctls: BTreeMap<String, String>,
    /// nftables tables by `family name`, e.g. `ip filter`.
    #[borsh(deserialize_with = "wire::read_map")]
    pub tables: BTreeMap<String, Table>,
    /// libvirt networks by name.
    #[borsh(deserialize_with = "wire::read_map")]
    pub networks: BTreeMap<String, Network>,
    /// libvirt domains by name.
    #[borsh(deserialize_with = "wire::read_map")]
    pub domains: BTreeMap<String, Domain>,
    /// What guests say of themselves, by domain name. Hostile input.
    #[borsh(deserialize_with = "wire::read_map")]
    pub guests: BTreeMap<String, GuestFacts>,
    /// Those of [`Folder::ALL`] that are there.
    #[serde(default)]
    #[borsh(deserialize_with = "wire::read_map")]
    pub folders: BTreeMap<String, Folder>,
}

/// The machine that runs libvirt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Host {
    pub id: HostId,
    pub hostname: String,
}

/// Which host an object is on. One host is drawn today; every object can be told apart by it from the first day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostId(pub String);

impl Default for HostId {
    fn default() -> Self {
        Self("local".to_owned())
    }
}

/// Where facts come from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Source {
    Kernel,
    Firewall,
    Libvirt,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kernel => "kernel",
            Self::Firewall => "firewall",
            Self::Libvirt => "libvirt",
        })
    }
}

/// Whether a source answers. The last facts of a source that fell silent stay, and are drawn as stale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum SourceState {
    Answers,
    /// It cannot be read: in words, and since when (milliseconds since 1970).
    Silent {
        reason: String,
        since: u64,
    },
}

impl Observed {
    /// The link of this name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.values().find(|link| link.name == name)
    }

    /// The network of ours that makes the bridge of this name, or would.
    pub fn served(&self, bridge: &str) -> Option<&Network> {
        self.networks.get(bridge).filter(|network| network.ours && network.bridge.as_deref() == Some(bridge))
    }

    /// Whether Bridgehead made this link, by itself or by a network of ours.
    pub fn is_ours(&self, link: &Link) -> bool {
        link.is_ours() || self.served(&link.name).is_some_and(|network| network.active)
    }

    /// What is in a file of ours: `None` if it is not there, or cannot be said.
    pub fn file(&self, path: &str) -> Option<&String> {
        let (folder, name) = Folder::of(path)?;
        self.folders.get(folder)?.files.get(name)?.as_ref()
    }

    /// Whether the two differ at most in what moves by itself: neighbours, FDB, counters, lease expiry, generation.
    pub fn same_structure(&self, other: &Self) -> bool {
        self.host == other.host
            && self.sources == other.sources
            && self.links == other.links
            && self.routes == other.routes
            && self.rules == other.rules
            && self.sysctls == other.sysctls
            && self.tables == other.tables
            && self.networks == other.networks
            && self.domains == other.domains
            && self.guests == other.guests
            && self.folders == other.folders
    }
}
