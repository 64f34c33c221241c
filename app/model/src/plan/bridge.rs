//! Bridges: made, set, and taken away when nothing is plugged into them any more.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::{
    cluster::Bridge,
    note::{Note, Sentence, Severity, Subject},
    observed::{Attachment, Link},
    resolve::is_global,
    step::{NewBridge, ServedNetwork, Step},
    topology::bridge_of,
};

use super::{Phase, Planner, dhcp, uplink};

/// What a bridge has that nobody set (`ETH_DATA_LEN`, linux/if_ether.h).
pub(super) const DEFAULT_MTU: u32 = 1500;

pub(super) fn plan(planner: &mut Planner<'_>) {
    let draft = planner.draft;
    let committed = planner.committed;
    for bridge in &draft.bridges {
        if dhcp::plan(planner, bridge) {
            continue;
        }
        match planner.observed.link(&bridge.name) {
            None => make(planner, bridge),
            Some(link) if link.is_ours() && link.is_bridge() => {
                set(planner, bridge, link, committed.bridge(&bridge.name))
            }
            // Somebody else's: the check has blocked it.
            Some(_) => {}
        }
    }
    for bridge in committed.bridges.iter().filter(|bridge| draft.bridge(&bridge.name).is_none()) {
        if let Some(network) = planner.observed.served(&bridge.name) {
            dhcp::remove(planner, network);
        } else if let Some(link) = planner.observed.link(&bridge.name).filter(|link| link.is_ours() && link.is_bridge())
        {
            remove(planner, bridge, link);
        }
    }
}

fn make(planner: &mut Planner<'_>, bridge: &Bridge) {
    let link = bridge.name.to_string();
    let mac = bridge.uplink.as_deref().and_then(|uplink| planner.observed.link(uplink)?.mac);
    let new = NewBridge { name: link.clone(), mtu: bridge.mtu, stp: bridge.stp, mac };
    planner.push(Phase::Bridges, Step::CreateBridge { bridge: new });
    if bridge.uplink.is_none() {
        for address in &bridge.address {
            planner.push(Phase::Bridges, Step::AddAddress { link: link.clone(), address: *address });
        }
    }
    planner.push(Phase::Bridges, Step::SetLinkUp { link, up: true });
    uplink::take(planner, bridge);
}

pub(super) fn set(planner: &mut Planner<'_>, bridge: &Bridge, link: &Link, committed: Option<&Bridge>) {
    let name = link.name.clone();
    let given_back = committed.and_then(|bridge| bridge.mtu).map(|_| DEFAULT_MTU);
    if let Some(mtu) = bridge.mtu.or(given_back).filter(|mtu| *mtu != link.mtu) {
        planner.push(Phase::Bridges, Step::SetLinkMtu { link: name.clone(), mtu, was: link.mtu });
    }
    if link.bridge.as_ref().is_some_and(|own| own.stp != bridge.stp) {
        planner.push(Phase::Bridges, Step::SetBridgeStp { bridge: name.clone(), stp: bridge.stp });
    }
    uplink::cut(planner, bridge, link);
    // Away before new: deleting the first address of a subnet takes the later ones of it along.
    let has = |net: &IpNet| link.addresses.iter().any(|address| address.net == *net);
    let old = committed.into_iter().flat_map(|bridge| &bridge.address);
    for address in old.filter(|net| has(net) && !bridge.address.contains(net)) {
        planner.push(Phase::Bridges, Step::RemoveAddress { link: name.clone(), address: *address });
    }
    if bridge.uplink.is_none() {
        for address in bridge.address.iter().filter(|net| !has(net)) {
            planner.push(Phase::Bridges, Step::AddAddress { link: name.clone(), address: *address });
        }
    }
    if !link.up {
        planner.push(Phase::Bridges, Step::SetLinkUp { link: name, up: true });
    }
    uplink::take(planner, bridge);
}

fn remove(planner: &mut Planner<'_>, bridge: &Bridge, link: &Link) {
    let name = link.name.clone();
    let takes_over = bridge.uplink.as_deref().is_some_and(|uplink| planner.observed.link(uplink).is_some());
    if takes_over {
        uplink::give_back(planner, bridge, link);
    } else {
        for address in link.addresses.iter().filter(|address| is_global(&address.net)).rev() {
            planner.push(Phase::BridgesOff, Step::RemoveAddress { link: name.clone(), address: address.net });
        }
    }
    if link.up {
        planner.push(Phase::BridgesOff, Step::SetLinkUp { link: name.clone(), up: false });
    }
    let stp = link.bridge.as_ref().is_some_and(|bridge| bridge.stp);
    let mac = link.mac.filter(|_| takes_over);
    planner.push(Phase::BridgesOff, Step::DeleteBridge { bridge: NewBridge { name, mtu: Some(link.mtu), stp, mac } });
}

/// Nothing may still be plugged into a bridge when it goes. Asked of the host as it would be just then.
pub(super) fn still_plugged(planner: &Planner<'_>, steps: &[Step]) -> Vec<Note> {
    let mut notes = Vec::new();
    // One that is made again keeps what is plugged into it.
    let goes = |step: &Step| match step {
        Step::DeleteBridge { bridge: NewBridge { name, .. } }
        | Step::StopNetwork { network: ServedNetwork { name, .. } } => {
            planner.draft.bridge(name).is_none().then(|| name.clone())
        }
        _ => None,
    };
    if !steps.iter().any(|step| goes(step).is_some()) {
        return notes;
    }
    let mut after = planner.observed.clone();
    for step in steps {
        if let Some(name) = &goes(step) {
            let plugged = |attachment: &Option<Attachment>| {
                attachment.as_ref().is_some_and(|attachment| bridge_of(&after, attachment).as_ref() == Some(name))
            };
            let mut left: BTreeSet<String> = BTreeSet::new();
            for domain in after.domains.values() {
                let nics = domain.nics.iter().filter(|nic| plugged(&nic.live) || plugged(&nic.config));
                left.extend(nics.map(|nic| format!("{} ({})", nic.mac, domain.name)));
            }
            if let Some(index) = after.link(name).map(|link| link.index) {
                let taps: BTreeSet<&str> = after
                    .domains
                    .values()
                    .flat_map(|domain| &domain.nics)
                    .filter_map(|nic| nic.tap.as_deref())
                    .collect();
                let ports = after.links.values().filter(|port| port.master == Some(index));
                left.extend(ports.filter(|port| !taps.contains(port.name.as_str())).map(|port| port.name.clone()));
            }
            if !left.is_empty() {
                let list = left.into_iter().collect::<Vec<_>>().join(", ");
                let text = Sentence::new(
                    format!("{name} cannot be deleted while {list} is plugged into it. Move or unplug that first."),
                    format!("{list} 还接在 {name} 上，不能删除该网桥。请先移走或拔下。"),
                );
                notes.push(
                    Note::new(Severity::Block, Subject::Link(name.clone()), "bridge-in-use", text)
                        .field(format!("bridge.{name}")),
                );
            }
        }
        step.simulate(&mut after);
    }
    notes
}
