//! Network interfaces of the host, as rtnetlink tells them.

use std::net::IpAddr;

use borsh::{BorshDeserialize, BorshSerialize};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Manager;
use crate::{Mac, wire};

/// One interface of the host (`ip -d link`), with its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Link {
    pub index: u32,
    pub name: String,
    /// `IFLA_INFO_KIND` as the kernel names it (`bridge`, `tun`, `veth`, `macvtap`, …); `None` for hardware and loopback.
    pub kind: Option<String>,
    pub loopback: bool,
    pub mac: Option<Mac>,
    pub mtu: u32,
    /// Administratively up (`IFF_UP`).
    pub up: bool,
    /// A signal is there (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// The ifindex of the bridge or bond that this link is a port of.
    pub master: Option<u32>,
    /// `IFLA_LINK`: the lower link, or the other end of a veth. With `peer_elsewhere` it is an index of another namespace.
    pub peer: Option<u32>,
    pub peer_elsewhere: bool,
    pub alias: Option<String>,
    pub addresses: Vec<Address>,
    /// `net.ipv4.conf.<link>.forwarding`.
    pub forwarding: Option<bool>,
    /// `net.ipv4.conf.<link>.rp_filter`: 0 none, 1 strict, 2 loose (RFC 3704).
    pub rp_filter: Option<u8>,
    /// Set if the link is a bridge.
    pub bridge: Option<Bridge>,
    /// Set if the link is a port of a bridge.
    pub port: Option<Port>,
    /// Set if the link is a tun or tap.
    pub tun: Option<Tun>,
    /// Who else sets it up: at most one of each kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managers: Vec<Manager>,
}

impl Link {
    /// The alias that marks a link as made by Bridgehead.
    pub const OURS: &'static str = "bridgehead";

    /// Whether Bridgehead made this link.
    pub fn is_ours(&self) -> bool {
        self.alias.as_deref() == Some(Self::OURS)
    }

    pub fn is_bridge(&self) -> bool {
        self.bridge.is_some()
    }
}

/// One address of an interface (`ip addr`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Address {
    /// Address and prefix length, e.g. `192.168.48.1/24`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
    pub net: IpNet,
    /// `global`, `link`, `host` or a number.
    pub scope: String,
    /// Not permanent: from DHCP or router advertisements.
    pub dynamic: bool,
}

/// A bridge's own settings (`ip -d link`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Bridge {
    pub stp: bool,
    /// Seconds.
    pub forward_delay: Option<u32>,
    /// Seconds until an FDB entry is forgotten.
    pub ageing: Option<u32>,
    pub vlan_filtering: bool,
    /// This bridge hands its frames to iptables even if the sysctl is off.
    pub nf_call_iptables: bool,
    /// The same for IPv6.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nf_call_ip6tables: bool,
}

/// What a port of a bridge is doing (`bridge -d link`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Port {
    /// `forwarding`, `listening`, `learning`, `blocking` or `disabled`.
    pub state: String,
    pub isolated: bool,
    pub hairpin: bool,
    pub learning: bool,
}

/// A tun or tap device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tun {
    /// `tun` (layer 3) or `tap` (layer 2).
    pub mode: String,
    pub persist: bool,
    pub vnet_hdr: bool,
}

/// Traffic of one link since it was made. Travels in its own frame, never in [`Link`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Counters {
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub rx_packets: u64,
    pub tx_packets: u64,
    pub rx_dropped: u64,
    pub tx_dropped: u64,
}

impl Link {
    /// Whether `address` is in one of the link's subnets.
    pub fn reaches(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|own| own.net.contains(&address))
    }
}
