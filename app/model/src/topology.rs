//! Observed, joined: which tap belongs to which guest's NIC, which port to which bridge, which address to which NIC, and
//! where the way out is.
//!
//! A pure function of [`Observed`], ordered by name throughout, so that two equal observations are drawn equally.
//! Names refer to each other: a [`Socket`] says the bridge that it is plugged into, a [`Port`] says the guest and MAC
//! behind it. Indexes are the host's ifindexes, the keys of counters.

mod guest;
mod host;
mod notes;
mod rail;

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;

pub use guest::{bridge_of, mac_of, owner_of, translations as guest_translations};
pub use host::MAIN;
pub(crate) use host::is_uplink;

use crate::{
    Mac,
    note::Note,
    observed::{Address, AgentChannel, Attachment, DomainState, ManagerKind, Observed},
    step::TableEntry,
};

/// Everything that a picture, an outline or a drawer needs to know of how things hang together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Topology {
    pub outside: Outside,
    pub routing: Routing,
    /// The host's own ways to other machines, by name.
    pub uplinks: BTreeMap<String, Uplink>,
    /// Every bridge of the host, by name.
    pub bridges: BTreeMap<String, Rail>,
    /// libvirt networks by name, with the bridge that each one uses.
    pub networks: BTreeMap<String, Net>,
    /// By domain name.
    pub guests: BTreeMap<String, Guest>,
    /// Links that are neither uplink, bridge, port of a bridge nor a guest's tap, by name: tunnels, loose taps, …
    pub others: BTreeMap<String, Other>,
    pub notes: Vec<Note>,
}

/// What lies beyond the host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outside {
    /// The default routes of the main table, best first, IPv4 before IPv6.
    pub hops: Vec<NextHop>,
}

/// The next hop of a default route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextHop {
    /// `None` for a route straight onto a link.
    pub address: Option<IpAddr>,
    /// The link that it is reached by.
    pub link: String,
    pub metric: u32,
    pub protocol: String,
    /// From the ARP or NDP table.
    pub mac: Option<Mac>,
}

/// What the host does with packets that are not its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routing {
    /// `net.ipv4.ip_forward`; `None` if not known.
    pub forwards: Option<bool>,
    pub forwards_v6: Option<bool>,
    /// `net.bridge.bridge-nf-call-iptables`: frames between ports of one bridge pass the firewall of IP.
    pub bridge_nf: Option<bool>,
    /// Base chains that see forwarded traffic.
    pub forward_chains: Vec<ForwardChain>,
    /// Source translations of the host.
    pub translations: Vec<Translation>,
}

/// A base chain at the hook `forward`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardChain {
    /// `family name`, the key in [`Observed::tables`].
    pub table: String,
    pub chain: String,
    /// `accept` or `drop`.
    pub policy: String,
    pub priority: i32,
}

/// A source translation of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// `None` if the rule names no source.
    pub subnet: Option<IpNet>,
    /// The new source; `None` for masquerade, or if it could not be read.
    pub to: Option<IpAddr>,
    pub out_link: Option<String>,
    pub owner: Owner,
    /// `family name`, the key in [`Observed::tables`].
    pub table: String,
    pub chain: String,
    pub handle: u64,
}

/// Who wrote a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Libvirt,
    Bridgehead,
    Somebody,
}

/// A link by which the host reaches other machines: hardware, a bond, or a veth whose other end is in another namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uplink {
    pub index: u32,
    pub name: String,
    /// As the kernel names it; `None` for hardware.
    pub kind: Option<String>,
    pub mac: Option<Mac>,
    pub mtu: u32,
    pub up: bool,
    pub carrier: bool,
    pub addresses: Vec<Address>,
    /// The bridge or bond that it is a port of.
    pub master: Option<String>,
    /// A default route leaves by it (or by its master).
    pub way_out: bool,
}

/// A bridge of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rail {
    pub index: u32,
    pub name: String,
    pub mac: Option<Mac>,
    pub mtu: u32,
    pub up: bool,
    pub carrier: bool,
    /// Made by Bridgehead.
    pub ours: bool,
    pub stp: bool,
    /// Of the host, on the bridge.
    pub addresses: Vec<Address>,
    /// The libvirt network that uses it.
    pub network: Option<String>,
    /// By name.
    pub ports: Vec<Port>,
    /// NICs of guests that are off, plugged into it at their next start: guest and MAC.
    pub waiting: Vec<(String, Mac)>,
    /// Guests that route from this bridge to another.
    pub gateways: Vec<String>,
    /// Translations of the host whose subnet is this bridge's, as indexes into [`Routing::translations`].
    pub translations: Vec<usize>,
    /// Whether frames from one port to another pass the firewall.
    pub talk: Talk,
    /// A rule of ours lets the ports talk.
    pub let_through: bool,
    /// The host routes from it to the outside: it has an address, forwards, and translates or is reached by a route.
    pub host_routes: bool,
    /// How many MACs it has learnt.
    pub learnt: usize,
}

/// Whether the ports of a bridge can talk to each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Talk {
    #[default]
    Yes,
    /// These chains drop what goes from port to port: `family table chain`.
    Dropped(Vec<String>),
}

/// A port of a bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    pub index: u32,
    pub name: String,
    pub behind: Behind,
    pub up: bool,
    pub carrier: bool,
    /// `forwarding`, `listening`, `learning`, `blocking` or `disabled`; empty if not known.
    pub state: String,
    pub isolated: bool,
}

/// What is at the other end of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behind {
    Guest {
        guest: String,
        mac: Mac,
    },
    /// An uplink: its name is the port's.
    Uplink,
    /// The other end of a veth, if it is in this namespace.
    Veth {
        peer: Option<String>,
    },
    /// A tap that no guest owns, or any other kind.
    Unknown {
        kind: Option<String>,
    },
}

/// A libvirt network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    pub name: String,
    pub active: bool,
    pub autostart: bool,
    pub persistent: bool,
    /// `nat`, `route`, `open`, `bridge`, …; `None` for an isolated one.
    pub forward: Option<String>,
    pub bridge: Option<String>,
    /// Bridgehead defined it: it is how its bridge is served, and no place of its own.
    pub ours: bool,
    pub subnets: Vec<IpNet>,
    /// NICs that the domains' definitions plug into it: guest and MAC.
    pub members: Vec<(String, Mac)>,
}

/// A guest with its sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    pub name: String,
    pub title: Option<String>,
    pub state: DomainState,
    pub persistent: bool,
    pub autostart: bool,
    pub agent: AgentChannel,
    /// Why the agent's answers are missing or partial.
    pub trouble: Option<String>,
    pub hostname: Option<String>,
    pub os: Option<String>,
    /// Who sets up its network.
    pub manager: Option<ManagerKind>,
    pub free_slots: Option<u32>,
    /// In the order of the domain's definition.
    pub nics: Vec<Socket>,
    /// Inside the guest, best first; `None` if it could not be asked.
    pub default_routes: Option<Vec<DefaultRoute>>,
    /// `net.ipv4.ip_forward` inside.
    pub forwards: Option<bool>,
    /// Bridges that it stands between, if it forwards.
    pub gateway: Option<GatewayRole>,
    /// Our translations inside.
    pub translations: Vec<TableEntry>,
    /// Tables inside that are not ours: `family name`.
    pub other_tables: Vec<String>,
}

/// A guest that forwards between bridges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayRole {
    /// The bridges that it serves: it has a NIC on each, and its own default route does not leave by them.
    pub inside: Vec<String>,
    /// The bridge that its default route leaves by.
    pub outside: Option<String>,
    /// It translates with our table.
    pub ours: bool,
}

/// A default route inside a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultRoute {
    pub via: Option<IpAddr>,
    /// The guest's name for the interface.
    pub interface: Option<String>,
    /// Its MAC.
    pub mac: Option<Mac>,
    pub metric: u32,
    pub protocol: Option<String>,
    /// The guest that has the next hop's address.
    pub through: Option<String>,
}

/// A guest's NIC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    pub mac: Mac,
    /// The guest's own name for it.
    pub name: Option<String>,
    pub model: Option<String>,
    /// What libvirt says that it is plugged into, live or at the next start.
    pub attachment: Option<Attachment>,
    /// In the running machine.
    pub live: bool,
    /// In the persistent definition.
    pub config: bool,
    /// The cable is in (`<link state='up'/>`).
    pub cable: bool,
    /// Up inside the guest, if that is known.
    pub up: Option<bool>,
    /// The bridge that it is really a port of; for a guest that is off, the one that it will be.
    pub bridge: Option<String>,
    /// The host link of a macvtap.
    pub direct: Option<String>,
    /// The tap or macvtap on the host.
    pub tap: Option<Tap>,
    pub addresses: Vec<GuestAddress>,
    /// Kernel and libvirt disagree: libvirt says this bridge.
    pub disagrees: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap {
    pub index: u32,
    pub name: String,
    pub up: bool,
    pub carrier: bool,
}

/// An address of a guest's NIC and how it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestAddress {
    pub net: IpNet,
    pub origin: Origin,
}

/// Who says so. An address that several say is listed once, by the best of them (the first here).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The guest itself. `leased` if the network gave it.
    Agent { leased: bool },
    /// The libvirt network gave it. The hostname is the guest's own word.
    Lease { network: String, hostname: Option<String>, expires: i64 },
    /// The libvirt network would give it.
    Reserved { network: String },
    /// The host has seen it on the wire.
    Neighbour { link: String },
}

/// A link that has no other place in the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    pub index: u32,
    pub name: String,
    pub kind: Option<String>,
    pub mac: Option<Mac>,
    pub mtu: u32,
    pub up: bool,
    pub carrier: bool,
    pub addresses: Vec<Address>,
    /// The link beneath it or at its other end, if it is in this namespace.
    pub peer: Option<String>,
}

impl Topology {
    pub fn of(observed: &Observed) -> Self {
        let mut topology = Self {
            outside: host::outside(observed),
            routing: host::routing(observed),
            uplinks: host::uplinks(observed),
            networks: rail::networks(observed),
            guests: guest::guests(observed),
            ..Self::default()
        };
        topology.bridges = rail::bridges(observed, &topology);
        guest::roles(&mut topology);
        topology.others = host::others(observed, &topology);
        topology.notes = notes::notes(observed, &topology);
        topology
    }

    /// The guest that owns this tap, and the NIC's MAC.
    pub fn owner(&self, tap: &str) -> Option<(&Guest, &Socket)> {
        self.guests.values().find_map(|guest| {
            let socket = guest.nics.iter().find(|nic| nic.tap.as_ref().is_some_and(|own| own.name == tap))?;
            Some((guest, socket))
        })
    }

    /// The NIC with this MAC, and its guest.
    pub fn socket(&self, mac: Mac) -> Option<(&Guest, &Socket)> {
        self.guests.values().find_map(|guest| Some((guest, guest.nics.iter().find(|nic| nic.mac == mac)?)))
    }
}
