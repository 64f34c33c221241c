//! The host's own side: way out, uplinks, forwarding and translation.

use std::collections::BTreeMap;

use crate::{
    firewall::{Field, Statement, narrow, statement::Text, translation},
    gather,
    observed::{Chain, Link, Observed, Rule, Table},
};

use super::{ForwardChain, NextHop, Other, Outside, Owner, Routing, Topology, Translation, Uplink};

/// The kernel's main routing table (RT_TABLE_MAIN, linux/rtnetlink.h).
pub const MAIN: u32 = 254;

pub fn outside(observed: &Observed) -> Outside {
    let mut hops: Vec<NextHop> = observed
        .routes
        .iter()
        .filter(|route| route.table == MAIN && route.is_default() && route.kind == "unicast")
        .map(|route| NextHop {
            address: route.gateway,
            link: route.link.map(|index| name(observed, index)).unwrap_or_default(),
            metric: route.metric,
            protocol: route.protocol.clone(),
            mac: route.gateway.and_then(|address| {
                observed.neighbours.iter().find(|neighbour| neighbour.address == address).and_then(|found| found.mac)
            }),
        })
        .collect();
    gather::sort_by_key(&mut hops, |hop| (hop.address.is_some_and(|address| address.is_ipv6()), hop.metric));
    Outside { hops }
}

pub fn routing(observed: &Observed) -> Routing {
    let on = |name: &str| observed.sysctls.get(name).map(|value| value != "0");
    let forward_chains = narrow::forward_chains(observed, None)
        .into_iter()
        .map(|(table, chain)| ForwardChain {
            table: table.key(),
            chain: chain.name.clone(),
            policy: chain.policy.clone().unwrap_or_else(|| "accept".to_owned()),
            priority: chain.priority.unwrap_or_default(),
        })
        .collect();
    Routing {
        forwards: on("net.ipv4.ip_forward"),
        forwards_v6: on("net.ipv6.conf.all.forwarding"),
        bridge_nf: on("net.bridge.bridge-nf-call-iptables"),
        forward_chains,
        translations: observed.tables.values().flat_map(translations).collect(),
    }
}

/// Source translations in chains that hang below a nat postrouting hook.
fn translations(table: &Table) -> Vec<Translation> {
    if !matches!(table.family.as_str(), "ip" | "ip6" | "inet") {
        return Vec::new();
    }
    let base = |chain: &&Chain| chain.kind.as_deref() == Some("nat") && chain.hook.as_deref() == Some("postrouting");
    let mut reached: Vec<&Chain> = table.chains.iter().filter(base).collect();
    let mut seen = gather::set(reached.iter().map(|chain| chain.name.as_str()));
    let mut next = 0;
    while let Some(chain) = reached.get(next).copied() {
        next += 1;
        for value in chain.rules.iter().flat_map(|rule| &rule.statements) {
            if let Statement::Jump(target) | Statement::Goto(target) = Statement::read(value)
                && seen.insert(target)
                && let Some(chain) = table.chain(target)
            {
                reached.push(chain);
            }
        }
    }
    reached.into_iter().flat_map(|chain| chain.rules.iter().filter_map(|rule| translated(table, chain, rule))).collect()
}

fn translated(table: &Table, chain: &Chain, rule: &Rule) -> Option<Translation> {
    let owner = if table.name == translation::TABLE {
        Owner::Bridgehead
    } else if chain.name.starts_with("LIBVIRT") || table.name.starts_with("libvirt") {
        Owner::Libvirt
    } else {
        Owner::Somebody
    };
    let mut found = Translation {
        subnet: None,
        to: None,
        out_link: None,
        owner,
        table: table.key(),
        chain: chain.name.clone(),
        handle: rule.handle,
    };
    let mut translates = false;
    for value in &rule.statements {
        match Statement::read(value) {
            Statement::Match { field: Field::Source, equal: true, values: Some(values) } => {
                if let Some(Text::Net(net)) = values.first() {
                    found.subnet = Some(*net);
                }
            }
            Statement::Match { field: Field::OutLink, equal: true, values: Some(values) } => {
                if let Some(Text::Word(word)) = values.first() {
                    found.out_link = Some((*word).to_owned());
                }
            }
            Statement::Snat(address) => {
                translates = true;
                found.to = address;
            }
            Statement::Masquerade => translates = true,
            // Only for what a port forward brought here.
            Statement::Match { field: Field::ConnectionStatus, .. } => return None,
            _ => {}
        }
    }
    translates.then_some(found)
}

pub fn uplinks(observed: &Observed) -> BTreeMap<String, Uplink> {
    let default = observed.routes.iter().filter(|route| route.table == MAIN && route.is_default());
    let ways = gather::set(default.filter_map(|route| route.link));
    let uplinks = observed.links.values().filter(|link| is_uplink(observed, link));
    gather::map(uplinks.map(|link| {
        let uplink = Uplink {
            index: link.index,
            name: link.name.clone(),
            kind: link.kind.clone(),
            mac: link.mac,
            mtu: link.mtu,
            up: link.up,
            carrier: link.carrier,
            addresses: link.addresses.clone(),
            master: link.master.map(|index| name(observed, index)),
            way_out: ways.contains(&link.index) || link.master.is_some_and(|master| ways.contains(&master)),
        };
        (link.name.clone(), uplink)
    }))
}

/// Whether the host reaches other machines by this link. A veth into another namespace is one, unless it is a port of a
/// bridge that the host does not leave by: then it is a container's.
pub fn is_uplink(observed: &Observed, link: &Link) -> bool {
    match link.kind.as_deref() {
        None => !link.loopback,
        Some("bond" | "team") => true,
        Some("veth") => {
            let leads_out = |master| {
                let mut ways = observed.routes.iter().filter(|route| route.table == MAIN && route.is_default());
                ways.any(|route| route.link == Some(master))
            };
            link.peer_elsewhere && link.master.is_none_or(leads_out)
        }
        Some("vlan") => link.master.is_none() && link.peer.is_some_and(|peer| observed.links.contains_key(&peer)),
        _ => false,
    }
}

pub fn others(observed: &Observed, topology: &Topology) -> BTreeMap<String, Other> {
    let taps = topology.guests.values().flat_map(|guest| guest.nics.iter().filter_map(|nic| nic.tap.as_ref()));
    let taps = gather::set(taps.map(|tap| tap.name.as_str()));
    let port =
        |link: &Link| link.master.and_then(|index| observed.links.get(&index)).is_some_and(|master| master.is_bridge());
    let others = observed.links.values().filter(|link| {
        !link.loopback
            && !link.is_bridge()
            && !port(link)
            && !topology.uplinks.contains_key(&link.name)
            && !taps.contains(link.name.as_str())
    });
    gather::map(others.map(|link| {
        let other = Other {
            index: link.index,
            name: link.name.clone(),
            kind: link.kind.clone(),
            mac: link.mac,
            mtu: link.mtu,
            up: link.up,
            carrier: link.carrier,
            addresses: link.addresses.clone(),
            peer: peer(observed, link),
        };
        (link.name.clone(), other)
    }))
}

/// The link beneath, or at the other end, if it is here.
pub fn peer(observed: &Observed, link: &Link) -> Option<String> {
    if link.peer_elsewhere {
        return None;
    }
    observed.links.get(&link.peer?).map(|peer| peer.name.clone())
}

/// A link's name, or its index where the link is not known.
pub fn name(observed: &Observed, index: u32) -> String {
    observed.links.get(&index).map_or_else(|| format!("if{index}"), |link| link.name.clone())
}
