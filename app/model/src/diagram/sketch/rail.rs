//! Bridges as rails, ranked by how far they are from the outside.

use super::{Mark, RailSketch};
use crate::{
    gather,
    note::Subject,
    topology::{Behind, Rail, Topology},
};

/// Colours that a palette has.
const COLOURS: usize = 8;

pub(super) fn rails(facts: &Topology, drafted: Option<&Topology>) -> Vec<RailSketch> {
    let then = drafted.unwrap_or(facts);
    let all = gather::map(then.bridges.iter().chain(&facts.bridges));
    let mut order: Vec<&Rail> = all.into_values().collect();
    // In the order in which they were made, so that a new one does not push the others aside.
    gather::sort_by_key(&mut order, |rail| (!facts.bridges.contains_key(&rail.name), rail.index, rail.name.clone()));
    let mut rails: Vec<RailSketch> = order.iter().map(|rail| sketch(rail, facts, drafted)).collect();
    rails.extend(idle(facts, then));
    for (index, rail) in rails.iter_mut().enumerate() {
        rail.colour = (index % COLOURS) as u8;
    }
    rank(&mut rails, facts, drafted);
    rails
}

fn sketch(rail: &Rail, facts: &Topology, drafted: Option<&Topology>) -> RailSketch {
    let now = facts.bridges.get(&rail.name);
    let then = drafted.and_then(|drafted| drafted.bridges.get(&rail.name));
    let network = rail.network.as_ref().and_then(|name| facts.networks.get(name));
    let shown = then.or(now).unwrap_or(rail);
    RailSketch {
        name: rail.name.clone(),
        subject: Subject::Link(rail.name.clone()),
        colour: 0,
        rank: usize::from(!leads_out(shown, facts)),
        addresses: shown.addresses.iter().filter(|a| a.scope != "link").map(|a| a.net.to_string()).collect(),
        network: rail.network.clone(),
        dhcp: network.is_some_and(|network| !network.subnets.is_empty()),
        ours: rail.ours,
        up: rail.up,
        wired: leads_out(shown, facts),
        others: others(rail),
        mark: Mark::of(now.is_some(), drafted.map(|_| then.is_some())),
    }
}

/// libvirt networks whose bridge is not there, because they are not started, and which guests are waiting for.
fn idle<'a>(facts: &'a Topology, then: &'a Topology) -> impl Iterator<Item = RailSketch> + 'a {
    let idle = facts.networks.values().filter(|network| {
        let drawn = |bridge| facts.bridges.contains_key(bridge) || then.bridges.contains_key(bridge);
        !network.active && network.bridge.as_ref().is_some_and(|bridge| !drawn(bridge))
    });
    idle.map(|network| RailSketch {
        name: network.bridge.clone().unwrap_or_default(),
        subject: Subject::Network(network.name.clone()),
        colour: 0,
        rank: usize::from(network.forward.is_none()),
        addresses: network.subnets.iter().map(ToString::to_string).collect(),
        network: Some(network.name.clone()),
        dhcp: false,
        ours: false,
        up: false,
        wired: false,
        others: Vec::new(),
        mark: Mark::Real,
    })
}

/// The host itself is the way out of this bridge: by a port, by libvirt, or by a translation.
fn leads_out(rail: &Rail, facts: &Topology) -> bool {
    let network = rail.network.as_ref().and_then(|name| facts.networks.get(name));
    rail.ports.iter().any(|port| port.behind == Behind::Uplink)
        || network.is_some_and(|network| network.forward.is_some() && !network.ours)
        || !rail.translations.is_empty()
}

fn others(rail: &Rail) -> Vec<String> {
    let others = rail.ports.iter().filter(|port| !matches!(port.behind, Behind::Guest { .. } | Behind::Uplink));
    others.map(|port| port.name.clone()).collect()
}

/// A bridge behind a gateway is one further from the outside than the bridge that the gateway leaves by.
fn rank(rails: &mut [RailSketch], facts: &Topology, drafted: Option<&Topology>) {
    let roles = drafted.into_iter().chain([facts]).flat_map(|topology| topology.guests.values());
    let ways: Vec<(&String, &String)> = roles
        .filter_map(|guest| guest.gateway.as_ref())
        .filter_map(|role| Some((role.outside.as_ref()?, &role.inside)))
        .flat_map(|(outside, inside)| inside.iter().map(move |bridge| (bridge, outside)))
        .collect();
    // As many rounds as there are rails: longer chains do not exist, and rings end.
    for _ in 0..rails.len().min(8) {
        for (bridge, outside) in &ways {
            let Some(outer) = rails.iter().find(|rail| rail.name == **outside).map(|rail| rail.rank) else { continue };
            if let Some(rail) = rails.iter_mut().find(|rail| rail.name == **bridge && !rail.wired) {
                rail.rank = rail.rank.max(outer + 1).min(8);
            }
        }
    }
    // No empty columns.
    let used = gather::set(rails.iter().map(|rail| rail.rank));
    for rail in rails {
        rail.rank = used.iter().position(|rank| *rank == rail.rank).unwrap_or(0);
    }
}
