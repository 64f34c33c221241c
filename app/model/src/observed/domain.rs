//! libvirt domains and their NICs.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use borsh::{BorshDeserialize, BorshSerialize};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    Mac, RpFilter,
    wire::{self, Sealed},
};

/// One guest as libvirt knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Domain {
    pub name: String,
    pub uuid: String,
    pub state: DomainState,
    pub persistent: bool,
    pub autostart: bool,
    pub title: Option<String>,
    /// The guest agent's virtio-serial channel.
    pub agent: AgentChannel,
    /// Whether the persistent definition has that channel.
    #[serde(default)]
    pub agent_config: bool,
    /// Whether the running machine has a virtio-serial controller: without one the channel cannot be plugged in while it runs.
    #[serde(default)]
    pub virtio_serial: bool,
    pub nics: Vec<Nic>,
    /// PCI slots left for hot-plugged devices (free `pcie-root-port`s on q35); `None` if the machine type has no such limit.
    pub free_slots: Option<u32>,
    /// What Bridgehead noted in the domain's metadata.
    #[cfg_attr(feature = "openapi", schema(value_type = Marks))]
    pub marks: Sealed<Marks>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DomainState {
    Running,
    Paused,
    #[default]
    Off,
    Crashed,
    Suspended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum AgentChannel {
    /// The domain has no channel `org.qemu.guest_agent.0`.
    #[default]
    Missing,
    /// The channel is there; nobody has opened it inside the guest.
    Disconnected,
    Connected,
}

/// One `<interface>` of a domain, live and persistent definition joined by MAC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Nic {
    pub mac: Mac,
    /// In the running machine; `None` if only the persistent definition has the NIC (or the domain is off).
    pub live: Option<Attachment>,
    /// In the persistent definition; `None` if the NIC vanishes with the next shutdown.
    pub config: Option<Attachment>,
    /// `virtio`, `e1000e`, …
    pub model: Option<String>,
    /// The tap's name on the host; live only.
    pub tap: Option<String>,
    /// libvirt's device alias (`net0`); live only.
    pub alias: Option<String>,
    /// `false` for `<link state='down'/>`: the cable is out.
    pub link_up: bool,
    /// `<mtu size>`.
    pub mtu: Option<u32>,
}

impl Nic {
    /// Where the NIC is now, or will be at the next start.
    pub fn attachment(&self) -> Option<&Attachment> {
        self.live.as_ref().or(self.config.as_ref())
    }
}

/// What a NIC is plugged into.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "type")]
pub enum Attachment {
    Network {
        network: String,
    },
    Bridge {
        bridge: String,
    },
    /// macvtap on a host link.
    Direct {
        dev: String,
        mode: String,
    },
    /// `user`, `ethernet`, `vhostuser`, …: shown, never changed.
    Other {
        kind: String,
    },
}

/// What Bridgehead changed in a guest that was there before, kept in the domain's metadata under
/// `https://bridgehead.dev/domain/1`, so that it can be given back without any database.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Marks {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[borsh(deserialize_with = "wire::read_map")]
    pub nics: BTreeMap<Mac, NicMark>,
    /// The routes that the guest had before ours took their place, or their NIC was taken out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteMark>,
    /// `net.ipv4.ip_forward` inside the guest before it became a gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_forward: Option<bool>,
    /// The MTU that a NIC had inside the guest before we said another.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[borsh(deserialize_with = "wire::read_map")]
    pub mtus: BTreeMap<Mac, u32>,
    /// The source validation that a NIC had inside the guest before we said another.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[borsh(deserialize_with = "wire::read_map")]
    pub rp_filters: BTreeMap<Mac, RpFilter>,
    /// NICs on which no DHCP client worked before we said so.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[borsh(deserialize_with = "wire::read_set")]
    pub dhcp: BTreeSet<Mac>,
    /// `accept_ra` of a NIC before we said that it takes router advertisements.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[borsh(deserialize_with = "wire::read_map")]
    pub accept_ra: BTreeMap<Mac, u8>,
    /// Whether it started with the host before we said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autostart: Option<bool>,
    /// Why the guest agent's channel is ours to take out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelMark>,
    /// The name servers that it asked before we named others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
    pub dns: Option<Vec<IpAddr>>,
    /// What it called itself before we said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<HostnameMark>,
    /// Whether its own system was told by files of ours. One that only claims to have such files is left alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub files: bool,
}

impl Marks {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a guest called itself, in its kernel and in its `/etc/hostname`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostnameMark {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Why a NIC is ours to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "origin")]
pub enum NicMark {
    /// Bridgehead made it: to take back means to unplug it.
    Made,
    /// It was there: to take back means to plug it in as it was.
    Found {
        attachment: Attachment,
        model: Option<String>,
        link_up: bool,
        mtu: Option<u32>,
        /// What the guest had set on it, so that a guest without DHCP gets it back too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        #[borsh(serialize_with = "wire::write_nets", deserialize_with = "wire::read_nets")]
        addresses: Vec<IpNet>,
    },
}

/// What was there of the guest agent's channel before Bridgehead added it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ChannelMark {
    /// Nothing: to take back means to take it out.
    Made,
    /// The running guest had it, its definition had not: to take back means to take it out of the definition.
    Saved,
}

/// A route inside a guest, by the MAC of its NIC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouteMark {
    pub mac: Mac,
    /// `None`: everywhere, a default route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    #[borsh(serialize_with = "wire::write_some_net", deserialize_with = "wire::read_some_net")]
    pub to: Option<IpNet>,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub via: IpAddr,
    pub metric: u32,
}
