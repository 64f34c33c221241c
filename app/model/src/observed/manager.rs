//! The programs that set up a host's network, as far as their files tell.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// One of them that claims a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Manager {
    pub kind: ManagerKind,
    /// Where it was told to, if that file could be found.
    pub file: Option<String>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ManagerKind {
    /// By way of systemd-networkd or NetworkManager, whichever renders it.
    Netplan,
    Networkd,
    NetworkManager,
    Ifupdown,
}

impl Manager {
    /// How the files begin that Bridgehead writes for managers.
    pub const OURS: &'static str = "90-bridgehead";

    /// Whether it was told so by Bridgehead.
    pub fn is_ours(&self) -> bool {
        let name = self.file.as_ref().and_then(|file| file.rsplit('/').next());
        name.is_some_and(|name| name.starts_with(Self::OURS))
    }

    /// Whether it will still know at the next start: what lies in `/run` is gone then.
    pub fn lasts(&self) -> bool {
        self.file.as_ref().is_none_or(|file| self.kind == ManagerKind::Netplan || !file.starts_with("/run/"))
    }
}

impl fmt::Display for ManagerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Netplan => "netplan",
            Self::Networkd => "systemd-networkd",
            Self::NetworkManager => "NetworkManager",
            Self::Ifupdown => "ifupdown",
        })
    }
}

/// `ifupdown (/etc/network/interfaces)`.
impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        self.file.iter().try_for_each(|file| write!(f, " ({file})"))
    }
}
