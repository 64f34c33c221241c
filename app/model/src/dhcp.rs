//! Bridges on which addresses are given: what a document asks of libvirt for them.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::{IpNet, Ipv4Net};

use crate::{
    Cluster, Observed,
    cluster::{Bridge, Dhcp, Range},
    lease::collide,
    observed::{DhcpHost, DhcpRange, Network},
    resolve,
    step::{
        ServedNetwork,
        dhcp::{router, with_router},
    },
};

/// The most that libvirt takes for a range (virSocketAddrGetRange): 65536 addresses.
pub const LARGEST: u32 = 1 << 16;

impl Range {
    pub fn contains(&self, address: IpAddr) -> bool {
        matches!(address, IpAddr::V4(address) if (self.start..=self.end).contains(&address))
    }

    /// As libvirt has it.
    pub fn range(&self) -> DhcpRange {
        DhcpRange { start: self.start.into(), end: self.end.into() }
    }
}

impl Network {
    /// Whom its guests are told to go by, by an option of ours.
    pub fn router(&self) -> Option<IpAddr> {
        router(&self.options)
    }
}

/// The upper half of a subnet, or of its first 65536 addresses; `None` where there is no room for guests.
pub fn suggest(address: IpNet) -> Option<Range> {
    let IpNet::V4(net) = address else { return None };
    let size = 1u32.checked_shl(32 - u32::from(net.prefix_len())).unwrap_or(u32::MAX).min(LARGEST);
    if size < 8 {
        return None;
    }
    let at = |n: u32| u32::from(net.network()).checked_add(n).map(Ipv4Addr::from);
    let range = Range { start: at(size / 2)?, end: at(size - 2)? };
    let own = u32::from(net.addr());
    Some(match range.contains(address.addr()) {
        false => range,
        true if net.addr() == range.start => Range { start: own.checked_add(1)?.into(), ..range },
        true => Range { end: own.checked_sub(1)?.into(), ..range },
    })
}

/// The bridge's own address in the subnet of its range.
pub fn address(bridge: &Bridge) -> Option<Ipv4Net> {
    let range = bridge.dhcp.as_ref()?.range;
    let mut own = bridge.address.iter().filter_map(|net| match net {
        IpNet::V4(net) => Some(*net),
        IpNet::V6(_) => None,
    });
    own.find(|net| net.contains(&range.start))
}

/// Whom guests on it are told to go by: as the document says, else the bridge's gateway. While that one's address is not
/// known, it is whoever it was.
pub fn way_out(observed: &Observed, draft: &Cluster, bridge: &Bridge) -> Option<IpAddr> {
    if let Some(router) = bridge.dhcp.as_ref()?.router {
        return Some(router.into());
    }
    let gateway = draft.gateway(&bridge.name)?;
    let own = resolve::gateway_address(observed, draft, gateway).map(|net| net.addr());
    let subnet = IpNet::V4(address(bridge)?);
    let was = || observed.served(&bridge.name).and_then(Network::router);
    own.filter(|own| subnet.contains(own)).or_else(was)
}

/// The network by which libvirt is to make this bridge; `None` if nobody gives addresses on it, or it makes no sense.
pub fn wanted(observed: &Observed, committed: &Cluster, draft: &Cluster, bridge: &Bridge) -> Option<ServedNetwork> {
    let dhcp = bridge.dhcp.as_ref()?;
    let there = observed.served(&bridge.name);
    let own: IpNet = address(bridge)?.into();
    let options = there.map(|network| network.options.as_slice()).unwrap_or_default();
    Some(ServedNetwork {
        name: bridge.name.to_string(),
        // Guests keep what they know of the host.
        mac: observed.link(&bridge.name).filter(|link| observed.is_ours(link)).and_then(|link| link.mac),
        address: own,
        ranges: vec![dhcp.range.range()],
        hosts: hosts(there, committed, draft, &bridge.name, own),
        options: with_router(options, way_out(observed, draft, bridge)),
        autostart: true,
    })
}

/// The document's static leases, and those that somebody else has made there.
fn hosts(there: Option<&Network>, committed: &Cluster, draft: &Cluster, name: &str, own: IpNet) -> Vec<DhcpHost> {
    let leases = draft.leases.iter().filter(|lease| &*lease.network == name && own.contains(&lease.address));
    let mut hosts: Vec<DhcpHost> = leases.map(|lease| lease.host()).collect();
    let named = |host: &DhcpHost| {
        let said = |cluster: &Cluster| host.mac.is_some_and(|mac| cluster.lease(name, mac).is_some());
        said(committed) || said(draft)
    };
    for host in there.into_iter().flat_map(|network| &network.subnets).flat_map(|subnet| &subnet.hosts) {
        if !named(host) && own.contains(&host.address) && !hosts.iter().any(|other| collide(other, host)) {
            hosts.push(host.clone());
        }
    }
    hosts
}

/// What a network of ours gives that no document names any more.
pub fn adopted(observed: &Observed, name: &str) -> Option<Dhcp> {
    let network = observed.served(name)?;
    let range = network.subnets.first()?.ranges.first()?;
    let (IpAddr::V4(start), IpAddr::V4(end)) = (range.start, range.end) else { return None };
    let router = network.router().and_then(|router| match router {
        IpAddr::V4(router) => Some(router),
        IpAddr::V6(_) => None,
    });
    Some(Dhcp { range: Range { start, end }, router })
}

/// The libvirt network of this name as the draft leaves it.
pub fn network<'a>(
    observed: &'a Observed,
    committed: &Cluster,
    draft: &Cluster,
    name: &str,
) -> Option<Cow<'a, Network>> {
    let there = observed.networks.get(name);
    let Some(bridge) = draft.bridge(name).filter(|bridge| bridge.dhcp.is_some()) else {
        // What served a bridge that is no longer served goes.
        let goes =
            |network: &&Network| network.ours && (committed.bridge(name).is_some() || draft.bridge(name).is_some());
        return there.filter(|network| !goes(network)).map(Cow::Borrowed);
    };
    let mut network = wanted(observed, committed, draft, bridge)?.network();
    if let Some(there) = there {
        (network.active, network.leases) = (there.active, there.leases.clone());
    }
    // Its static leases are as they are: the document's are still to come.
    if let (Some(own), Some(found)) = (network.subnets.first_mut(), there.and_then(|there| there.subnets.first())) {
        own.hosts = found.hosts.clone();
    } else if let Some(own) = network.subnets.first_mut() {
        own.hosts.clear();
    }
    Some(Cow::Owned(network))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_half_is_suggested_without_the_host() {
        let suggested = |text: &str| suggest(text.parse().expect("a prefix")).map(|range| range.to_string());
        assert_eq!(suggested("192.168.48.1/24").as_deref(), Some("192.168.48.128-192.168.48.254"));
        assert_eq!(suggested("192.168.48.254/24").as_deref(), Some("192.168.48.128-192.168.48.253"));
        assert_eq!(suggested("192.168.48.128/24").as_deref(), Some("192.168.48.129-192.168.48.254"));
        assert_eq!(suggested("10.0.0.1/8").as_deref(), Some("10.0.128.0-10.0.255.254"));
        assert_eq!(suggested("10.0.0.1/29").as_deref(), Some("10.0.0.4-10.0.0.6"));
        assert_eq!(suggested("10.0.0.1/30"), None);
        assert_eq!(suggested("10.0.0.1/0").as_deref(), Some("0.0.128.0-0.0.255.254"));
        assert_eq!(suggested("fd00::1/64"), None);
    }

    #[test]
    fn a_range_is_read_as_it_is_written() {
        let range: Range = "192.168.48.100 - 192.168.48.199".parse().expect("a range");
        assert_eq!(range.to_string(), "192.168.48.100-192.168.48.199");
        assert!(
            ["", "192.168.48.100", "a-b", "1.2.3.4-1.2.3", "fd00::1-fd00::2"]
                .iter()
                .all(|text| text.parse::<Range>().is_err())
        );
    }

    #[test]
    fn whoever_is_the_router_other_options_stay() {
        let options = ["dhcp-option=3,10.0.0.9".to_owned(), "dhcp-option=30,10.0.0.8".to_owned()];
        let silent = with_router(&options, None);
        assert_eq!(silent, ["dhcp-option=30,10.0.0.8", "dhcp-option=3"]);
        assert_eq!(router(&options), "10.0.0.9".parse().ok());
        assert_eq!(router(&silent), None);
    }
}
