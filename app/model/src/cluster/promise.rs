//! What must be reachable whatever else changes, and what must not be.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::is_false;
use crate::{
    explain::{Origin, Target},
    name::GuestName,
};

/// "node1 reaches 10.0.0.9 through master", "outside does not reach node1". Asked by a ping, unless a port is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// A guest, `GUEST:INTERFACE`, `host`, `outside`, `outside:UPLINK`, or the address of somebody outside.
    #[serde(with = "end")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub from: Origin,
    /// A guest, `host` or an address.
    #[serde(with = "end")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub to: Target,
    /// Port, 1 to 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<u16>,
    /// Port, 1 to 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub udp: Option<u16>,
    /// By IPv6, where a name leaves both open.
    #[serde(default, skip_serializing_if = "is_false")]
    pub v6: bool,
    /// A guest that must be on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<GuestName>,
    /// It must not get there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub refused: bool,
}

/// An end as a person writes it.
mod end {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<T: Display, S: Serializer>(end: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(end)
    }

    pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
