//! The inside of guests.

use ipnet::IpNet;

use crate::{
    Mac,
    firewall::translation,
    observed::{GuestFacts, GuestInterface, GuestRoute as Inner, Observed},
    resolver::is_so,
    step::{GuestRoute, Step, TableEntry},
};

pub fn simulate(step: &Step, observed: &mut Observed) {
    let facts = |observed: &mut Observed, guest: &str, with: &dyn Fn(&mut GuestFacts)| {
        if let Some(facts) = observed.guests.get_mut(guest) {
            with(facts);
        }
    };
    match step {
        Step::SetGuestLinkUp { guest, mac, up } => facts(observed, guest, &|facts| set_up(facts, *mac, *up)),
        Step::SetGuestMtu { guest, mac, mtu, .. } => {
            facts(observed, guest, &|facts| set(facts, *mac, |interface| interface.mtu = Some(*mtu)));
        }
        Step::SetGuestFilter { guest, mac, mode, .. } => {
            facts(observed, guest, &|facts| set(facts, *mac, |interface| interface.rp_filter = Some(mode.number())));
        }
        // What a lease brings is not known.
        Step::SetGuestDhcp { guest, mac, on, .. } => {
            facts(observed, guest, &|facts| set(facts, *mac, |interface| interface.dhcp = *on));
        }
        Step::SetGuestAcceptRa { guest, mac, mode, .. } => {
            facts(observed, guest, &|facts| set(facts, *mac, |interface| interface.accept_ra = Some(*mode)));
        }
        Step::AddGuestAddress { guest, mac, address } => {
            facts(observed, guest, &|facts| add_address(facts, *mac, *address));
        }
        Step::RemoveGuestAddress { guest, mac, address } => {
            facts(observed, guest, &|facts| remove_address(facts, *mac, *address));
        }
        Step::AddGuestRoute { guest, route } => facts(observed, guest, &|facts| {
            if let Some(route) = inner(facts, route) {
                add_route(facts, route);
            }
        }),
        Step::RemoveGuestRoute { guest, route } => facts(observed, guest, &|facts| {
            if let Some(route) = inner(facts, route) {
                let same = |there: &Inner| {
                    there.destination == route.destination
                        && there.via == route.via
                        && there.interface == route.interface
                        && there.metric == route.metric
                };
                facts.routes.iter_mut().for_each(|routes| routes.retain(|there| !same(there)));
            }
        }),
        Step::SetGuestForwarding { guest, on } => facts(observed, guest, &|facts| facts.ip_forward = Some(*on)),
        Step::ReplaceGuestTable { guest, translations, .. } => {
            facts(observed, guest, &|facts| replace(facts, translations));
        }
        Step::ReplaceGuestFiles { guest, files, .. } => facts(observed, guest, &|facts| {
            // What could not be read is not ours to touch.
            facts.files.retain(|_, text| text.is_none());
            facts.files.extend(files.iter().map(|(path, text)| (path.clone(), Some(text.clone()))));
        }),
        Step::SetGuestDns { guest, resolver, servers, was, others } => facts(observed, guest, &|facts| {
            // Ours may be gone, and whoever read it still ask by it.
            let asked = facts.nameservers.as_deref().unwrap_or_default();
            let lingers = was.as_ref().is_some_and(|was| asked.starts_with(was) && !others.starts_with(was));
            if !is_so(facts, servers.as_deref()) || (servers.is_none() && lingers) {
                facts.dns.clone_from(servers);
                facts.nameservers = Some(resolver.effective(servers.as_deref(), others));
            }
        }),
        Step::SetGuestHostname { guest, hostname, .. } => facts(observed, guest, &|facts| {
            facts.hostname = Some(hostname.name.clone());
            facts.static_hostname.clone_from(&hostname.file);
        }),
        _ => {}
    }
}

fn set(facts: &mut GuestFacts, mac: Mac, with: impl FnOnce(&mut GuestInterface)) {
    if let Some(interface) = facts.interfaces.iter_mut().find(|interface| interface.mac == Some(mac)) {
        with(interface);
    }
}

fn set_up(facts: &mut GuestFacts, mac: Mac, up: bool) {
    let Some(interface) = facts.interfaces.iter_mut().find(|interface| interface.mac == Some(mac)) else { return };
    interface.up = Some(up);
    let (name, nets) = (interface.name.clone(), interface.addresses.clone());
    if up {
        for net in nets {
            add_route(facts, connected(&name, net));
        }
    } else {
        let down = |route: &Inner| route.interface.as_ref() == Some(&name);
        facts.routes.iter_mut().for_each(|routes| routes.retain(|route| !down(route)));
    }
}

fn add_address(facts: &mut GuestFacts, mac: Mac, net: IpNet) {
    let Some(interface) = facts.interfaces.iter_mut().find(|interface| interface.mac == Some(mac)) else { return };
    if !interface.addresses.contains(&net) {
        interface.addresses.push(net);
    }
    if interface.up != Some(false) {
        let route = connected(&interface.name, net);
        add_route(facts, route);
    }
}

fn remove_address(facts: &mut GuestFacts, mac: Mac, net: IpNet) {
    let Some(interface) = facts.interfaces.iter_mut().find(|interface| interface.mac == Some(mac)) else { return };
    interface.addresses.retain(|address| *address != net);
    let route = connected(&interface.name, net);
    // With its last address, every route of an interface goes.
    let last = !interface.addresses.iter().any(|address| address.addr().is_ipv4());
    if net.addr().is_ipv4() && last {
        let of_it = |there: &Inner| there.interface == route.interface && there.destination.addr().is_ipv4();
        facts.routes.iter_mut().for_each(|routes| routes.retain(|there| !of_it(there)));
        return;
    }
    // Another address of the same subnet keeps the route.
    if !interface.addresses.iter().any(|address| address.trunc() == net.trunc()) {
        facts.routes.iter_mut().for_each(|routes| {
            routes.retain(|there| there.destination != route.destination || there.interface != route.interface);
        });
    }
}

fn connected(interface: &str, net: IpNet) -> Inner {
    Inner {
        destination: net.trunc(),
        via: None,
        interface: Some(interface.to_owned()),
        metric: 0,
        protocol: Some("kernel".to_owned()),
        source: None,
    }
}

fn inner(facts: &GuestFacts, route: &GuestRoute) -> Option<Inner> {
    Some(Inner {
        destination: route.destination(),
        via: Some(route.via),
        interface: Some(facts.interface(route.mac)?.name.clone()),
        metric: route.metric,
        protocol: Some("boot".to_owned()),
        source: None,
    })
}

fn add_route(facts: &mut GuestFacts, route: Inner) {
    if let Some(routes) = &mut facts.routes {
        let same = |there: &Inner| {
            there.destination == route.destination
                && there.via == route.via
                && there.interface == route.interface
                && there.metric == route.metric
        };
        if !routes.iter().any(same) {
            let at = routes.partition_point(|there| *there < route);
            routes.insert(at, route.clone());
        }
    }
}

fn replace(facts: &mut GuestFacts, entries: &[TableEntry]) {
    let tables = facts.tables.get_or_insert_default();
    tables.retain(|table| table.name != translation::TABLE);
    if !entries.is_empty() {
        tables.push(translation::table("ip", entries));
    }
}
