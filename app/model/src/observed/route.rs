//! Routes, neighbours and forwarding databases of the host.

use std::net::IpAddr;

use borsh::{BorshDeserialize, BorshSerialize};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{Mac, wire};

/// One route (`ip route show table all`); local and broadcast routes of the `local` table are left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Route {
    pub table: u32,
    /// `0.0.0.0/0` or `::/0` for a default route.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
    pub destination: IpNet,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub gateway: Option<IpAddr>,
    /// ifindex of the link it leaves by.
    pub link: Option<u32>,
    pub metric: u32,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub source: Option<IpAddr>,
    /// `kernel`, `dhcp`, `static`, `boot`, … or a number.
    pub protocol: String,
    /// `unicast`, `blackhole`, `unreachable`, …
    pub kind: String,
}

impl Route {
    pub fn is_default(&self) -> bool {
        self.destination.prefix_len() == 0
    }
}

/// One entry of the ARP or NDP table (`ip neigh`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Neighbour {
    pub link: u32,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub address: IpAddr,
    pub mac: Option<Mac>,
    /// `reachable`, `stale`, `failed`, …
    pub state: String,
}

/// One MAC that a bridge has learnt or was told (`bridge fdb`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FdbEntry {
    /// ifindex of the bridge, if the kernel told it.
    pub bridge: Option<u32>,
    /// ifindex of the port behind which the MAC is.
    pub port: u32,
    pub mac: Mac,
    pub vlan: Option<u16>,
    /// `permanent` (the port's own), `static` or `learned`.
    pub state: String,
}
