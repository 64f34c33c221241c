//! Guests with their NICs, each where it is and where the draft would have it.

use std::net::IpAddr;

use super::{End, GatewayLine, GuestSketch, Mark, NicSketch, Origin, RailSketch};
use crate::{
    Mac,
    observed::Attachment,
    step::TableEntry,
    topology::{self, Guest, Socket, Topology},
};

pub(super) fn guests(facts: &Topology, drafted: Option<&Topology>, rails: &[RailSketch]) -> Vec<GuestSketch> {
    let sketch = |guest: &Guest| {
        let then = drafted.map(|drafted| drafted.guests.get(&guest.name));
        GuestSketch {
            name: guest.name.clone(),
            state: guest.state,
            agent: guest.agent,
            trouble: guest.trouble.is_some(),
            nics: nics(guest, then),
            gateways: gateways(guest, then, rails),
        }
    };
    facts.guests.values().map(sketch).collect()
}

fn nics(guest: &Guest, then: Option<Option<&Guest>>) -> Vec<NicSketch> {
    let drafted = |mac: Mac| then.map(|then| then.and_then(|guest| guest.nics.iter().find(|nic| nic.mac == mac)));
    let mut nics: Vec<NicSketch> = Vec::new();
    for socket in &guest.nics {
        nics.push(nic(
            socket,
            drafted(socket.mac),
            route(Some(guest), socket.mac),
            then.map(|then| route(then, socket.mac)),
        ));
    }
    let new = then.flatten().into_iter().flat_map(|then| &then.nics);
    for socket in new.filter(|socket| guest.nics.iter().all(|nic| nic.mac != socket.mac)) {
        let mut sketch = nic(socket, Some(Some(socket)), None, then.map(|then| route(then, socket.mac)));
        sketch.mark = Mark::Draft;
        sketch.ends.iter_mut().for_each(|end| end.mark = Mark::Draft);
        sketch.origin = Origin::Draft;
        nics.push(sketch);
    }
    nics
}

/// The next hop of the guest's best default route, if it leaves by this NIC.
fn route(guest: Option<&Guest>, mac: Mac) -> Option<IpAddr> {
    let routes = guest?.default_routes.as_ref()?;
    routes.iter().find(|route| route.via.is_some()).filter(|route| route.mac == Some(mac))?.via
}

fn nic(now: &Socket, then: Option<Option<&Socket>>, route: Option<IpAddr>, later: Option<Option<IpAddr>>) -> NicSketch {
    let target = then.map(|then| then.and_then(|nic| nic.bridge.clone()));
    let mut ends = Vec::new();
    if let Some(bridge) = &now.bridge {
        let stays = target.as_ref().map(|target| target.as_ref() == Some(bridge));
        ends.push(End { rail: bridge.clone(), mark: Mark::of(true, stays) });
    }
    ends.extend(
        target
            .flatten()
            .filter(|bridge| now.bridge.as_ref() != Some(bridge))
            .map(|rail| End { rail, mark: Mark::Draft }),
    );
    let drafted = then.flatten();
    let addresses = drafted.map_or(&now.addresses, |nic| &nic.addresses);
    let best = addresses.iter().find(|address| address.net.addr().is_ipv4()).or(addresses.first());
    let origin = best.map_or(Origin::Nobody, |best| match best.origin {
        _ if now.addresses.iter().all(|address| address.net != best.net) => Origin::Draft,
        topology::Origin::Agent { leased: true } | topology::Origin::Lease { .. } => Origin::Lease,
        topology::Origin::Agent { .. } | topology::Origin::Neighbour { .. } => Origin::Guest,
        topology::Origin::Reserved { .. } => Origin::Lease,
    });
    let shown = later.flatten().or(route);
    NicSketch {
        mac: Some(now.mac),
        name: now.name.clone(),
        tap: now.tap.as_ref().map(|tap| tap.name.clone()),
        address: best.map(|best| best.net.addr().to_string()),
        origin,
        default_via: shown,
        default_mark: later.map_or(Mark::Real, |later| match (route, later) {
            (Some(_), None) => Mark::Going,
            (now, Some(later)) if now != Some(later) => Mark::Draft,
            _ => Mark::Real,
        }),
        cable: drafted.map_or(now.cable, |nic| nic.cable),
        live: now.live,
        ends,
        elsewhere: elsewhere(now),
        mark: Mark::of(true, then.map(|then| then.is_some())),
    }
}

fn elsewhere(socket: &Socket) -> Option<String> {
    if let Some(link) = &socket.direct {
        return Some(format!("macvtap {link}"));
    }
    match socket.attachment.as_ref()? {
        Attachment::Other { kind } => Some(kind.clone()),
        Attachment::Network { network } => Some(network.clone()),
        Attachment::Bridge { bridge } => Some(bridge.clone()),
        Attachment::Direct { dev, .. } => Some(dev.clone()),
    }
}

fn gateways(now: &Guest, then: Option<Option<&Guest>>, rails: &[RailSketch]) -> Vec<GatewayLine> {
    let facts = lines(now, rails);
    let Some(then) = then else { return facts };
    let drafted = then.map(|then| lines(then, rails)).unwrap_or_default();
    let same = |a: &GatewayLine, b: &GatewayLine| a.bridge == b.bridge;
    let mut all: Vec<GatewayLine> = Vec::new();
    for line in &facts {
        let stays = drafted.iter().any(|other| same(line, other));
        all.push(GatewayLine { mark: Mark::of(true, Some(stays)), ..line.clone() });
    }
    let new = drafted.into_iter().filter(|line| !facts.iter().any(|other| same(line, other)));
    all.extend(new.map(|line| GatewayLine { mark: Mark::Draft, ..line }));
    all
}

fn lines(guest: &Guest, rails: &[RailSketch]) -> Vec<GatewayLine> {
    let Some(role) = &guest.gateway else { return Vec::new() };
    let Some(outside) = &role.outside else { return Vec::new() };
    let lines = role.inside.iter().map(|bridge| {
        let on_bridge = guest.nics.iter().filter(|nic| nic.bridge.as_ref() == Some(bridge));
        let nets: Vec<_> = on_bridge.flat_map(|nic| &nic.addresses).map(|address| address.net).collect();
        let entry = guest
            .translations
            .iter()
            .filter_map(TableEntry::source)
            .find(|entry| nets.iter().any(|net| entry.subnet.contains(&net.addr())));
        GatewayLine {
            bridge: bridge.clone(),
            outside: outside.clone(),
            subnet: entry.map(|entry| entry.subnet.trunc().to_string()),
            to: entry.and_then(|entry| entry.to).map(|to| to.to_string()),
            colour: rails.iter().find(|rail| rail.name == *bridge).map_or(0, |rail| rail.colour),
            mark: Mark::Real,
        }
    });
    lines.collect()
}
