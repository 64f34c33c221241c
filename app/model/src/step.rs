//! Steps: the only things that change anything. One variant, one effect; each says itself in a sentence, as the command
//! it equals, and as its inverse.
//!
//! A step carries everything that execution needs, names and order included; only a guest's own name for a NIC is looked
//! up by MAC when the step runs. What a step replaces is in its `was`, so that its inverse needs nothing else.

pub mod client;
pub(crate) mod command;
pub(crate) mod dhcp;
mod entry;
mod hostname;
pub(crate) mod interface;
mod inverse;
mod remaining;
mod risk;
mod sentence;
mod simulate;
mod touches;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use borsh::{BorshDeserialize, BorshSerialize};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::{
    Mac, RpFilter,
    observed::{Attachment, DhcpClient, DhcpHost, DhcpRange, ManagerKind, Marks, Resolver},
    wire,
};

pub use command::word;
pub use dhcp::ServedNetwork;
pub use entry::{DestinationTranslation, Forwarded, SourceTranslation, TableEntry};
pub use hostname::Hostname;
pub use risk::Risk;

/// One effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", tag = "step")]
pub enum Step {
    // The host's links and addresses.
    /// Makes a bridge, down, with our alias on it.
    CreateBridge {
        bridge: NewBridge,
    },
    /// Deletes a bridge of ours.
    DeleteBridge {
        bridge: NewBridge,
    },
    SetLinkUp {
        link: String,
        up: bool,
    },
    SetLinkMtu {
        link: String,
        mtu: u32,
        was: u32,
    },
    SetBridgeStp {
        bridge: String,
        stp: bool,
    },
    /// Plugs a host link into a bridge, or takes it out. A guest's tap only goes back to where libvirt says that it is.
    SetMaster {
        link: String,
        master: Option<String>,
        was: Option<String>,
    },
    AddAddress {
        link: String,
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
        address: IpNet,
    },
    RemoveAddress {
        link: String,
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
        address: IpNet,
    },
    AddRoute {
        route: HostRoute,
    },
    RemoveRoute {
        route: HostRoute,
    },
    SetSysctl {
        name: String,
        value: String,
        was: String,
    },
    /// Makes a file of ours, in a folder of a network manager, hold this text; `None` removes it.
    WriteFile {
        path: String,
        text: Option<String>,
        was: Option<String>,
    },

    // The host's firewall.
    /// Makes our table `inet bridgehead` hold exactly these translations; an empty list removes the table.
    ReplaceTable {
        translations: Vec<TableEntry>,
        was: Vec<TableEntry>,
    },
    /// One narrow accept, marked as ours, at the head of somebody else's chain.
    InsertRule {
        rule: NarrowRule,
    },
    DeleteRule {
        rule: NarrowRule,
    },

    // Guests' NICs, by libvirt. Live if the guest runs, and in its persistent definition if it has one.
    AttachNic {
        guest: String,
        nic: NicDefinition,
        live: bool,
        config: bool,
    },
    DetachNic {
        guest: String,
        nic: NicDefinition,
        live: bool,
        config: bool,
    },
    /// Moves a NIC or its cable without unplugging it.
    UpdateNic {
        guest: String,
        nic: NicDefinition,
        was: NicDefinition,
        live: bool,
        config: bool,
    },
    /// Gives a guest the channel that its agent speaks through.
    AttachChannel {
        guest: String,
        live: bool,
        config: bool,
    },
    DetachChannel {
        guest: String,
        live: bool,
        config: bool,
    },
    /// Whether a guest starts with the host.
    SetGuestAutostart {
        guest: String,
        on: bool,
    },
    SetNetworkAutostart {
        network: String,
        on: bool,
    },
    /// Defines a network of ours, which makes a bridge when it starts.
    DefineNetwork {
        network: ServedNetwork,
    },
    /// Forgets a network of ours that is not started.
    UndefineNetwork {
        network: ServedNetwork,
    },
    /// Starts it: libvirt makes its bridge, with its address and a dnsmasq.
    StartNetwork {
        network: ServedNetwork,
    },
    /// Stops it: its bridge goes.
    StopNetwork {
        network: ServedNetwork,
    },
    /// Makes these the addresses that a network gives.
    SetDhcpRanges {
        network: String,
        /// The place of the subnet's `<ip>` among those of the network, from 0.
        subnet: u32,
        ranges: Vec<DhcpRange>,
        was: Vec<DhcpRange>,
        live: bool,
        config: bool,
    },
    /// Makes this a network's static lease for its MAC; `None` removes the one that was.
    SetLease {
        network: String,
        /// The place of the subnet's `<ip>` among those of the network, from 0.
        subnet: u32,
        lease: Option<DhcpHost>,
        was: Option<DhcpHost>,
        live: bool,
        config: bool,
    },
    /// Notes in the domain's metadata what is ours and what was before.
    SetMarks {
        guest: String,
        marks: Box<Marks>,
        was: Box<Marks>,
    },

    // The inside of guests, by their agent.
    SetGuestLinkUp {
        guest: String,
        mac: Mac,
        up: bool,
    },
    /// Bytes.
    SetGuestMtu {
        guest: String,
        mac: Mac,
        mtu: u32,
        was: u32,
    },
    /// The NIC's own `rp_filter`; that of all may overrule it.
    SetGuestFilter {
        guest: String,
        mac: Mac,
        mode: RpFilter,
        was: RpFilter,
    },
    /// Has a DHCP client get a NIC an IPv4 address, or ends it with what it got. The addresses in `keep` stay.
    SetGuestDhcp {
        guest: String,
        mac: Mac,
        on: bool,
        client: DhcpClient,
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        #[borsh(serialize_with = "wire::write_nets", deserialize_with = "wire::read_nets")]
        keep: Vec<IpNet>,
    },
    /// `net.ipv6.conf.<interface>.accept_ra`.
    SetGuestAcceptRa {
        guest: String,
        mac: Mac,
        mode: u8,
        was: u8,
    },
    AddGuestAddress {
        guest: String,
        mac: Mac,
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
        address: IpNet,
    },
    RemoveGuestAddress {
        guest: String,
        mac: Mac,
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
        address: IpNet,
    },
    AddGuestRoute {
        guest: String,
        route: GuestRoute,
    },
    RemoveGuestRoute {
        guest: String,
        route: GuestRoute,
    },
    SetGuestForwarding {
        guest: String,
        on: bool,
    },
    /// Makes the guest's own table of ours hold exactly these translations; an empty list removes the table.
    ReplaceGuestTable {
        guest: String,
        tool: GuestTool,
        translations: Vec<TableEntry>,
        was: Vec<TableEntry>,
    },
    /// Makes the files of ours inside the guest exactly these, by path, and has its network managers read them: they are
    /// for its next start.
    ReplaceGuestFiles {
        guest: String,
        #[borsh(deserialize_with = "wire::read_set")]
        managers: BTreeSet<ManagerKind>,
        #[borsh(deserialize_with = "wire::read_map")]
        files: BTreeMap<String, String>,
        #[borsh(deserialize_with = "wire::read_map")]
        was: BTreeMap<String, String>,
    },
    /// Has the guest ask these name servers, now and after its next start; `None` takes ours away again.
    SetGuestDns {
        guest: String,
        resolver: Resolver,
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
        servers: Option<Vec<IpAddr>>,
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
        was: Option<Vec<IpAddr>>,
        /// Those that it has without ours.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        others: Vec<IpAddr>,
    },
    SetGuestHostname {
        guest: String,
        hostname: Hostname,
        was: Hostname,
    },
}

/// A bridge to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewBridge {
    pub name: String,
    pub mtu: Option<u32>,
    pub stp: bool,
    /// The kernel's choice if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
}

/// A route of the host's main table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostRoute {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
    pub destination: IpNet,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub gateway: Option<IpAddr>,
    pub link: String,
    pub metric: u32,
    /// Who put it there, as `ip route` says it: `static`, `boot`, `dhcp`, or a number.
    pub protocol: String,
}

/// A route inside a guest (`ip route add … via … dev … metric …`), its NIC named by MAC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestRoute {
    pub mac: Mac,
    /// `None`: everywhere, the default route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    #[borsh(serialize_with = "wire::write_some_net", deserialize_with = "wire::read_some_net")]
    pub to: Option<IpNet>,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub via: IpAddr,
    pub metric: u32,
}

impl GuestRoute {
    /// The default route, for addresses of its next hop's family.
    pub fn default(mac: Mac, via: IpAddr, metric: u32) -> Self {
        Self { mac, to: None, via, metric }
    }

    pub fn destination(&self) -> IpNet {
        self.to.unwrap_or(match self.via {
            IpAddr::V4(_) => IpNet::V4(Ipv4Net::default()),
            IpAddr::V6(_) => IpNet::V6(Ipv6Net::default()),
        })
    }

    /// As `ip route` writes its destination.
    pub fn to_word(&self) -> String {
        self.to.map_or_else(|| "default".to_owned(), |to| to.to_string())
    }
}

/// An accept for traffic between two interfaces, or to one port behind an interface, in a base chain that would drop it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NarrowRule {
    /// `ip`, `ip6`, `inet` or `bridge`.
    pub family: String,
    pub table: String,
    pub chain: String,
    /// Empty for any.
    pub in_link: String,
    pub out_link: String,
    /// Only what belongs to a connection that is already known.
    pub established: bool,
    /// Only what asks there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Forwarded>,
    /// The bridge that the rule serves: its comment is `bridgehead:<serves>`.
    pub serves: String,
}

/// What translates inside a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum GuestTool {
    Nft,
    Iptables,
}

/// A NIC as libvirt is to make it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NicDefinition {
    pub mac: Mac,
    pub attachment: Attachment,
    pub model: Option<String>,
    pub link_up: bool,
    pub mtu: Option<u32>,
}
