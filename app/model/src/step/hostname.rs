//! What a guest is called, now and at its next start.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// What its kernel says, and what its `/etc/hostname` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hostname {
    /// The kernel's (`/proc/sys/kernel/hostname`).
    pub name: String,
    /// `None` if there is no such file, or nothing in it.
    pub file: Option<String>,
    /// The file is the one that was there before ours took its place.
    pub found: bool,
}

impl Hostname {
    /// Whether the file is the same in both.
    pub fn same_file(&self, other: &Self) -> bool {
        (&self.file, self.found) == (&other.file, other.found)
    }
}
