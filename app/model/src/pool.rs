//! What is still free: subnets, addresses in them, MACs, names of bridges. Always the same answer to the same question.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::{IpNet, Ipv4Net};

use crate::{
    Cluster, Mac,
    name::LinkName,
    observed::{DhcpHost, NicMark, Observed},
};

/// The subnet that is offered first.
const FIRST: u8 = 48;

/// What a guest says of nets that are wider takes nothing from others: half a default route of a VPN, or a lie.
const WIDEST: u8 = 8;

/// Every net that is somewhere on the host, in a guest or in the document. Default routes do not count.
fn nets(observed: &Observed, cluster: &Cluster) -> Vec<IpNet> {
    let links = observed.links.values().flat_map(|link| &link.addresses).map(|address| address.net);
    let routes = observed.routes.iter().filter(|route| !route.is_default()).map(|route| route.destination);
    let networks = observed.networks.values().flat_map(|network| &network.subnets).map(|subnet| subnet.address);
    let guests = observed.guests.values().flat_map(|facts| &facts.interfaces).flat_map(|own| own.addresses.clone());
    let inner = observed.guests.values().filter_map(|facts| facts.routes.as_ref()).flatten();
    let inner = inner.map(|route| route.destination);
    let guests = guests.chain(inner).filter(|net| net.addr().is_ipv6() || net.prefix_len() >= WIDEST);
    let bridges = cluster.bridges.iter().flat_map(|bridge| bridge.address.clone());
    let nics = cluster.nics.iter().flat_map(|nic| nic.address.clone());
    links.chain(routes).chain(networks).chain(guests).chain(bridges).chain(nics).collect()
}

/// A private /24 that meets nothing else: 192.168.48.0/24 if it can be.
pub fn subnet(observed: &Observed, cluster: &Cluster) -> Option<IpNet> {
    let taken = nets(observed, cluster);
    let home = (FIRST..=254).chain(1..FIRST).map(|third| Ipv4Addr::new(192, 168, third, 0));
    let wide = (0..=255).map(|third| Ipv4Addr::new(10, FIRST, third, 0));
    home.chain(wide)
        .filter_map(|network| Ipv4Net::new(network, 24).ok().map(IpNet::V4))
        .find(|free| !taken.iter().any(|net| net.contains(free) || free.contains(net)))
}

/// The first address of a subnet, with its prefix length: what the host calls itself there.
pub fn first(subnet: IpNet) -> Option<IpNet> {
    nth(subnet, 1)
}

fn nth(subnet: IpNet, n: u32) -> Option<IpNet> {
    let IpNet::V4(net) = subnet else { return None };
    let size = 1u64 << (32 - net.prefix_len());
    if u64::from(n) + 1 >= size {
        return None;
    }
    let address = Ipv4Addr::from(u32::from(net.network()).checked_add(n)?);
    IpNet::new(IpAddr::V4(address), net.prefix_len()).ok()
}

/// The next free address for a guest: .10, .20, … as long as there are such, then any that DHCP does not give.
pub fn address(observed: &Observed, cluster: &Cluster, subnet: IpNet) -> Option<IpNet> {
    let taken = addresses(observed, cluster);
    let ranges = || cluster.bridges.iter().filter_map(|bridge| Some(bridge.dhcp.as_ref()?.range));
    let given = |net: &IpNet| ranges().any(|range| range.contains(net.addr()));
    let tens = (1..=25).map(|ten| ten * 10);
    let all = tens.chain(2..4094).filter_map(|n| nth(subnet, n));
    all.filter(|net| !given(net)).find(|free| !taken.contains(&free.addr()))
}

fn addresses(observed: &Observed, cluster: &Cluster) -> BTreeSet<IpAddr> {
    let leases = observed.networks.values().flat_map(|network| &network.leases).map(|lease| lease.address.addr());
    let neighbours = observed.neighbours.iter().filter(|seen| seen.mac.is_some()).map(|seen| seen.address);
    let fixed = hosts(observed).map(|host| host.address).chain(cluster.leases.iter().map(|lease| lease.address));
    nets(observed, cluster).into_iter().map(|net| net.addr()).chain(leases).chain(neighbours).chain(fixed).collect()
}

/// Static leases that libvirt has.
fn hosts(observed: &Observed) -> impl Iterator<Item = &DhcpHost> {
    observed.networks.values().flat_map(|network| &network.subnets).flat_map(|subnet| &subnet.hosts)
}

/// A MAC in which the address can be read, `52:54:00:48:00:10` for 192.168.48.10; with another fifth byte if it is taken.
pub fn mac(observed: &Observed, cluster: &Cluster, address: Option<IpNet>) -> Mac {
    let octets = match address.map(|net| net.addr()) {
        Some(IpAddr::V4(address)) => address.octets(),
        _ => [0; 4],
    };
    let digits = |number: u8| (number / 10 % 10) << 4 | (number % 10);
    let taken = macs(observed, cluster);
    let (third, host) = (digits(octets[2]), digits(octets[3]));
    let hundreds = octets[3] / 100;
    let in_fifth = (0..=u8::MAX).map(|step| Mac([0x52, 0x54, 0, third, hundreds.wrapping_add(step), host]));
    let in_sixth = (0..=u8::MAX).map(|step| Mac([0x52, 0x54, 1, third, hundreds, host.wrapping_add(step)]));
    let free = in_fifth.chain(in_sixth).find(|mac| !taken.contains(mac));
    free.unwrap_or(Mac([0x52, 0x54, 2, third, hundreds, host]))
}

fn macs(observed: &Observed, cluster: &Cluster) -> BTreeSet<Mac> {
    let links = observed.links.values().filter_map(|link| link.mac);
    let nics = observed.domains.values().flat_map(|domain| &domain.nics).map(|nic| nic.mac);
    let marked = observed.domains.values().flat_map(|domain| &domain.marks.nics);
    let marked = marked.filter(|(_, mark)| matches!(mark, NicMark::Found { .. })).map(|(mac, _)| *mac);
    let leases = observed.networks.values().flat_map(|network| &network.leases).filter_map(|lease| lease.mac);
    let seen = observed.neighbours.iter().filter_map(|neighbour| neighbour.mac);
    let fixed = hosts(observed).filter_map(|host| host.mac).chain(cluster.leases.iter().map(|lease| lease.mac));
    let wanted = cluster.nics.iter().map(|nic| nic.mac);
    links.chain(nics).chain(marked).chain(leases).chain(seen).chain(fixed).chain(wanted).collect()
}

/// `mybr0`, or the next one that is free.
pub fn bridge_name(observed: &Observed, cluster: &Cluster) -> Option<LinkName> {
    (0..1000)
        .map(|n| format!("mybr{n}"))
        .find(|name| observed.link(name).is_none() && cluster.bridge(name).is_none())
        .and_then(|name| name.parse().ok())
}
