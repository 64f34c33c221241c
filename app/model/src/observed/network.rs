//! libvirt networks.

use std::net::IpAddr;

use borsh::{BorshDeserialize, BorshSerialize};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{Mac, wire};

/// One libvirt network (`virsh net-dumpxml`, `virsh net-dhcp-leases`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Network {
    pub name: String,
    pub uuid: String,
    pub active: bool,
    pub persistent: bool,
    pub autostart: bool,
    /// The bridge device that it made, or uses.
    pub bridge: Option<String>,
    /// `<forward mode='…'>`: `nat`, `route`, `open`, `bridge`, …; `None` for an isolated network.
    pub forward: Option<String>,
    pub domain: Option<String>,
    pub subnets: Vec<Subnet>,
    pub leases: Vec<Lease>,
    /// Bridgehead defined it: our mark is in its metadata, under `https://bridgehead.dev/network/1`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ours: bool,
    /// Options of its dnsmasq (`<dnsmasq:option value='…'/>`), such as `dhcp-option=3,192.168.48.10`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

/// One `<ip>` of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subnet {
    /// The bridge's own address with its prefix length.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
    pub address: IpNet,
    pub ranges: Vec<DhcpRange>,
    pub hosts: Vec<DhcpHost>,
}

/// Addresses given to whoever asks, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DhcpRange {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start: IpAddr,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub end: IpAddr,
}

/// A static lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DhcpHost {
    pub mac: Option<Mac>,
    pub name: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub address: IpAddr,
}

/// An address that dnsmasq gave. The hostname is the guest's own word: hostile input.
#[derive(Debug, Clone, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    pub mac: Option<Mac>,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
    pub address: IpNet,
    pub hostname: Option<String>,
    pub client_id: Option<String>,
    /// Seconds since 1970.
    pub expires: i64,
}

/// A renewed lease is the same lease: the time of expiry does not count.
impl PartialEq for Lease {
    fn eq(&self, other: &Self) -> bool {
        self.mac == other.mac
            && self.address == other.address
            && self.hostname == other.hostname
            && self.client_id == other.client_id
    }
}

impl Eq for Lease {}
