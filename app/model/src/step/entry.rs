//! What is in a table of ours, rule by rule.

use std::net::{IpAddr, SocketAddr};

use borsh::{BorshDeserialize, BorshSerialize};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{cluster::Protocol, wire};

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum TableEntry {
    Source(SourceTranslation),
    Destination(DestinationTranslation),
    /// What this subnet asks of its own members by the gateway's address leaves with the gateway's source: otherwise the
    /// answer would not come back by the gateway.
    Hairpin {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
        hairpin: IpNet,
    },
    /// One network outside that a gateway's members may reach, where not all may be reached (filter forward, priority
    /// filter).
    Accept {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
        accept: IpNet,
        /// The members' subnet.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
        from: IpNet,
    },
    /// Behind those: what else of this subnet would leave it is rejected, and whoever asks is told (ICMP
    /// admin-prohibited). What belongs to a known connection, or was led here by a port forward, passes.
    Reject {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
        reject: IpNet,
        /// What goes out by this link is left alone: on the host, what goes between ports of the subnet's bridge.
        except: Option<String>,
    },
}

/// One source translation of a gateway (nat postrouting, priority srcnat). Packets of the gateway's own are exempt
/// (`fib saddr type local accept`): translating them too would cut the gateway off from its own bridge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceTranslation {
    /// Whose sources are translated. Destinations inside it are not.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
    pub subnet: IpNet,
    /// The address that they become; `None` to masquerade.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub to: Option<IpAddr>,
    /// The host link that they leave by; `None` (in guests) for any.
    pub out_link: Option<String>,
}

/// One port forward (nat prerouting, priority dstnat).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DestinationTranslation {
    pub protocol: Protocol,
    /// As it is asked.
    pub port: u16,
    /// The address that is asked; `None` for all of its own (`fib daddr type local`).
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub address: Option<IpAddr>,
    /// What comes in by this link is left alone.
    pub except: Option<String>,
    /// Who is asked instead.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub to: SocketAddr,
}

/// Where a forwarded port leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Forwarded {
    pub protocol: Protocol,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub to: SocketAddr,
}

impl TableEntry {
    pub fn source(&self) -> Option<&SourceTranslation> {
        match self {
            Self::Source(source) => Some(source),
            _ => None,
        }
    }

    pub fn destination(&self) -> Option<&DestinationTranslation> {
        match self {
            Self::Destination(destination) => Some(destination),
            _ => None,
        }
    }

    /// The hook of netfilter that its chain is in.
    pub fn hook(&self) -> &'static str {
        match self {
            Self::Source(_) | Self::Hairpin { .. } => "postrouting",
            Self::Destination(_) => "prerouting",
            Self::Accept { .. } | Self::Reject { .. } => "forward",
        }
    }

    /// Whether it says what members may reach, and translates nothing.
    pub fn limits(&self) -> bool {
        self.hook() == "forward"
    }
}
