//! What a guest says of itself. All of it is hostile input.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use borsh::{BorshDeserialize, BorshSerialize};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    Mac,
    wire::{self, Sealed},
};

use super::{ManagerKind, Table, WayFacts, WayKind, WayState};

/// The answers of one guest: of its agent, or of programs in it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestFacts {
    /// Why there is no answer, or why a part of it is missing; `None` if all is well.
    pub trouble: Option<String>,
    pub hostname: Option<String>,
    /// `PRETTY_NAME` of its os-release.
    pub os: Option<String>,
    /// Differs from one start of its system to the next (random(4)).
    pub boot: Option<String>,
    /// Agent commands that are enabled.
    #[borsh(deserialize_with = "wire::read_set")]
    pub commands: BTreeSet<String>,
    pub interfaces: Vec<GuestInterface>,
    /// `None` where the guest could not be asked (exec is blocked).
    pub routes: Option<Vec<GuestRoute>>,
    pub ip_forward: Option<bool>,
    /// nftables tables inside the guest; `None` where the guest could not be asked or has no `nft`.
    pub tables: Option<Vec<Table>>,
    /// Programs found inside that Bridgehead can use: `ip`, `nft`, `iptables`, `traceroute`, `ping`.
    #[borsh(deserialize_with = "wire::read_set")]
    pub programs: BTreeSet<String>,
    /// The network managers that its system has.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[borsh(deserialize_with = "wire::read_set")]
    pub managers: BTreeSet<ManagerKind>,
    /// Whether systemd starts its services.
    #[serde(default)]
    pub systemd: bool,
    /// Files of ours inside, by path; `None` for one that is too long, or no text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[borsh(deserialize_with = "wire::read_map")]
    pub files: BTreeMap<String, Option<String>>,
    /// How programs are run in it, and why not better, best way first.
    #[serde(default, skip_serializing_if = "Sealed::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<WayFacts>))]
    pub ways: Sealed<Vec<WayFacts>>,
}

/// One interface inside a guest, loopback left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestInterface {
    pub name: String,
    pub mac: Option<Mac>,
    /// `None` where only the agent's own list could be had.
    pub up: Option<bool>,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    #[borsh(serialize_with = "wire::write_nets", deserialize_with = "wire::read_nets")]
    pub addresses: Vec<IpNet>,
    pub mtu: Option<u32>,
    pub rp_filter: Option<u8>,
}

/// One route inside a guest (`ip -j route`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestRoute {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
    pub destination: IpNet,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub via: Option<IpAddr>,
    /// The interface's name inside the guest.
    pub interface: Option<String>,
    pub metric: u32,
    pub protocol: Option<String>,
}

impl GuestRoute {
    pub fn is_default(&self) -> bool {
        self.destination.prefix_len() == 0
    }
}

impl GuestFacts {
    /// The interface with this MAC.
    pub fn interface(&self, mac: Mac) -> Option<&GuestInterface> {
        self.interfaces.iter().find(|interface| interface.mac == Some(mac))
    }

    /// The way by which these are its answers. `None` where none runs programs, or it was not told.
    pub fn way(&self) -> Option<WayKind> {
        self.ways.open().into_iter().find(|it| it.state == WayState::Used).map(|it| it.way)
    }

    /// Whether there is a way to run programs in it: only then are any known. Without that, nothing can be set inside.
    pub fn runs_programs(&self) -> bool {
        !self.programs.is_empty()
    }

    /// Who sets up its network: where several are there, the one that the others follow or leave alone.
    pub fn manager(&self) -> Option<ManagerKind> {
        use ManagerKind::{Ifupdown, Netplan, NetworkManager, Networkd};
        [Netplan, NetworkManager, Networkd, Ifupdown].into_iter().find(|kind| self.managers.contains(kind))
    }
}
