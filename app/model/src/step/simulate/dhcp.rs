//! Networks of ours: defined, started, and what they give.

use crate::{
    observed::{Bridge, DhcpRange, Link, Observed},
    step::ServedNetwork,
};

use super::{add_address, delete, index, next_index};

pub fn define(observed: &mut Observed, network: &ServedNetwork) {
    match observed.networks.get_mut(&network.name) {
        Some(there) => there.autostart |= network.autostart && there.ours,
        None => drop(observed.networks.insert(network.name.clone(), network.network())),
    }
}

/// What is started stays until it is stopped.
pub fn undefine(observed: &mut Observed, network: &ServedNetwork) {
    if observed.networks.get(&network.name).is_some_and(|there| there.ours && !there.active) {
        observed.networks.remove(&network.name);
    }
}

/// libvirt does not start it while there is a link of that name.
pub fn start(observed: &mut Observed, network: &ServedNetwork) {
    let name = &network.name;
    if index(observed, name).is_some() {
        return;
    }
    let Some(there) = observed.networks.get_mut(name).filter(|there| there.ours && !there.active) else { return };
    there.active = true;
    let index = next_index(observed);
    let link = Link {
        index,
        name: name.clone(),
        kind: Some("bridge".to_owned()),
        mac: network.mac,
        mtu: 1500,
        up: true,
        bridge: Some(Bridge::default()),
        ..Link::default()
    };
    observed.links.insert(index, link);
    add_address(observed, name, network.address);
}

/// Its leases stay, in dnsmasq's file, and are nobody's until it starts again.
pub fn stop(observed: &mut Observed, network: &ServedNetwork) {
    let Some(there) = observed.networks.get_mut(&network.name).filter(|there| there.ours && there.active) else {
        return;
    };
    there.active = false;
    there.leases.clear();
    delete(observed, &network.name);
}

pub fn set_ranges(observed: &mut Observed, network: &str, subnet: u32, ranges: &[DhcpRange], live: bool, config: bool) {
    let Some(network) = observed.networks.get_mut(network) else { return };
    if !if network.active { live } else { config && network.persistent } {
        return;
    }
    let place = usize::try_from(subnet).ok();
    if let Some(subnet) = place.and_then(|place| network.subnets.get_mut(place)) {
        subnet.ranges = ranges.to_vec();
    }
}
