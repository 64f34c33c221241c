//! What is asked: would this packet get there, and its answer back?

use std::net::IpAddr;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::note::Subject;

/// Whether `from` reaches `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub from: Origin,
    pub to: Target,
    pub probe: Probe,
    /// IPv6, where a name leaves both open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub v6: bool,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "is", deny_unknown_fields)]
pub enum Origin {
    /// A program in a guest, which may insist on one of the guest's interfaces (`ping -I`).
    Guest {
        guest: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interface: Option<String>,
    },
    /// A program on the host.
    Host,
    /// Somebody behind an uplink, who sends all there is to the host.
    Outside {
        /// The uplink; the one of the best default route if it is not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uplink: Option<String>,
        /// Whose address that is; that of the default route's next hop if it is not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        address: Option<IpAddr>,
    },
}

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "is", deny_unknown_fields)]
pub enum Target {
    /// At the address that is nearest to whoever asks.
    Guest {
        guest: String,
    },
    Host,
    Address {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        address: IpAddr,
    },
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "protocol", deny_unknown_fields)]
pub enum Probe {
    /// An echo request, of ICMP or ICMPv6 as the address is.
    Echo,
    Tcp {
        port: u16,
    },
    Udp {
        port: u16,
    },
}

impl Origin {
    /// Where it is on the picture.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Guest { guest, .. } => Subject::Guest(guest.clone()),
            Self::Host => Subject::Host,
            Self::Outside { .. } => Subject::Outside,
        }
    }
}

impl Question {
    pub fn echo(from: Origin, to: Target) -> Self {
        Self { from, to, probe: Probe::Echo, v6: false }
    }

    /// Whether IPv6 is asked for, by an address or in so many words.
    pub fn wants_v6(&self) -> bool {
        match self.to {
            Target::Address { address } => address.is_ipv6(),
            _ => self.v6,
        }
    }
}
