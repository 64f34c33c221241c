//! Bridges with their ports, and libvirt's networks.

use std::collections::BTreeMap;

use crate::{
    Mac,
    firewall::{Packet, narrow, walk},
    gather,
    observed::{Attachment, Link, Observed},
};

use super::{Behind, Net, Port, Rail, Routing, Talk, Topology, host};

pub fn networks(observed: &Observed) -> BTreeMap<String, Net> {
    let mut networks = gather::map(observed.networks.values().map(|network| {
        let net = Net {
            name: network.name.clone(),
            active: network.active,
            autostart: network.autostart,
            persistent: network.persistent,
            forward: network.forward.clone(),
            bridge: network.bridge.clone(),
            ours: network.ours,
            subnets: network.subnets.iter().map(|subnet| subnet.address.trunc()).collect(),
            members: Vec::new(),
        };
        (network.name.clone(), net)
    }));
    for domain in observed.domains.values() {
        for nic in &domain.nics {
            if let Some(Attachment::Network { network }) = nic.attachment()
                && let Some(net) = networks.get_mut(network)
            {
                net.members.push((domain.name.clone(), nic.mac));
            }
        }
    }
    networks
}

pub fn bridges(observed: &Observed, topology: &Topology) -> BTreeMap<String, Rail> {
    let ours = narrow::all(observed);
    let owners = owners(topology);
    gather::map(observed.links.values().filter(|link| link.is_bridge()).map(|link| {
        let translations = translations(&topology.routing, link);
        let rail = Rail {
            index: link.index,
            name: link.name.clone(),
            mac: link.mac,
            mtu: link.mtu,
            up: link.up,
            carrier: link.carrier,
            ours: observed.is_ours(link),
            stp: link.bridge.as_ref().is_some_and(|bridge| bridge.stp),
            addresses: link.addresses.clone(),
            network: topology
                .networks
                .values()
                .find(|net| net.bridge.as_deref() == Some(&*link.name))
                .map(|net| net.name.clone()),
            ports: ports(observed, &owners, link),
            waiting: waiting(topology, &link.name),
            gateways: Vec::new(),
            host_routes: topology.routing.forwards == Some(true) && !translations.is_empty(),
            translations,
            talk: talk(observed, &link.name),
            let_through: ours.iter().any(|rule| rule.out_link == link.name && rule.lets_ports_talk()),
            learnt: observed
                .fdb
                .iter()
                .filter(|entry| entry.state == "learned" && under(observed, entry.port, link.index))
                .count(),
        };
        (link.name.clone(), rail)
    }))
}

/// By tap: the guest, and the MAC of its NIC.
type Owners<'a> = BTreeMap<&'a str, (&'a str, Mac)>;

fn owners(topology: &Topology) -> Owners<'_> {
    let nics = topology.guests.values().flat_map(|guest| guest.nics.iter().map(move |nic| (guest, nic)));
    gather::map(nics.filter_map(|(guest, nic)| Some((nic.tap.as_ref()?.name.as_str(), (guest.name.as_str(), nic.mac)))))
}

fn under(observed: &Observed, port: u32, bridge: u32) -> bool {
    observed.links.get(&port).is_some_and(|link| link.master == Some(bridge))
}

fn translations(routing: &Routing, link: &Link) -> Vec<usize> {
    let of = |subnet| link.addresses.iter().any(|address| address.scope == "global" && address.net.trunc() == subnet);
    (0..).zip(&routing.translations).filter(|(_, found)| found.subnet.is_some_and(of)).map(|(at, _)| at).collect()
}

/// NICs of guests that are off and will be ports.
fn waiting(topology: &Topology, bridge: &str) -> Vec<(String, Mac)> {
    let mut waiting = Vec::new();
    for guest in topology.guests.values() {
        for nic in guest.nics.iter().filter(|nic| !nic.live && nic.bridge.as_deref() == Some(bridge)) {
            waiting.push((guest.name.clone(), nic.mac));
        }
    }
    waiting
}

fn ports(observed: &Observed, owners: &Owners<'_>, bridge: &Link) -> Vec<Port> {
    let mut ports: Vec<Port> = observed
        .links
        .values()
        .filter(|link| link.master == Some(bridge.index))
        .map(|link| Port {
            index: link.index,
            name: link.name.clone(),
            behind: behind(observed, owners, link),
            up: link.up,
            carrier: link.carrier,
            state: link.port.as_ref().map(|port| port.state.clone()).unwrap_or_default(),
            isolated: link.port.as_ref().is_some_and(|port| port.isolated),
        })
        .collect();
    gather::sort_by(&mut ports, |a, b| natural(&a.name, &b.name));
    ports
}

fn behind(observed: &Observed, owners: &Owners<'_>, link: &Link) -> Behind {
    if let Some((guest, mac)) = owners.get(link.name.as_str()) {
        return Behind::Guest { guest: (*guest).to_owned(), mac: *mac };
    }
    match link.kind.as_deref() {
        _ if host::is_uplink(observed, link) => Behind::Uplink,
        Some("veth") => Behind::Veth { peer: host::peer(observed, link) },
        kind => Behind::Unknown { kind: kind.map(str::to_owned) },
    }
}

/// What the firewall does between ports of one bridge. The chains that drop are named.
pub fn talk(observed: &Observed, bridge: &str) -> Talk {
    let dropping: Vec<String> = narrow::forward_chains(observed, Some(bridge))
        .into_iter()
        .filter(|(table, chain)| walk(table, chain, Packet::within(bridge), &|_| false).dropped)
        .map(|(table, chain)| format!("{} {}", table.key(), chain.name))
        .collect();
    if dropping.is_empty() { Talk::Yes } else { Talk::Dropped(dropping) }
}

/// `vnet2` before `vnet10`.
pub fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    let split = |text: &str| {
        let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count().min(9);
        let at = text.len() - digits;
        (text[..at].to_owned(), text[at..].parse::<u32>().ok())
    };
    split(a).cmp(&split(b)).then_with(|| a.cmp(b))
}
