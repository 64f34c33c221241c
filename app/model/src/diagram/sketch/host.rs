//! The host's card: its NICs, and what it does with packets that are not its own.

use super::{HostNic, HostRow, Mark};
use crate::{
    gather,
    topology::{Owner, Topology},
};

/// NICs with a socket of their own.
const NICS: usize = 5;
/// Translations, and other links, that get a line.
const LINES: usize = 4;

pub(super) fn nics(facts: &Topology) -> Vec<HostNic> {
    let mut uplinks: Vec<_> = facts.uplinks.values().collect();
    gather::sort_by_key(&mut uplinks, |link| (!link.way_out, link.master.is_none(), link.index));
    let known = uplinks.iter().any(|link| link.way_out);
    // The way out of a NIC under a bridge is the bridge's.
    let leaves_by = |link: &crate::topology::Uplink, hop: &str| hop == link.name || Some(hop) == link.master.as_deref();
    let nic = |link: &&crate::topology::Uplink| HostNic {
        name: link.name.clone(),
        addresses: link.addresses.iter().filter(|a| a.scope != "link").map(|a| a.net.to_string()).collect(),
        default_via: facts.outside.hops.iter().find(|hop| leaves_by(link, &hop.link)).and_then(|hop| hop.address),
        up: link.up,
        carrier: link.carrier,
        outside: link.way_out || (!known && link.carrier),
        master: link.master.clone(),
    };
    uplinks.iter().take(NICS).map(nic).collect()
}

pub(super) fn rows(facts: &Topology, drafted: Option<&Topology>) -> Vec<HostRow> {
    let mut rows = Vec::new();
    rows.extend(facts.routing.forwards.map(|on| HostRow::Routing { on }));
    let mut seen = std::collections::BTreeSet::new();
    let translations = facts.routing.translations.iter().filter(|translation| {
        // libvirt writes one for each protocol: one line says it.
        translation.subnet.is_some_and(|subnet| subnet.addr().is_ipv4()) && seen.insert(translation.subnet)
    });
    rows.extend(translations.take(LINES).map(|translation| HostRow::Translation {
        subnet: translation.subnet.map(|subnet| subnet.to_string()).unwrap_or_default(),
        out: translation.out_link.clone(),
        ours: translation.owner == Owner::Bridgehead,
    }));
    if !facts.routing.forward_chains.is_empty() {
        let drops = facts.routing.forward_chains.iter().any(|chain| chain.policy == "drop");
        rows.push(HostRow::Forward { drops });
    }
    let then = drafted.unwrap_or(facts);
    let mut through: Vec<(&String, Mark)> = Vec::new();
    for (name, rail) in then.bridges.iter().chain(&facts.bridges) {
        let now = facts.bridges.get(name).is_some_and(|rail| rail.let_through);
        let later = drafted.map(|drafted| drafted.bridges.get(name).is_some_and(|rail| rail.let_through));
        if rail.let_through && !through.iter().any(|(known, _)| *known == name) {
            through.push((name, Mark::of(now, later)));
        }
    }
    rows.extend(through.into_iter().map(|(name, mark)| HostRow::Through { link: name.clone(), mark }));
    let uplinks = facts.uplinks.len().saturating_sub(NICS);
    rows.extend(facts.others.values().take(LINES).map(|link| HostRow::Link {
        name: link.name.clone(),
        kind: link.kind.clone().unwrap_or_default(),
        up: link.up,
    }));
    let more = facts.others.len().saturating_sub(LINES) + uplinks;
    rows.extend((more > 0).then_some(HostRow::More { links: more }));
    rows
}
