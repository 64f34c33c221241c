//! Static leases of libvirt's networks.
//!
//! No step may ask for what another static lease still has: libvirt refuses an address or a name that is there, and takes
//! a name for the entry that is meant. So what goes comes first, then what moves to where nobody is, then what is new.

use std::collections::BTreeSet;

use crate::{
    Cluster, Mac,
    lease::{collide, held, serving},
    observed::{DhcpHost, Network},
    step::Step,
};

use super::{Phase, Planner};

pub(super) fn plan(planner: &mut Planner<'_>) {
    let (committed, draft, observed) = (planner.committed, planner.draft, planner.observed);
    let leases = || committed.leases.iter().chain(&draft.leases);
    let networks: BTreeSet<&str> = leases().map(|lease| &*lease.network).collect();
    for network in networks.into_iter().filter_map(|name| observed.networks.get(name)) {
        let macs = leases().filter(|lease| *lease.network == *network.name).map(|lease| lease.mac).collect();
        // One that is defined anew has them in its definition.
        if planner.remade.contains(&network.name) {
            continue;
        }
        let live = network.active || planner.started.contains(&network.name);
        for step in steps(network, draft, &macs, live) {
            planner.push(Phase::Leases, step);
        }
    }
}

/// `macs` are those that either document names.
fn steps(network: &Network, draft: &Cluster, macs: &BTreeSet<Mac>, live: bool) -> Vec<Step> {
    let set = |subnet: u32, lease: Option<&DhcpHost>, was: Option<&DhcpHost>| Step::SetLease {
        network: network.name.clone(),
        subnet,
        lease: lease.cloned(),
        was: was.cloned(),
        live,
        config: network.persistent,
    };
    let hosts = || network.subnets.iter().flat_map(|subnet| &subnet.hosts);
    let foreign =
        |lease: &DhcpHost| hosts().any(|host| host.mac.is_none_or(|mac| !macs.contains(&mac)) && collide(lease, host));
    let (mut gone, mut moved, mut new) = (Vec::new(), Vec::new(), Vec::new());
    for &mac in macs {
        let there = held(network, mac);
        let Some(wanted) = draft.lease(&network.name, mac).map(|lease| lease.host()) else {
            gone.extend(there.map(|(subnet, was)| set(subnet, None, Some(was))));
            continue;
        };
        // What the check warns of waits until it can be.
        let Some((subnet, _)) = serving(network, wanted.address).filter(|_| !foreign(&wanted)) else { continue };
        match there {
            Some((at, was)) if (at, was) == (subnet, &wanted) => {}
            Some((at, was)) if at == subnet && !hosts().any(|host| collide(&wanted, host)) => {
                moved.push(set(subnet, Some(&wanted), Some(was)));
            }
            Some((at, was)) => {
                gone.push(set(at, None, Some(was)));
                new.push(set(subnet, Some(&wanted), None));
            }
            None => new.push(set(subnet, Some(&wanted), None)),
        }
    }
    [gone, moved, new].concat()
}
