//! A bridge that takes over a NIC of the host: the NIC becomes its port, and what was on the NIC (addresses, routes, MAC)
//! is on the bridge. All of it in one change, and given back when the bridge goes.

use ipnet::IpNet;

use crate::{
    Observed,
    cluster::Bridge,
    observed::{Link, Route},
    resolve::is_global,
    step::{HostRoute, Step},
    topology::MAIN,
};

use super::{Phase, Planner};

/// Makes the NIC a port, and moves to the bridge what is still on the NIC.
pub(super) fn take(planner: &mut Planner<'_>, bridge: &Bridge) {
    let observed = planner.observed;
    let Some(uplink) = bridge.uplink.as_deref().and_then(|name| observed.link(name)) else { return };
    let own = observed.link(&bridge.name);
    if uplink.master.is_none() || uplink.master != own.map(|own| own.index) {
        let was = uplink.master.and_then(|master| observed.links.get(&master)).map(|master| master.name.clone());
        let master = Some(bridge.name.to_string());
        planner.push(Phase::Bridges, Step::SetMaster { link: uplink.name.clone(), master, was });
    }
    let moved: Vec<HostRoute> = routes(observed, uplink);
    for route in &moved {
        planner.push(Phase::Bridges, Step::RemoveRoute { route: route.clone() });
    }
    for address in bridge.address.iter().filter(|net| has(uplink, net)) {
        planner.push(Phase::Bridges, Step::RemoveAddress { link: uplink.name.clone(), address: *address });
    }
    for address in bridge.address.iter().filter(|net| !own.is_some_and(|own| has(own, net))) {
        planner.push(Phase::Bridges, Step::AddAddress { link: bridge.name.to_string(), address: *address });
    }
    let (there, cut): (Vec<HostRoute>, Vec<HostRoute>) = match own {
        Some(own) => routes(observed, own).into_iter().partition(|route| stays(bridge, own, route)),
        None => Default::default(),
    };
    let moved = moved.into_iter().map(|route| HostRoute { link: bridge.name.to_string(), ..route });
    let again = |route: &HostRoute| reaches(&bridge.address, route);
    let mut wanted: Vec<HostRoute> = moved.chain(cut.into_iter().filter(again)).collect();
    let leads_out =
        |routes: &[HostRoute]| routes.iter().any(|route| is_default(route) && route.gateway == bridge.default_route);
    if let Some(gateway) = bridge.default_route.filter(|_| !leads_out(&wanted) && !leads_out(&there)) {
        let destination = IpNet::new_assert(if gateway.is_ipv4() { [0; 4].into() } else { [0; 16].into() }, 0);
        wanted.push(HostRoute {
            destination,
            gateway: Some(gateway),
            link: bridge.name.to_string(),
            metric: 0,
            protocol: "static".to_owned(),
        });
    }
    for route in wanted.into_iter().filter(|route| !there.contains(route)) {
        planner.push(Phase::Bridges, Step::AddRoute { route });
    }
}

/// Removes the routes whose next hop is reached by an address that goes: the kernel would, and say nothing.
pub(super) fn cut(planner: &mut Planner<'_>, bridge: &Bridge, own: &Link) {
    let routes = routes(planner.observed, own);
    for route in routes.into_iter().rev().filter(|route| bridge.uplink.is_some() && !stays(bridge, own, route)) {
        planner.push(Phase::Bridges, Step::RemoveRoute { route });
    }
}

/// Whether an address that is there and stays reaches the next hop.
fn stays(bridge: &Bridge, own: &Link, route: &HostRoute) -> bool {
    let staying: Vec<IpNet> = bridge.address.iter().copied().filter(|net| has(own, net)).collect();
    reaches(&staying, route)
}

fn reaches(addresses: &[IpNet], route: &HostRoute) -> bool {
    route.gateway.is_none_or(|gateway| addresses.iter().any(|net| net.contains(&gateway)))
}

/// Gives back to the NIC what the bridge took over.
pub(super) fn give_back(planner: &mut Planner<'_>, bridge: &Bridge, own: &Link) {
    let observed = planner.observed;
    let Some(uplink) = bridge.uplink.as_deref().and_then(|name| observed.link(name)) else { return };
    let moved = routes(observed, own);
    for route in &moved {
        planner.push(Phase::BridgesOff, Step::RemoveRoute { route: route.clone() });
    }
    for address in own.addresses.iter().filter(|address| is_global(&address.net)).rev() {
        planner.push(Phase::BridgesOff, Step::RemoveAddress { link: own.name.clone(), address: address.net });
    }
    if uplink.master == Some(own.index) {
        let was = Some(own.name.clone());
        planner.push(Phase::BridgesOff, Step::SetMaster { link: uplink.name.clone(), master: None, was });
    }
    let address = bridge.address.iter().filter(|net| has(own, net) && !has(uplink, net));
    for address in address {
        planner.push(Phase::BridgesOff, Step::AddAddress { link: uplink.name.clone(), address: *address });
    }
    for route in moved {
        let route = HostRoute { link: uplink.name.clone(), ..route };
        planner.push(Phase::BridgesOff, Step::AddRoute { route });
    }
}

fn has(link: &Link, net: &IpNet) -> bool {
    link.addresses.iter().any(|address| address.net == *net)
}

fn is_default(route: &HostRoute) -> bool {
    route.destination.prefix_len() == 0
}

/// The routes by a link that the kernel does not make by itself.
pub(super) fn routes(observed: &Observed, link: &Link) -> Vec<HostRoute> {
    let set = |route: &&Route| {
        route.table == MAIN && route.link == Some(link.index) && route.protocol != "kernel" && route.kind == "unicast"
    };
    let set = observed.routes.iter().filter(set).map(|route| HostRoute {
        destination: route.destination,
        gateway: route.gateway,
        link: link.name.clone(),
        metric: route.metric,
        protocol: route.protocol.clone(),
    });
    let mut routes: Vec<HostRoute> = set.collect();
    // What is reached directly comes before what is reached by way of it.
    routes.sort_by_key(|route| route.gateway.is_some());
    routes
}
