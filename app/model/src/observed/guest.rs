//! What a guest says of itself. All of it is hostile input.

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

use super::{DhcpClient, GuestPolicy, ManagerKind, Table, WayFacts, WayKind, WayState};

/// The answers of one guest: of its agent, or of programs in it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestFacts {
    /// Why there is no answer, or why a part of it is missing; `None` if all is well.
    pub trouble: Option<String>,
    /// The kernel's.
    pub hostname: Option<String>,
    /// What its `/etc/hostname` says, for its next start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub static_hostname: Option<String>,
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
    /// `net.ipv6.conf.all.forwarding`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip6_forward: Option<bool>,
    /// Its policy rules, and the tables that they name; `None` where it could not be asked.
    #[serde(default, skip_serializing_if = "Sealed::is_default")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<GuestPolicy>))]
    pub policy: Sealed<Option<GuestPolicy>>,
    /// `net.ipv4.conf.all.rp_filter`, and that of `default`, with which a new interface begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rp_filter_all: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rp_filter_default: Option<u8>,
    /// nftables tables inside the guest; `None` where the guest could not be asked or has no `nft`.
    pub tables: Option<Vec<Table>>,
    /// Programs found inside that Bridgehead can use: `ip`, `nft`, `iptables`, `traceroute`, `ping`,
    /// `udhcpc`, `dhclient`.
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
    /// The name servers that it asks, the first first; `None` where it could not be asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
    pub nameservers: Option<Vec<IpAddr>>,
    /// Those that a file of ours names; none if there is only a part of what is ours, `None` if there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
    pub dns: Option<Vec<IpAddr>>,
    /// Who keeps them, as its `/etc/resolv.conf` tells; `None` where nothing can be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolver: Option<Resolver>,
    /// How programs are run in it, and why not better, best way first.
    #[serde(default, skip_serializing_if = "Sealed::is_default")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<WayFacts>))]
    pub ways: Sealed<Vec<WayFacts>>,
}

/// Who decides which name servers a guest asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Resolver {
    /// systemd-resolved.
    Resolved,
    NetworkManager,
    /// A plain file, which a DHCP client writes that runs hooks.
    Dhclient,
    /// A plain file.
    File,
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
    /// Its own; what counts is [`GuestFacts::rp_filter_of`].
    pub rp_filter: Option<u8>,
    /// Whether there is a sign of a DHCP client that works on it.
    #[serde(default)]
    pub dhcp: bool,
    /// `net.ipv6.conf.<interface>.accept_ra`; managers that take advertisements by themselves keep it at 0.
    #[serde(default)]
    pub accept_ra: Option<u8>,
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
    /// `src`, where the interface has several addresses that it could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub source: Option<IpAddr>,
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

    /// Takes the interface with this MAC away, and its routes.
    pub fn forget(&mut self, mac: Mac) {
        let gone = self.interface(mac).map(|interface| interface.name.clone());
        self.interfaces.retain(|interface| interface.mac != Some(mac));
        if let Some(routes) = &mut self.routes {
            routes.retain(|route| gone.is_none() || route.interface != gone);
        }
    }

    /// How the kernel validates sources on this interface: the greater of its own and that of all.
    pub fn rp_filter_of(&self, interface: &GuestInterface) -> Option<RpFilter> {
        interface.rp_filter.max(self.rp_filter_all).and_then(RpFilter::of)
    }

    /// The way by which these are its answers. `None` where none runs programs, or it was not told.
    pub fn way(&self) -> Option<WayKind> {
        self.ways.iter().find(|it| it.state == WayState::Used).map(|it| it.way)
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

    /// Who can get a NIC an address by DHCP: where a manager does, nobody else is to. What netplan writes is read by
    /// networkd, or by nobody that is known here.
    pub fn dhcp_client(&self) -> Option<DhcpClient> {
        match self.manager() {
            Some(ManagerKind::Networkd) => Some(DhcpClient::Networkd),
            Some(ManagerKind::Netplan) => {
                self.managers.contains(&ManagerKind::Networkd).then_some(DhcpClient::Networkd)
            }
            Some(ManagerKind::NetworkManager) => Some(DhcpClient::NetworkManager),
            Some(ManagerKind::Ifupdown) | None => {
                let has = |program: &str| self.programs.contains(program);
                let alone = has("udhcpc").then_some(DhcpClient::Udhcpc);
                if has("dhclient") { Some(DhcpClient::Dhclient) } else { alone }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(managers: &[ManagerKind], programs: &[&str]) -> GuestFacts {
        GuestFacts {
            managers: managers.iter().copied().collect(),
            programs: programs.iter().map(|program| (*program).to_owned()).collect(),
            ..GuestFacts::default()
        }
    }

    #[test]
    fn the_greater_of_both_filters_counts() {
        let mut facts = facts(&[], &[]);
        let mut own = GuestInterface {
            name: "eth0".to_owned(),
            mac: None,
            up: None,
            addresses: Vec::new(),
            mtu: None,
            rp_filter: Some(1),
            dhcp: false,
            accept_ra: None,
        };
        assert_eq!(facts.rp_filter_of(&own), Some(RpFilter::Strict));
        facts.rp_filter_all = Some(2);
        assert_eq!(facts.rp_filter_of(&own), Some(RpFilter::Loose));
        own.rp_filter = Some(7);
        assert_eq!(facts.rp_filter_of(&own), None, "what no kernel says");
    }

    #[test]
    fn a_manager_comes_before_a_client_that_runs_by_itself() {
        use ManagerKind::{Ifupdown, Netplan, NetworkManager, Networkd};
        let both = ["dhclient", "udhcpc"];
        assert_eq!(facts(&[], &["udhcpc"]).dhcp_client(), Some(DhcpClient::Udhcpc));
        assert_eq!(facts(&[Ifupdown], &both).dhcp_client(), Some(DhcpClient::Dhclient));
        assert_eq!(facts(&[Netplan, Networkd], &both).dhcp_client(), Some(DhcpClient::Networkd));
        assert_eq!(facts(&[NetworkManager, Ifupdown], &both).dhcp_client(), Some(DhcpClient::NetworkManager));
        assert_eq!(facts(&[Netplan], &both).dhcp_client(), None);
        assert_eq!(facts(&[Ifupdown], &["ip"]).dhcp_client(), None);
    }
}
