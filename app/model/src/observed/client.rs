//! Who gets a guest's NIC an address by DHCP.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// A program inside a guest that can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DhcpClient {
    /// busybox's.
    Udhcpc,
    /// ISC's, which ifupdown uses.
    Dhclient,
    Networkd,
    NetworkManager,
}

impl DhcpClient {
    /// Whether files say that it is to, and for which NIC: they must be there before it is told.
    pub fn is_told_by_file(self) -> bool {
        matches!(self, Self::Networkd | Self::NetworkManager)
    }
}

impl fmt::Display for DhcpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udhcpc => "udhcpc",
            Self::Dhclient => "dhclient",
            Self::Networkd => "systemd-networkd",
            Self::NetworkManager => "NetworkManager",
        })
    }
}
