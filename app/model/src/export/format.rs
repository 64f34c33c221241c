//! The formats.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Whose words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The document itself.
    #[default]
    Document,
    /// A script of `ip`, `nft` and `virsh` that makes all of it, inside the guests too.
    Shell,
    /// The `<interface>` of each NIC, a `<network>` for each bridge, and the `<host>` of each static lease.
    Libvirt,
    /// Our table and our rules on the host, for `nft -f`.
    Nft,
    // The host's bridges, for the manager of its network.
    Netplan,
    Networkd,
    Ifupdown,
    NetworkManager,
    /// For each guest that the document names, the seed of its first start.
    #[serde(rename = "cloud-init")]
    CloudInit,
}

impl Format {
    pub const ALL: [Self; 9] = [
        Self::Document,
        Self::Shell,
        Self::Libvirt,
        Self::Nft,
        Self::Netplan,
        Self::Networkd,
        Self::Ifupdown,
        Self::NetworkManager,
        Self::CloudInit,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Shell => "shell",
            Self::Libvirt => "libvirt",
            Self::Nft => "nft",
            Self::Netplan => "netplan",
            Self::Networkd => "networkd",
            Self::Ifupdown => "ifupdown",
            Self::NetworkManager => "networkmanager",
            Self::CloudInit => "cloud-init",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no such format; there are {}", Format::ALL.map(Format::name).join(", "))]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or(UnknownFormat)
    }
}
