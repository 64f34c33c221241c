//! Addresses that libvirt's dnsmasq gives on a bridge.

use std::{
    fmt::{self, Display, Formatter},
    net::Ipv4Addr,
    str::FromStr,
};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A bridge that libvirt makes, as a network of its name, so that it gives addresses to whoever asks there. Static leases
/// are `[[lease]]` entries with the bridge's name as their network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Dhcp {
    /// `192.168.48.100-192.168.48.199`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub range: Range,
    /// Whom guests are told to go by. Absent: the bridge's gateway, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub router: Option<Ipv4Addr>,
}

/// Addresses for whoever asks, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Range {
    pub start: Ipv4Addr,
    pub end: Ipv4Addr,
}

impl Display for Range {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

impl FromStr for Range {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (start, end) = text.split_once(['-', '–']).ok_or(())?;
        Ok(Self { start: start.trim().parse().map_err(|_| ())?, end: end.trim().parse().map_err(|_| ())? })
    }
}

impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        let wrong = |()| de::Error::custom("a range is two IPv4 addresses, such as 192.168.48.100-192.168.48.199");
        text.parse().map_err(wrong)
    }
}
