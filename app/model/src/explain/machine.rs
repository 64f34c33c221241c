//! The host and its guests, as the one thing that they are to a packet: a network stack.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::{answers, stop::Stop};
use crate::{
    Mac, RpFilter,
    note::Subject,
    observed::{GuestFacts, Observed, PolicyRule, Source, Table},
    topology::MAIN,
};

/// The guest's name; `None` is the host.
pub type Station<'a> = Option<&'a str>;

#[derive(Debug, Clone)]
pub struct Machine<'a> {
    pub station: Station<'a>,
    pub interfaces: Vec<Interface<'a>>,
    pub routes: Vec<Route<'a>>,
    /// `None` if they were not read.
    pub rules: Option<&'a [PolicyRule]>,
    /// `None` if they could not be read.
    pub tables: Option<Vec<&'a Table>>,
    ip_forward: Option<bool>,
    ip6_forward: Option<bool>,
    rp_filter_all: Option<u8>,
}

#[derive(Debug, Clone)]
pub struct Interface<'a> {
    pub name: &'a str,
    pub mac: Option<Mac>,
    pub up: Option<bool>,
    /// In the kernel's order.
    pub addresses: Vec<IpNet>,
    forwarding: Option<bool>,
    rp_filter: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'a> {
    pub table: u32,
    pub destination: IpNet,
    pub gateway: Option<IpAddr>,
    pub interface: Option<&'a str>,
    pub metric: u32,
    pub source: Option<IpAddr>,
    pub kind: &'a str,
    /// The kernel made it with an address.
    pub connected: bool,
}

impl<'a> Machine<'a> {
    pub fn host(observed: &'a Observed) -> Self {
        let interfaces = observed.links.values().map(|link| Interface {
            name: &link.name,
            mac: link.mac,
            up: Some(link.up),
            addresses: link.addresses.iter().map(|address| address.net).collect(),
            forwarding: link.forwarding,
            rp_filter: link.rp_filter,
        });
        let routes = observed.routes.iter().map(|route| Route {
            table: route.table,
            destination: route.destination,
            gateway: route.gateway,
            interface: route.link.and_then(|index| observed.links.get(&index)).map(|link| link.name.as_str()),
            metric: route.metric,
            source: route.source,
            kind: &route.kind,
            connected: route.protocol == "kernel",
        });
        let setting = |name: &str| observed.sysctls.get(name);
        let on = |name: &str| setting(name).map(|value| value != "0");
        Self {
            station: None,
            interfaces: interfaces.collect(),
            routes: routes.collect(),
            rules: observed.rules.as_deref(),
            tables: answers(observed, Source::Firewall).then(|| observed.tables.values().collect()),
            ip_forward: on("net.ipv4.ip_forward"),
            ip6_forward: on("net.ipv6.conf.all.forwarding"),
            rp_filter_all: setting("net.ipv4.conf.all.rp_filter").and_then(|value| value.parse().ok()),
        }
    }

    /// A guest that has told of its routes.
    pub fn guest(name: &'a str, facts: Option<&'a GuestFacts>) -> Result<Self, Stop> {
        let unseen = || {
            let because = facts.and_then(|facts| facts.trouble.as_deref()).unwrap_or("it was not asked");
            Stop::unknown(
                Subject::Guest(name.to_owned()),
                format!("nothing inside of {name} can be seen ({because})"),
                format!("看不到 {name} 的内部（{because}）"),
            )
        };
        let facts = facts.ok_or_else(unseen)?;
        let routes = facts.routes.as_ref().ok_or_else(unseen)?;
        let further = facts.policy.iter().flat_map(|policy| &policy.routes);
        let further = further.flat_map(|(table, routes)| routes.iter().map(move |route| (*table, route)));
        let all = routes.iter().map(|route| (MAIN, route)).chain(further);
        let interfaces = facts.interfaces.iter().map(|interface| Interface {
            name: &interface.name,
            mac: interface.mac,
            up: interface.up,
            addresses: interface.addresses.clone(),
            forwarding: None,
            rp_filter: interface.rp_filter,
        });
        Ok(Self {
            station: Some(name),
            interfaces: interfaces.collect(),
            routes: all
                .map(|(table, route)| Route {
                    table,
                    destination: route.destination,
                    gateway: route.via,
                    interface: route.interface.as_deref(),
                    metric: route.metric,
                    source: route.source,
                    kind: "unicast",
                    connected: route.protocol.as_deref() == Some("kernel"),
                })
                .collect(),
            rules: facts.policy.as_ref().map(|policy| policy.rules.as_slice()),
            tables: facts.tables.as_ref().map(|tables| tables.iter().collect()),
            ip_forward: facts.ip_forward,
            ip6_forward: facts.ip6_forward,
            rp_filter_all: facts.rp_filter_all,
        })
    }

    pub fn name(&self) -> &'a str {
        name_of(self.station)
    }

    pub fn subject(&self) -> Subject {
        self.station.map_or(Subject::Host, |name| Subject::Guest(name.to_owned()))
    }

    pub fn interface(&self, name: &str) -> Option<&Interface<'a>> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    /// Whether this address is the machine's own.
    pub fn has(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.interfaces.iter().any(|interface| interface.has(address))
    }

    /// Whether what comes in by this interface is passed on; `None` if that is not known.
    pub fn forwards(&self, interface: &str, v6: bool) -> Option<bool> {
        if v6 {
            return self.ip6_forward;
        }
        self.interface(interface).and_then(|interface| interface.forwarding).or(self.ip_forward)
    }

    /// How sources are validated on this interface: the greater of its own setting and that of all. `None` if not known.
    pub fn rp_filter(&self, interface: &str) -> Option<RpFilter> {
        const GREATEST: u8 = RpFilter::Loose as u8;
        match (self.interface(interface)?.rp_filter, self.rp_filter_all) {
            (Some(own), Some(all)) => RpFilter::of(own.max(all)),
            (Some(GREATEST), None) | (None, Some(GREATEST)) => Some(RpFilter::Loose),
            _ => None,
        }
    }

    /// Whether the way of what it sends is looked up again after its chains have marked it.
    pub fn reroutes(&self) -> bool {
        let mut chains = self.tables.iter().flatten().flat_map(|table| &table.chains);
        chains.any(|chain| chain.kind.as_deref() == Some("route"))
    }

    /// Whether this is where packets for everybody go.
    pub fn is_broadcast(&self, address: IpAddr) -> bool {
        let ends = |net: &IpNet| match net {
            IpNet::V4(net) => net.prefix_len() < 31 && IpAddr::V4(net.broadcast()) == address,
            IpNet::V6(_) => false,
        };
        address.is_multicast()
            || matches!(address, IpAddr::V4(address) if address == Ipv4Net::default().broadcast())
            || self.interfaces.iter().flat_map(|interface| &interface.addresses).any(ends)
    }
}

impl Interface<'_> {
    /// IPv4 addresses stay the machine's own while their interface is down; those of IPv6 go.
    pub fn has(&self, address: IpAddr) -> bool {
        let there = self.up != Some(false) || address.is_ipv4();
        there && self.addresses.iter().any(|own| own.addr() == address)
    }
}

/// What a person calls it.
pub fn name_of(station: Station<'_>) -> &str {
    station.unwrap_or("host")
}
