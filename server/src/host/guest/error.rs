//! What can go wrong inside a guest, in the kinds that a caller can act on.

use model::Mac;

use super::{console::Trouble, ssh::SshError};
use crate::host::libvirt;

/// `doing` says what was being done to which guest, e.g. `add 192.168.48.10/24 in guest master`.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Libvirt(#[from] libvirt::Error),
    /// The program ran and said no. Its words are the guest's.
    #[error("cannot {doing}: {program} failed with status {status}: {stderr}")]
    Failed { doing: String, program: String, status: i64, stderr: String },
    /// It was so already (or, for a removal, gone already).
    #[error("cannot {doing}: it is so already")]
    Already { doing: String },
    #[error("cannot {doing}: the guest has no interface with the MAC {mac}")]
    NoInterface { doing: String, mac: Mac },
    #[error("cannot {doing}: the program did not end within {seconds} s")]
    Slow { doing: String, seconds: u64 },
    #[error("cannot {doing}: no DHCP server answered within {seconds} s")]
    NoLease { doing: String, seconds: u64 },
    /// The guest's answer cannot be used.
    #[error("cannot {doing}: the guest's answer makes no sense: {reason}")]
    Nonsense { doing: String, reason: String },
    /// No program can be run in it.
    #[error("cannot {doing}: {reasons}")]
    NoWay { doing: String, reasons: String },
    #[error("cannot {doing}: {trouble}")]
    Console { doing: String, trouble: Trouble },
    /// There is no connection to the guest.
    #[error("cannot {doing}: {source}")]
    Ssh { doing: String, source: SshError },
    /// What was asked for cannot be done inside a guest.
    #[error("cannot {doing}: {reason}")]
    Unsupported { doing: String, reason: String },
}
