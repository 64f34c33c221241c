//! Guests with their sockets.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;

use crate::{
    firewall::translation,
    gather,
    observed::{Attachment, GuestFacts, Link, Nic, Observed},
};

use super::{DefaultRoute, GatewayRole, Guest, GuestAddress, Origin, Socket, Tap, Topology, host};

pub fn guests(observed: &Observed) -> BTreeMap<String, Guest> {
    let links = gather::map(observed.links.values().map(|link| (link.name.as_str(), link)));
    gather::map(observed.domains.values().map(|domain| {
        let facts = observed.guests.get(&domain.name);
        let guest = Guest {
            name: domain.name.clone(),
            title: domain.title.clone(),
            state: domain.state,
            persistent: domain.persistent,
            autostart: domain.autostart,
            agent: domain.agent,
            trouble: facts.and_then(|facts| facts.trouble.clone()),
            hostname: facts.and_then(|facts| facts.hostname.clone()),
            os: facts.and_then(|facts| facts.os.clone()),
            manager: facts.and_then(GuestFacts::manager),
            free_slots: domain.free_slots,
            nics: domain.nics.iter().map(|nic| socket(observed, &links, nic, facts)).collect(),
            default_routes: facts.and_then(default_routes),
            forwards: facts.and_then(|facts| facts.ip_forward),
            gateway: None,
            translations: facts.map(translations).unwrap_or_default(),
            other_tables: facts
                .and_then(|facts| facts.tables.as_ref())
                .map(|tables| {
                    let foreign = tables.iter().filter(|table| table.name != translation::TABLE);
                    foreign.map(crate::observed::Table::key).collect()
                })
                .unwrap_or_default(),
        };
        (domain.name.clone(), guest)
    }))
}

/// Our translations inside a guest.
pub fn translations(facts: &GuestFacts) -> Vec<crate::step::TableEntry> {
    let ours = facts.tables.iter().flatten().filter(|table| table.name == translation::TABLE);
    ours.flat_map(translation::read).collect()
}

fn socket(observed: &Observed, links: &BTreeMap<&str, &Link>, nic: &Nic, facts: Option<&GuestFacts>) -> Socket {
    let interface = facts.and_then(|facts| facts.interface(nic.mac));
    let link = nic.tap.as_deref().and_then(|tap| links.get(tap).copied());
    let said = nic.attachment().and_then(|attachment| bridge_of(observed, attachment));
    let real = link.and_then(|link| link.master).map(|index| host::name(observed, index));
    let bridge = if link.is_some() { real } else { said.clone() };
    Socket {
        mac: nic.mac,
        name: interface.map(|interface| interface.name.clone()),
        model: nic.model.clone(),
        attachment: nic.attachment().cloned(),
        live: nic.live.is_some(),
        config: nic.config.is_some(),
        cable: nic.link_up,
        up: interface.and_then(|interface| interface.up),
        disagrees: said.filter(|said| link.is_some() && bridge.as_ref() != Some(said)),
        bridge,
        direct: match nic.attachment() {
            Some(Attachment::Direct { dev, .. }) => Some(dev.clone()),
            _ => None,
        },
        tap: nic.tap.as_ref().map(|name| tap(name, link)),
        addresses: addresses(observed, nic, facts),
    }
}

fn tap(name: &str, link: Option<&Link>) -> Tap {
    Tap {
        index: link.map_or(0, |link| link.index),
        name: name.to_owned(),
        up: link.is_some_and(|link| link.up),
        carrier: link.is_some_and(|link| link.carrier),
    }
}

/// The bridge that libvirt plugs such an attachment into.
pub fn bridge_of(observed: &Observed, attachment: &Attachment) -> Option<String> {
    match attachment {
        Attachment::Bridge { bridge } => Some(bridge.clone()),
        Attachment::Network { network } => observed.networks.get(network)?.bridge.clone(),
        Attachment::Direct { .. } | Attachment::Other { .. } => None,
    }
}

/// The guest whose tap this is.
pub fn owner_of<'a>(observed: &'a Observed, tap: &str) -> Option<&'a str> {
    let owns = |nic: &Nic| nic.tap.as_deref() == Some(tap);
    observed.domains.values().find(|domain| domain.nics.iter().any(owns)).map(|domain| domain.name.as_str())
}

/// Every address of a NIC, each by the best of those who say it.
fn addresses(observed: &Observed, nic: &Nic, facts: Option<&GuestFacts>) -> Vec<GuestAddress> {
    let mut found: BTreeMap<IpAddr, GuestAddress> = BTreeMap::new();
    let mut say = |net: IpNet, origin: Origin| {
        let better = found.get(&net.addr()).is_none_or(|known| origin < known.origin);
        if better {
            found.insert(net.addr(), GuestAddress { net, origin });
        }
    };
    let mac = Some(nic.mac);
    let leased = |address: IpAddr| {
        let mut leases = observed.networks.values().flat_map(|network| &network.leases);
        leases.any(|lease| lease.mac == mac && lease.address.addr() == address)
    };
    for net in facts.and_then(|facts| facts.interface(nic.mac)).iter().flat_map(|interface| &interface.addresses) {
        say(*net, Origin::Agent { leased: leased(net.addr()) });
    }
    let told = !found_any(facts, nic);
    for network in observed.networks.values() {
        // Whoever is on the bridge asks there, whatever libvirt was told to plug the NIC into.
        let here = network.bridge.is_some()
            && nic.attachment().is_some_and(|attachment| bridge_of(observed, attachment) == network.bridge);
        if !here || !told {
            continue;
        }
        for lease in network.leases.iter().filter(|lease| lease.mac == mac) {
            let origin = Origin::Lease {
                network: network.name.clone(),
                hostname: lease.hostname.clone(),
                expires: lease.expires,
            };
            say(lease.address, origin);
        }
        for subnet in &network.subnets {
            for host in subnet.hosts.iter().filter(|host| host.mac == mac) {
                let net = IpNet::new(host.address, subnet.address.prefix_len());
                say(net.unwrap_or_else(|_| host.address.into()), Origin::Reserved { network: network.name.clone() });
            }
        }
    }
    if told {
        for neighbour in observed.neighbours.iter().filter(|neighbour| neighbour.mac == mac) {
            let link = host::name(observed, neighbour.link);
            say(neighbour.address.into(), Origin::Neighbour { link });
        }
    }
    found.into_values().collect()
}

/// The guest itself says which addresses the NIC has: then leases and the wire add nothing but old news.
fn found_any(facts: Option<&GuestFacts>, nic: &Nic) -> bool {
    facts.and_then(|facts| facts.interface(nic.mac)).is_some_and(|interface| !interface.addresses.is_empty())
}

fn default_routes(facts: &GuestFacts) -> Option<Vec<DefaultRoute>> {
    let mut routes: Vec<DefaultRoute> = facts
        .routes
        .as_ref()?
        .iter()
        .filter(|route| route.is_default())
        .map(|route| DefaultRoute {
            via: route.via,
            interface: route.interface.clone(),
            mac: route.interface.as_deref().and_then(|name| mac_of(facts, name)),
            metric: route.metric,
            protocol: route.protocol.clone(),
            through: None,
        })
        .collect();
    gather::sort_by_key(&mut routes, |route| route.metric);
    Some(routes)
}

/// The MAC of the interface that the guest calls so.
pub fn mac_of(facts: &GuestFacts, name: &str) -> Option<crate::Mac> {
    facts.interfaces.iter().find(|interface| interface.name == name)?.mac
}

/// Which guests are gateways, and through which guest each default route goes.
pub fn roles(topology: &mut Topology) {
    // `None` for an address that several say is theirs: whose it is, none of them can tell.
    let mut holders: BTreeMap<(String, IpAddr), Option<String>> = BTreeMap::new();
    for guest in topology.guests.values() {
        for nic in &guest.nics {
            for address in &nic.addresses {
                if let Some(bridge) = &nic.bridge {
                    let own = Some(guest.name.clone());
                    let holder = holders.entry((bridge.clone(), address.net.addr())).or_insert(own.clone());
                    if *holder != own {
                        *holder = None;
                    }
                }
            }
        }
    }
    let mut gateways: Vec<(String, GatewayRole)> = Vec::new();
    for guest in topology.guests.values_mut() {
        let bridge_at = |mac| guest.nics.iter().find(|nic| Some(nic.mac) == mac).and_then(|nic| nic.bridge.clone());
        for route in guest.default_routes.iter_mut().flatten() {
            if let (Some(bridge), Some(via)) = (bridge_at(route.mac), route.via) {
                route.through = holders.get(&(bridge, via)).cloned().flatten();
            }
        }
        let outside = guest.default_routes.iter().flatten().find_map(|route| bridge_at(route.mac));
        let plugged = guest.nics.iter().filter_map(|nic| nic.bridge.clone());
        let inside = gather::set(plugged.filter(|bridge| Some(bridge) != outside.as_ref()));
        if guest.forwards == Some(true) && !inside.is_empty() && (outside.is_some() || inside.len() > 1) {
            let role =
                GatewayRole { inside: inside.into_iter().collect(), outside, ours: !guest.translations.is_empty() };
            guest.gateway = Some(role.clone());
            gateways.push((guest.name.clone(), role));
        }
    }
    for (name, role) in gateways {
        for bridge in &role.inside {
            if let Some(rail) = topology.bridges.get_mut(bridge) {
                rail.gateways.push(name.clone());
            }
        }
    }
}
