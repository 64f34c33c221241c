//! Bridges that libvirt makes, since addresses are given on them: a network of ours of the same name.
//!
//! ```text
//! plain ── define ─► ports out ─► delete ─► start ─► ports in ─► served
//! served ─ ports out ─► stop ─► undefine ─► make ─► ports in ─► plain
//! ```
//!
//! Taps stay what they are meanwhile: guests lose some packets, and see no cable pulled.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::{
    Mac,
    cluster::Bridge,
    dhcp,
    note::{Note, Sentence, Severity, Subject},
    observed::{Link, Network, Source, SourceState},
    resolve::is_global,
    step::{HostRoute, NewBridge, ServedNetwork, Step},
};

use super::{
    Phase, Planner,
    bridge::{DEFAULT_MTU, set},
    gateway::FORWARD,
    uplink::routes,
};

/// Whether this bridge is one that libvirt makes, or made: then its steps are planned.
pub(super) fn plan(planner: &mut Planner<'_>, bridge: &Bridge) -> bool {
    let observed = planner.observed;
    let now = observed.served(&bridge.name);
    if bridge.dhcp.is_none() && now.is_none() {
        return false;
    }
    let link = observed.link(&bridge.name);
    if link.is_some_and(|link| !observed.is_ours(link) || !link.is_bridge()) {
        return true;
    }
    let wanted = dhcp::wanted(observed, planner.committed, planner.draft, bridge);
    let same = |network: &&Network| wanted.as_ref().is_some_and(|wanted| wanted.is(network));
    let started = now.filter(same).filter(|network| network.active).zip(link);
    // A start of the host is libvirt's to begin: it makes the bridge before its guests.
    let silent = observed.sources.get(&Source::Libvirt) != Some(&SourceState::Answers);
    match (started, link) {
        (Some((network, link)), _) => {
            if !silent {
                adjust(planner, bridge, network);
            }
            set(planner, bridge, link, planner.committed.bridge(&bridge.name));
        }
        _ if silent => {}
        (None, link) => rebuild(planner, bridge, now, wanted, link),
    }
    true
}

/// A bridge that goes.
pub(super) fn remove(planner: &mut Planner<'_>, network: &Network) {
    let link = planner.observed.link(&network.name);
    let Some(old) = ServedNetwork::of(network, link.and_then(|link| link.mac)) else { return };
    if let Some(link) = link.filter(|_| network.active) {
        clear(planner, Phase::BridgesOff, link, Some(old.address));
    }
    if network.active {
        planner.push(Phase::BridgesOff, Step::StopNetwork { network: old.clone() });
    }
    planner.push(Phase::BridgesOff, Step::UndefineNetwork { network: old });
    planner.remade.insert(network.name.clone());
}

/// What can be changed while the network runs.
fn adjust(planner: &mut Planner<'_>, bridge: &Bridge, network: &Network) {
    let Some(range) = bridge.dhcp.as_ref().map(|dhcp| dhcp.range.range()) else { return };
    let name = network.name.clone();
    let was = network.subnets.first().map(|subnet| subnet.ranges.clone()).unwrap_or_default();
    if was != [range.clone()] {
        let (live, config) = (network.active, network.persistent);
        let step = Step::SetDhcpRanges { network: name.clone(), subnet: 0, ranges: vec![range], was, live, config };
        planner.push(Phase::Bridges, step);
    }
    if network.persistent && !network.autostart {
        planner.push(Phase::Bridges, Step::SetNetworkAutostart { network: name, on: true });
    }
}

/// Has libvirt make it, or make it anew, or no longer.
fn rebuild(
    planner: &mut Planner<'_>,
    bridge: &Bridge,
    now: Option<&Network>,
    wanted: Option<ServedNetwork>,
    link: Option<&Link>,
) {
    let mac = link.and_then(|link| link.mac);
    let old = now.and_then(|network| ServedNetwork::of(network, mac));
    let same = now.zip(wanted.as_ref()).filter(|(network, wanted)| wanted.is(network)).map(|(network, _)| network);
    if let (None, Some(wanted)) = (now, &wanted) {
        planner.push(Phase::Bridges, Step::DefineNetwork { network: wanted.clone() });
    }
    let ports = link.map(|link| ports(planner, link)).unwrap_or_default();
    let kept = link.map(|link| routes(planner.observed, link)).unwrap_or_default();
    planner.notes.extend((!ports.is_empty()).then(|| anew(bridge)));
    take_out(planner, bridge, &ports);
    kept.iter().for_each(|route| planner.push(Phase::Bridges, Step::RemoveRoute { route: route.clone() }));
    match &old {
        Some(old) if now.is_some_and(|network| network.active) => {
            if let Some(link) = link {
                clear(planner, Phase::Bridges, link, Some(old.address));
            }
            planner.push(Phase::Bridges, Step::StopNetwork { network: old.clone() });
        }
        _ => {
            if let Some(link) = link {
                delete(planner, link);
            }
        }
    }
    match (same, &wanted) {
        (Some(network), _) => adjust(planner, bridge, network),
        (None, wanted) => {
            if let Some(old) = &old {
                planner.push(Phase::Bridges, Step::UndefineNetwork { network: old.clone() });
                planner.remade.insert(old.name.clone());
                if let Some(network) = wanted.clone() {
                    planner.push(Phase::Bridges, Step::DefineNetwork { network });
                }
            }
        }
    }
    match wanted {
        Some(wanted) => start(planner, bridge, wanted),
        None => make(planner, bridge, mac),
    }
    let reached = |route: &&HostRoute| {
        route.gateway.is_none_or(|gateway| bridge.address.iter().any(|net| net.contains(&gateway)))
    };
    kept.iter().filter(reached).for_each(|route| planner.push(Phase::Bridges, Step::AddRoute { route: route.clone() }));
    for link in ports {
        planner.push(Phase::Bridges, Step::SetMaster { link, master: Some(bridge.name.to_string()), was: None });
    }
}

fn anew(bridge: &Bridge) -> Note {
    let name = &bridge.name;
    let text = Sentence::new(
        format!(
            "{name} is made anew, and what is plugged into it plugged in again: it is silent for a moment. No guest sees a \
             cable pulled."
        ),
        format!("{name} 会重新建立，接在上面的会重新接上：其间会短暂不通，虚拟机不会看到网线被拔。"),
    );
    let note = Note::new(Severity::Tell, Subject::Link(name.to_string()), "bridge-anew", text);
    note.field(format!("bridge.{name}.dhcp"))
}

fn ports(planner: &Planner<'_>, bridge: &Link) -> BTreeSet<String> {
    let ports = planner.observed.links.values().filter(|port| port.master == Some(bridge.index));
    ports.map(|port| port.name.clone()).collect()
}

fn take_out(planner: &mut Planner<'_>, bridge: &Bridge, ports: &BTreeSet<String>) {
    for link in ports {
        let was = Some(bridge.name.to_string());
        planner.push(Phase::Bridges, Step::SetMaster { link: link.clone(), master: None, was });
    }
}

/// Makes it as it would be new: a bridge that is made again begins so.
fn clear(planner: &mut Planner<'_>, phase: Phase, link: &Link, own: Option<IpNet>) {
    let name = &link.name;
    let addresses = link.addresses.iter().map(|address| address.net).filter(is_global);
    for address in addresses.filter(|net| Some(*net) != own).collect::<Vec<_>>().into_iter().rev() {
        planner.push(phase, Step::RemoveAddress { link: name.clone(), address });
    }
    if link.mtu != DEFAULT_MTU {
        planner.push(phase, Step::SetLinkMtu { link: name.clone(), mtu: DEFAULT_MTU, was: link.mtu });
    }
    if link.bridge.as_ref().is_some_and(|bridge| bridge.stp) {
        planner.push(phase, Step::SetBridgeStp { bridge: name.clone(), stp: false });
    }
}

/// A bridge of our own, which libvirt is to make instead.
fn delete(planner: &mut Planner<'_>, link: &Link) {
    let name = link.name.clone();
    let addresses: Vec<IpNet> = link.addresses.iter().map(|address| address.net).filter(is_global).collect();
    for address in addresses.into_iter().rev() {
        planner.push(Phase::Bridges, Step::RemoveAddress { link: name.clone(), address });
    }
    if link.up {
        planner.push(Phase::Bridges, Step::SetLinkUp { link: name.clone(), up: false });
    }
    let stp = link.bridge.as_ref().is_some_and(|bridge| bridge.stp);
    let bridge = NewBridge { name, mtu: Some(link.mtu), stp, mac: link.mac };
    planner.push(Phase::Bridges, Step::DeleteBridge { bridge });
}

fn start(planner: &mut Planner<'_>, bridge: &Bridge, network: ServedNetwork) {
    let (name, own) = (network.name.clone(), network.address);
    let forwards = planner.observed.sysctls.get(FORWARD).cloned();
    if let Some(was) = forwards.filter(|value| value == "0") {
        // libvirt would, and say nothing.
        let step = Step::SetSysctl { name: FORWARD.to_owned(), value: "1".to_owned(), was };
        if !planner.steps.iter().any(|(_, planned)| *planned == step) {
            planner.push(Phase::Bridges, step);
        }
    }
    planner.started.insert(name.clone());
    planner.push(Phase::Bridges, Step::StartNetwork { network });
    if let Some(mtu) = bridge.mtu.filter(|mtu| *mtu != DEFAULT_MTU) {
        planner.push(Phase::Bridges, Step::SetLinkMtu { link: name.clone(), mtu, was: DEFAULT_MTU });
    }
    if bridge.stp {
        planner.push(Phase::Bridges, Step::SetBridgeStp { bridge: name.clone(), stp: true });
    }
    for address in bridge.address.iter().filter(|net| **net != own) {
        planner.push(Phase::Bridges, Step::AddAddress { link: name.clone(), address: *address });
    }
}

fn make(planner: &mut Planner<'_>, bridge: &Bridge, mac: Option<Mac>) {
    let link = bridge.name.to_string();
    let new = NewBridge { name: link.clone(), mtu: bridge.mtu, stp: bridge.stp, mac };
    planner.push(Phase::Bridges, Step::CreateBridge { bridge: new });
    for address in &bridge.address {
        planner.push(Phase::Bridges, Step::AddAddress { link: link.clone(), address: *address });
    }
    planner.push(Phase::Bridges, Step::SetLinkUp { link, up: true });
}
