//! Source validation of IPv4 by reverse path (RFC 3704): `net.ipv4.conf.<interface>.rp_filter`.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// The kernel takes the greater of an interface's own and that of `all` (Documentation/networking/ip-sysctl.rst).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RpFilter {
    /// Any source is taken.
    Off,
    /// Only a source that would be answered by the same interface.
    Strict,
    /// Only a source that would be answered by any interface.
    Loose,
}

impl RpFilter {
    pub const ALL: [Self; 3] = [Self::Off, Self::Strict, Self::Loose];

    /// As the kernel writes it.
    pub fn number(self) -> u8 {
        self as u8
    }

    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Strict => "strict",
            Self::Loose => "loose",
        }
    }
}

impl fmt::Display for RpFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
