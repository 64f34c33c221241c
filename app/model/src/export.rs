//! What the document says, in the words of other programs: the way back for whoever stops using Bridgehead, and the way
//! to another host for whoever does not.
//!
//! The shell script and the firewall's rules are made of the steps of a plan, so that they are right when steps change.
//! Everything that comes from documents and guests is quoted as its format wants it.

#[cfg(feature = "toml")]
mod cloud_init;
#[cfg(feature = "toml")]
mod files;
mod format;
mod ifupdown;
#[cfg(feature = "toml")]
mod libvirt;
mod netplan;
mod networkd;
mod networkmanager;
#[cfg(feature = "toml")]
mod nft;
#[cfg(feature = "toml")]
pub(crate) mod shell;

use crate::{Cluster, cluster::Bridge, observed::ManagerKind};
use serde::{Deserialize, Serialize};

#[cfg(feature = "toml")]
pub use cloud_init::write as cloud_init;
#[cfg(feature = "toml")]
pub use files::{draft, network};
pub use format::{Format, UnknownFormat};

/// The files by which the document's manager makes the bridges too.
pub fn kept(cluster: &Cluster) -> Vec<File> {
    let bridges = plain(cluster);
    match cluster.manager {
        None => Vec::new(),
        Some(ManagerKind::Netplan) => netplan::write(&bridges),
        Some(ManagerKind::Networkd) => networkd::write(&bridges),
        Some(ManagerKind::NetworkManager) => networkmanager::write(&bridges),
        Some(ManagerKind::Ifupdown) => ifupdown::write(&bridges),
    }
}

/// The bridges that libvirt does not make: one that is there keeps its network from starting.
fn plain(cluster: &Cluster) -> Vec<Bridge> {
    cluster.bridges.iter().filter(|bridge| bridge.dhcp.is_none()).cloned().collect()
}

/// What was asked for, as files. None, if the document has nothing for that format.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Export {
    pub files: Vec<File>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct File {
    /// Where its program looks for it; a bare name if that is anywhere.
    pub path: String,
    pub text: String,
}

impl File {
    fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}
