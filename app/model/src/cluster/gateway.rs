//! Gateways, and the ports that they forward.

use std::{
    fmt::{self, Display, Formatter},
    net::{IpAddr, SocketAddr},
};

use borsh::{BorshDeserialize, BorshSerialize};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::is_false;
use crate::{
    name::{GuestName, LinkName, NetworkName},
    wire,
};

/// A guest, or the host, that routes and translates for a bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    pub bridge: LinkName,
    /// The guest that is the gateway; absent if the host is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<GuestName>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub host: bool,
    /// The libvirt network, bridge or (for the host) link that the gateway leaves by.
    pub outside: NetworkName,
    #[serde(default)]
    pub translation: Translation,
    /// Guests whose default route moves to this gateway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<GuestName>,
    /// Unplug the members from the outside network, last of all.
    #[serde(default, skip_serializing_if = "is_false")]
    pub detach_outside: bool,
    /// The address that a traceroute from each member must reach; the host's own default gateway if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub probe: Option<IpAddr>,
    /// The networks outside that members may reach; all if absent, none if empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
    #[borsh(serialize_with = "wire::write_some_nets", deserialize_with = "wire::read_some_nets")]
    pub destinations: Option<Vec<IpNet>>,
    /// Its ports that lead to members.
    #[serde(default, rename = "forward", skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<Forward>,
}

/// A port of a gateway that leads from outside to a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Forward {
    /// As it is asked from outside, 1 to 65535.
    pub port: u16,
    #[serde(default, skip_serializing_if = "Protocol::is_tcp")]
    pub protocol: Protocol,
    /// The member's address on the bridge.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub to: IpAddr,
    /// The member's port; the same if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_port: Option<u16>,
}

/// How the sources of a gateway's members are rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Translation {
    /// To the address that the gateway has outside when the plan is made.
    #[default]
    Snat,
    /// To whatever address the outgoing interface has at the time.
    Masquerade,
}

/// A protocol that has ports.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    BorshSerialize,
    BorshDeserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
}

impl Protocol {
    pub const ALL: [Self; 2] = [Self::Tcp, Self::Udp];

    fn is_tcp(&self) -> bool {
        *self == Self::Tcp
    }
}

/// As nftables and iptables name it.
impl Display for Protocol {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl Forward {
    /// Where the member is asked.
    pub fn target(&self) -> SocketAddr {
        SocketAddr::new(self.to, self.to_port.unwrap_or(self.port))
    }
}
