//! What a step does, in memory.
//!
//! As much of the kernel's and libvirt's own doing is imitated as a plan looks at: connected routes come and go with
//! addresses, a plugged NIC has a tap, a guest whose agent answers sees it. A step whose object is not there, or is so
//! already, does nothing.

mod channel;
mod dhcp;
mod guest;
mod lease;
mod nic;

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::{
    firewall::translation,
    observed::{Address, Bridge, Folder, Link, Observed, Route, Rule, Table},
    topology::MAIN,
    wire::Sealed,
};

use super::{HostRoute, NarrowRule, NewBridge, Step, TableEntry};

impl Step {
    /// Changes `observed` as this step would change the host.
    pub fn simulate(&self, observed: &mut Observed) {
        match self {
            Self::CreateBridge { bridge } => create(observed, bridge),
            Self::DeleteBridge { bridge } => delete(observed, &bridge.name),
            Self::SetLinkUp { link, up } => set_up(observed, link, *up),
            Self::SetLinkMtu { link, mtu, .. } => change(observed, link, |link| link.mtu = *mtu),
            Self::SetBridgeStp { bridge, stp } => change(observed, bridge, |link| {
                if let Some(bridge) = &mut link.bridge {
                    bridge.stp = *stp;
                }
            }),
            Self::SetMaster { link, master, .. } => {
                let master = master.as_deref().and_then(|name| index(observed, name));
                change(observed, link, |link| nic::plug(link, master));
            }
            Self::AddAddress { link, address } => add_address(observed, link, *address),
            Self::RemoveAddress { link, address } => remove_address(observed, link, *address),
            Self::AddRoute { route } => {
                let route = host_route(observed, route);
                add_route(observed, route);
            }
            Self::RemoveRoute { route } => {
                let route = host_route(observed, route);
                observed.routes.retain(|there| !same_way(there, &route));
            }
            Self::SetSysctl { name, value, .. } => drop(observed.sysctls.insert(name.clone(), value.clone())),
            Self::WriteFile { path, text, .. } => write(observed, path, text.as_ref()),
            Self::ReplaceTable { translations, .. } => replace(&mut observed.tables, translations),
            Self::InsertRule { rule } => insert(observed, rule),
            Self::DeleteRule { rule } => remove(observed, rule),
            Self::AttachNic { guest, nic, live, config } => nic::attach(observed, guest, nic, *live, *config),
            Self::DetachNic { guest, nic, live, config } => nic::detach(observed, guest, nic.mac, *live, *config),
            Self::UpdateNic { guest, nic, live, config, .. } => nic::update(observed, guest, nic, *live, *config),
            Self::AttachChannel { guest, live, config } => channel::set(observed, guest, true, *live, *config),
            Self::DetachChannel { guest, live, config } => channel::set(observed, guest, false, *live, *config),
            Self::SetGuestAutostart { guest, on } => {
                if let Some(domain) = observed.domains.get_mut(guest).filter(|domain| domain.persistent) {
                    domain.autostart = *on;
                }
            }
            Self::SetNetworkAutostart { network, on } => {
                if let Some(network) = observed.networks.get_mut(network).filter(|network| network.persistent) {
                    network.autostart = *on;
                }
            }
            Self::DefineNetwork { network } => dhcp::define(observed, network),
            Self::UndefineNetwork { network } => dhcp::undefine(observed, network),
            Self::StartNetwork { network } => dhcp::start(observed, network),
            Self::StopNetwork { network } => dhcp::stop(observed, network),
            Self::SetDhcpRanges { network, subnet, ranges, live, config, .. } => {
                dhcp::set_ranges(observed, network, *subnet, ranges, *live, *config);
            }
            Self::SetLease { .. } => lease::simulate(self, observed),
            Self::SetMarks { guest, marks, .. } => {
                if let Some(domain) = observed.domains.get_mut(guest) {
                    domain.marks = Sealed::of(marks);
                }
            }
            Self::SetGuestLinkUp { .. }
            | Self::SetGuestMtu { .. }
            | Self::SetGuestFilter { .. }
            | Self::SetGuestDhcp { .. }
            | Self::SetGuestAcceptRa { .. }
            | Self::AddGuestAddress { .. }
            | Self::RemoveGuestAddress { .. }
            | Self::AddGuestRoute { .. }
            | Self::RemoveGuestRoute { .. }
            | Self::SetGuestForwarding { .. }
            | Self::ReplaceGuestTable { .. }
            | Self::ReplaceGuestFiles { .. }
            | Self::SetGuestDns { .. }
            | Self::SetGuestHostname { .. } => guest::simulate(self, observed),
        }
    }
}

fn index(observed: &Observed, name: &str) -> Option<u32> {
    observed.link(name).map(|link| link.index)
}

fn next_index(observed: &Observed) -> u32 {
    observed.links.keys().next_back().map_or(1, |last| last.saturating_add(1))
}

fn write(observed: &mut Observed, path: &str, text: Option<&String>) {
    let Some((folder, name)) = Folder::of(path) else { return };
    let Some(folder) = observed.folders.get_mut(folder) else { return };
    match text {
        Some(text) => drop(folder.files.insert(name.to_owned(), Some(text.clone()))),
        None => drop(folder.files.remove(name)),
    }
}

fn change(observed: &mut Observed, name: &str, with: impl FnOnce(&mut Link)) {
    if let Some(link) = observed.links.values_mut().find(|link| link.name == name) {
        with(link);
    }
}

fn create(observed: &mut Observed, bridge: &NewBridge) {
    if index(observed, &bridge.name).is_some() {
        return;
    }
    let index = next_index(observed);
    let link = Link {
        index,
        name: bridge.name.clone(),
        kind: Some("bridge".to_owned()),
        mac: bridge.mac,
        mtu: bridge.mtu.unwrap_or(1500),
        alias: Some(Link::OURS.to_owned()),
        bridge: Some(Bridge { stp: bridge.stp, ..Bridge::default() }),
        ..Link::default()
    };
    observed.links.insert(index, link);
}

fn delete(observed: &mut Observed, name: &str) {
    let Some(index) = index(observed, name) else { return };
    observed.links.remove(&index);
    for link in observed.links.values_mut().filter(|link| link.master == Some(index)) {
        nic::plug(link, None);
    }
    observed.routes.retain(|route| route.link != Some(index));
}

fn set_up(observed: &mut Observed, name: &str, up: bool) {
    let Some(index) = index(observed, name) else { return };
    let mut nets = Vec::new();
    change(observed, name, |link| {
        link.up = up;
        nets = link.addresses.iter().map(|address| address.net).collect();
    });
    if up {
        for net in nets {
            add_route(observed, connected(index, net));
        }
    } else {
        observed.routes.retain(|route| route.link != Some(index));
    }
}

fn add_address(observed: &mut Observed, name: &str, net: IpNet) {
    let mut up = None;
    change(observed, name, |link| {
        if !link.addresses.iter().any(|address| address.net == net) {
            link.addresses.push(Address { net, scope: "global".to_owned(), dynamic: false });
        }
        up = link.up.then_some(link.index);
    });
    if let Some(index) = up {
        add_route(observed, connected(index, net));
    }
}

fn remove_address(observed: &mut Observed, name: &str, net: IpNet) {
    let mut index = None;
    change(observed, name, |link| {
        link.addresses.retain(|address| address.net != net);
        index = Some(link.index);
    });
    if let Some(index) = index {
        let route = connected(index, net);
        observed.routes.retain(|there| *there != route);
        // The kernel drops what it cannot reach any more.
        let nets: Vec<IpNet> = observed.links[&index].addresses.iter().map(|address| address.net).collect();
        let reached = |gateway: std::net::IpAddr| nets.iter().any(|net| net.contains(&gateway));
        observed.routes.retain(|there| {
            there.link != Some(index) || there.gateway.is_none_or(|gateway| !net.contains(&gateway) || reached(gateway))
        });
    }
}

/// The route that the kernel adds with an address.
fn connected(link: u32, net: IpNet) -> Route {
    Route {
        table: MAIN,
        destination: net.trunc(),
        gateway: None,
        link: Some(link),
        metric: 0,
        source: Some(net.addr()),
        protocol: "kernel".to_owned(),
        kind: "unicast".to_owned(),
    }
}

fn host_route(observed: &Observed, route: &HostRoute) -> Route {
    Route {
        table: MAIN,
        destination: route.destination,
        gateway: route.gateway,
        link: index(observed, &route.link),
        metric: route.metric,
        source: None,
        protocol: route.protocol.clone(),
        kind: "unicast".to_owned(),
    }
}

fn same_way(a: &Route, b: &Route) -> bool {
    a.table == b.table
        && a.destination == b.destination
        && a.gateway == b.gateway
        && a.link == b.link
        && a.metric == b.metric
}

/// Routes are kept in order, so that taking one away and giving it back makes no difference.
fn add_route(observed: &mut Observed, route: Route) {
    if !observed.routes.contains(&route) {
        let at = observed.routes.partition_point(|there| *there < route);
        observed.routes.insert(at, route);
    }
}

fn replace(tables: &mut BTreeMap<String, Table>, entries: &[TableEntry]) {
    let table = translation::table("inet", entries);
    if entries.is_empty() {
        tables.remove(&table.key());
    } else {
        tables.insert(table.key(), table);
    }
}

fn insert(observed: &mut Observed, rule: &NarrowRule) {
    if rule.handle(observed).is_some() {
        return;
    }
    let Some(table) = observed.tables.get_mut(&format!("{} {}", rule.family, rule.table)) else { return };
    let handles = table.chains.iter().flat_map(|chain| &chain.rules).map(|rule| rule.handle);
    let handle = handles.max().unwrap_or_default() + 1;
    if let Some(chain) = table.chains.iter_mut().find(|chain| chain.name == rule.chain) {
        let new = Rule { handle, comment: Some(rule.comment()), statements: rule.statements() };
        chain.rules.insert(0, new);
    }
}

fn remove(observed: &mut Observed, rule: &NarrowRule) {
    let Some(handle) = rule.handle(observed) else { return };
    let Some(table) = observed.tables.get_mut(&format!("{} {}", rule.family, rule.table)) else { return };
    if let Some(chain) = table.chains.iter_mut().find(|chain| chain.name == rule.chain) {
        chain.rules.retain(|there| there.handle != handle);
    }
}
