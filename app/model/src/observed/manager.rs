//! The programs that set up a host's network, as far as their files tell.

use std::{collections::BTreeMap, fmt};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::wire;

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

/// A folder where managers look for what they are told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Folder {
    /// The files in it that are ours, by name; `None` for one that is too long, or no text.
    #[borsh(deserialize_with = "wire::read_map")]
    pub files: BTreeMap<String, Option<String>>,
}

impl Folder {
    /// Where files of ours may be.
    pub const ALL: [&'static str; 4] =
        ["/etc/netplan", "/etc/systemd/network", "/etc/network/interfaces.d", "/etc/NetworkManager/system-connections"];

    /// How the files begin that Bridgehead writes for managers.
    pub const OURS: &'static str = "90-bridgehead";

    /// Folder and name of a file that is ours to write.
    pub fn of(path: &str) -> Option<(&str, &str)> {
        let (folder, name) = path.rsplit_once('/')?;
        (Self::ALL.contains(&folder) && name.starts_with(Self::OURS)).then_some((folder, name))
    }

    /// Who may read a file that is ours: where there can be secrets beside it, managers want it to be root alone.
    pub fn mode(path: &str) -> u32 {
        let private = ["/etc/netplan/", "/etc/NetworkManager/"].iter().any(|folder| path.starts_with(folder));
        if private { 0o600 } else { 0o644 }
    }
}

impl ManagerKind {
    pub const ALL: [Self; 4] = [Self::Netplan, Self::Networkd, Self::NetworkManager, Self::Ifupdown];

    /// The folder that is there if it is installed.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Netplan => "/etc/netplan",
            Self::Networkd => "/etc/systemd/network",
            Self::NetworkManager => "/etc/NetworkManager/system-connections",
            Self::Ifupdown => "/etc/network/interfaces.d",
        }
    }
}

impl Manager {
    /// Whether it was told so by Bridgehead.
    pub fn is_ours(&self) -> bool {
        self.file.as_ref().is_some_and(|file| Folder::of(file).is_some())
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
