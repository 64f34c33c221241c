//! Static leases of libvirt's networks.

use crate::{observed::Observed, step::Step};

/// What is observed of a network is what it does while it is active, and else its definition.
pub fn simulate(step: &Step, observed: &mut Observed) {
    let Step::SetLease { network, subnet, lease, was, live, config } = step else { return };
    let Some(network) = observed.networks.get_mut(network) else { return };
    if !if network.active { *live } else { *config && network.persistent } {
        return;
    }
    let place = usize::try_from(*subnet).ok();
    let Some(subnet) = place.and_then(|place| network.subnets.get_mut(place)) else { return };
    let Some(mac) = lease.as_ref().or(was.as_ref()).and_then(|lease| lease.mac) else { return };
    let at = subnet.hosts.iter().position(|host| host.mac == Some(mac));
    match (at, lease) {
        (Some(at), Some(lease)) => subnet.hosts[at] = lease.clone(),
        (Some(at), None) => drop(subnet.hosts.remove(at)),
        (None, Some(lease)) => subnet.hosts.push(lease.clone()),
        (None, None) => {}
    }
}
