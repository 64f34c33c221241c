//! A document read on a host: one wish for each thing that it asks for, implied ones included.
//!
//! A plan compares the wishes of the draft with the host, and with the wishes of the committed document to know what is to
//! be given back.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnet::IpNet;

use super::forward::Door;
use crate::{
    Cluster, Mac, RpFilter,
    cluster::{Gateway, Route, Translation},
    observed::{Attachment, NicMark, Observed},
    persist,
    proof::Promise,
    resolve,
    step::{GuestRoute, SourceTranslation, TableEntry},
    topology,
};

#[derive(Debug, Clone, Default)]
pub struct Wishes {
    pub nics: BTreeMap<Mac, NicWish>,
    /// The default route of a guest, by guest.
    pub routes: BTreeMap<String, RouteWish>,
    /// Further routes of a guest, by guest.
    pub further: BTreeMap<String, Vec<GuestRoute>>,
    /// Guests that forward and translate, with what.
    pub gateways: BTreeMap<String, Vec<TableEntry>>,
    /// The name servers of a guest, by guest.
    pub dns: BTreeMap<String, Vec<IpAddr>>,
    /// The hostname of a guest, by guest.
    pub hostnames: BTreeMap<String, String>,
    /// What the host translates.
    pub host: Vec<TableEntry>,
    /// Bridges that the host routes for, with the link they leave by and their subnets.
    pub host_ways: Vec<HostWay>,
    /// Ports of members and gateways that are to be reached through the host.
    pub doors: Vec<Door>,
    pub promises: Vec<Promise>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NicWish {
    pub guest: String,
    /// `None`: it is to be out.
    pub attachment: Option<Attachment>,
    pub cable: bool,
    pub addresses: Vec<IpNet>,
    pub dhcp: bool,
    pub accept_ra: bool,
    pub mtu: Option<u32>,
    pub rp_filter: Option<RpFilter>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteWish {
    pub mac: Mac,
    pub via: IpAddr,
    /// As the document says, else as the guest's manager needs it. Default routes with a greater one stay; with `None`, no
    /// other stays.
    pub metric: Option<u32>,
}

impl RouteWish {
    /// Whether this default route is the one that is wanted.
    pub fn is(&self, route: &GuestRoute) -> bool {
        route.to.is_none()
            && route.mac == self.mac
            && route.via == self.via
            && self.metric.is_none_or(|metric| route.metric == metric)
    }

    /// Whether this default route may not stay beside it.
    pub fn replaces(&self, route: &GuestRoute) -> bool {
        let beside = self.metric.is_some_and(|metric| route.metric > metric);
        route.to.is_none() && !self.is(route) && !beside && route.via.is_ipv4() == self.via.is_ipv4()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostWay {
    pub bridge: String,
    pub outside: String,
    pub subnets: Vec<IpNet>,
}

impl Wishes {
    pub fn of(observed: &Observed, cluster: &Cluster) -> Self {
        let mut wishes = Self::default();
        for nic in &cluster.nics {
            let wish = NicWish {
                guest: nic.guest.to_string(),
                attachment: nic.attachment().filter(|_| nic.plugged),
                cable: nic.cable,
                addresses: nic.address.clone(),
                dhcp: nic.dhcp,
                accept_ra: nic.accept_ra,
                mtu: nic.mtu,
                rp_filter: nic.rp_filter,
            };
            wishes.nics.insert(nic.mac, wish);
            if !nic.plugged {
                continue;
            }
            let guest = nic.guest.to_string();
            if let Some(via) = nic.default_route {
                wishes.routes.insert(guest.clone(), RouteWish { mac: nic.mac, via, metric: nic.metric });
            }
            let further = nic.routes.iter().map(|Route { to, via }| GuestRoute {
                mac: nic.mac,
                to: Some(*to),
                via: *via,
                metric: 0,
            });
            wishes.further.entry(guest).or_default().extend(further);
        }
        for guest in &cluster.guests {
            if !guest.dns.is_empty() {
                wishes.dns.insert(guest.name.to_string(), guest.dns.clone());
            }
            wishes.hostnames.extend(guest.hostname.clone().map(|hostname| (guest.name.to_string(), hostname)));
        }
        for gateway in &cluster.gateways {
            wishes.gateway(observed, cluster, gateway);
        }
        for (guest, route) in &mut wishes.routes {
            route.metric = route.metric.or_else(|| persist::metric(observed.guests.get(guest)?.manager()?));
        }
        wishes.host.sort();
        wishes.host.dedup();
        for entries in wishes.gateways.values_mut() {
            entries.sort();
            entries.dedup();
        }
        wishes
    }

    fn gateway(&mut self, observed: &Observed, cluster: &Cluster, gateway: &Gateway) {
        let subnets = resolve::subnets(observed, cluster, gateway);
        match &gateway.guest {
            Some(guest) => {
                let entries = subnets.iter().filter_map(|subnet| {
                    let to = source(observed, cluster, gateway, *subnet)?;
                    Some(TableEntry::Source(SourceTranslation { subnet: *subnet, to, out_link: None }))
                });
                self.gateways.entry(guest.to_string()).or_default().extend(entries);
            }
            None => {
                if let Some(outside) = resolve::outside_link(observed, gateway) {
                    self.host.extend(subnets.iter().filter_map(|subnet| {
                        let (to, out_link) = (source(observed, cluster, gateway, *subnet)?, Some(outside.clone()));
                        Some(TableEntry::Source(SourceTranslation { subnet: *subnet, to, out_link }))
                    }));
                    let (bridge, subnets) = (gateway.bridge.to_string(), subnets.clone());
                    self.host_ways.push(HostWay { bridge, outside, subnets });
                }
            }
        }
        if let Some(subnet) = subnets.first()
            && let Some(address) = source(observed, cluster, gateway, *subnet)
        {
            self.forwards(observed, cluster, gateway, &subnets, address);
        }
        self.destinations(gateway, &subnets);
        let via = resolve::gateway_address(observed, cluster, gateway).map(|net| net.addr());
        for member in &gateway.members {
            let mac = resolve::nic_at(observed, cluster, member, &gateway.bridge);
            if let (Some(via), Some(mac)) = (via, mac) {
                self.routes.insert(member.to_string(), RouteWish { mac, via, metric: None });
                self.promise(observed, cluster, gateway, member, via);
            }
            if gateway.detach_outside {
                self.detach(observed, cluster, gateway, member);
            }
        }
    }

    fn promise(&mut self, observed: &Observed, cluster: &Cluster, gateway: &Gateway, member: &str, first_hop: IpAddr) {
        let runs = |guest: &str| observed.domains.get(guest).is_some_and(resolve::runs);
        let way = gateway.guest.as_deref().is_none_or(runs);
        if let Some(target) = resolve::probe(observed, gateway)
            && runs(member)
            && way
        {
            let refused = !resolve::may_reach(observed, cluster, gateway, target);
            self.promises.push(Promise { guest: member.to_owned(), target, first_hop, refused });
        }
    }

    /// The member's NICs outside are to be out: those that are in, and those that we took out.
    fn detach(&mut self, observed: &Observed, cluster: &Cluster, gateway: &Gateway, member: &str) {
        let Some(domain) = observed.domains.get(member) else { return };
        let outside = |attachment: &Attachment| {
            resolve::leads_to(observed, attachment, &gateway.outside)
                && !resolve::leads_to(observed, attachment, &gateway.bridge)
        };
        let there = domain.nics.iter().filter(|nic| nic.attachment().is_some_and(outside)).map(|nic| nic.mac);
        let taken = domain.marks.nics.iter().filter_map(|(mac, mark)| match mark {
            NicMark::Found { attachment, .. } => outside(attachment).then_some(*mac),
            NicMark::Made => None,
        });
        for mac in there.chain(taken).filter(|mac| cluster.nic(*mac).is_none()) {
            let wish = NicWish { guest: member.to_owned(), cable: true, ..NicWish::default() };
            self.nics.insert(mac, wish);
        }
    }

    /// Every guest that is spoken of.
    pub fn guests(&self) -> BTreeSet<&str> {
        let nics = self.nics.values().map(|wish| &wish.guest);
        let named = nics.chain(self.routes.keys()).chain(self.gateways.keys());
        named.chain(self.dns.keys()).chain(self.hostnames.keys()).map(String::as_str).collect()
    }
}

/// What the members' addresses become, if that is known: `None` to masquerade, else the gateway's address outside; while
/// that is not known, what stands already, which may be what the guest's own start has loaded.
fn source(observed: &Observed, cluster: &Cluster, gateway: &Gateway, subnet: IpNet) -> Option<Option<IpAddr>> {
    if gateway.translation == Translation::Masquerade {
        return Some(None);
    }
    let stands = || {
        let facts = observed.guests.get(gateway.guest.as_deref()?)?;
        let entries = topology::guest_translations(facts);
        Some(entries.iter().filter_map(TableEntry::source).find(|entry| entry.subnet == subnet)?.to)
    };
    resolve::outside_address(observed, cluster, gateway).map(Some).or_else(stands)
}
