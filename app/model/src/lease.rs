//! Static leases of libvirt's networks: what they say, and drafts that keep an address for a guest.

use std::net::IpAddr;

use crate::{
    Cluster, Mac, Observed,
    cluster::Lease,
    observed::{DhcpHost, Network, Subnet},
};

/// What a button can do about an address that a guest has by DHCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub lease: Lease,
    /// The draft says so already.
    pub always: bool,
}

impl Lease {
    /// As libvirt has it.
    pub fn host(&self) -> DhcpHost {
        DhcpHost { mac: Some(self.mac), name: self.name.clone(), address: self.address }
    }
}

impl Subnet {
    pub fn has_dhcp(&self) -> bool {
        !self.ranges.is_empty() || !self.hosts.is_empty()
    }
}

/// The subnet in which DHCP can give this address to a MAC, with its place in the network: an IPv4 one.
pub fn serving(network: &Network, address: IpAddr) -> Option<(u32, &Subnet)> {
    let serves = |subnet: &Subnet| address.is_ipv4() && subnet.has_dhcp() && subnet.address.contains(&address);
    (0..).zip(&network.subnets).find(|(_, subnet)| serves(subnet))
}

/// The static lease that libvirt has for this MAC, with its subnet's place in the network.
pub fn held(network: &Network, mac: Mac) -> Option<(u32, &DhcpHost)> {
    let mut hosts = (0..).zip(&network.subnets).flat_map(|(n, subnet)| subnet.hosts.iter().map(move |host| (n, host)));
    hosts.find(|(_, host)| host.mac == Some(mac))
}

/// Whether both ask for the same address or the same name, for two MACs.
pub fn collide(one: &DhcpHost, other: &DhcpHost) -> bool {
    let named = |host: &DhcpHost| host.name.as_ref().map(|name| name.to_ascii_lowercase());
    one.mac != other.mac && (one.address == other.address || one.name.is_some() && named(one) == named(other))
}

/// Whether this MAC's address is to stay its own, and how the document would say so; `None` if it is no address of DHCP,
/// or somebody else's static lease.
pub fn choice(observed: &Observed, committed: &Cluster, draft: &Cluster, mac: Mac, address: IpAddr) -> Option<Choice> {
    let same = |lease: &&Lease| lease.mac == mac && lease.address == address;
    if let Some(lease) = draft.leases.iter().find(same) {
        return Some(Choice { lease: lease.clone(), always: true });
    }
    let gives = |network: &&Network| {
        let leases = network.leases.iter().any(|lease| lease.mac == Some(mac) && lease.address.addr() == address);
        leases && serving(network, address).is_some()
    };
    let network = observed.networks.values().find(gives)?;
    let name = network.name.parse().ok()?;
    let was = committed.lease(&network.name, mac);
    if was.is_none() && held(network, mac).is_some_and(|(_, host)| host.address == address) {
        return None;
    }
    let lease = was.filter(same).cloned().unwrap_or(Lease { network: name, mac, address, name: None });
    Some(Choice { lease, always: false })
}

/// With the other of the two. The static lease of that MAC on that network gives way.
#[must_use]
pub fn choose(draft: &Cluster, choice: &Choice) -> Cluster {
    let Choice { lease, always } = choice;
    let mut edited = draft.clone();
    let own = |own: &Lease| own.network == lease.network && own.mac == lease.mac;
    match edited.leases.iter_mut().find(|lease| own(lease)) {
        Some(there) if !always => *there = lease.clone(),
        Some(_) => edited.leases.retain(|lease| !own(lease)),
        None => edited.leases.extend((!always).then(|| lease.clone())),
    }
    edited
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed;

    const MAC: Mac = Mac([0x52, 0x54, 0, 0, 0, 1]);

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn observed(hosts: Vec<DhcpHost>) -> Observed {
        let range = observed::DhcpRange { start: address("10.1.0.2"), end: address("10.1.0.99") };
        let subnet = Subnet { address: "10.1.0.1/24".parse().expect("a prefix"), ranges: vec![range], hosts };
        let lease = observed::Lease {
            mac: Some(MAC),
            address: "10.1.0.7/24".parse().expect("a prefix"),
            hostname: None,
            client_id: None,
            expires: 0,
        };
        let network =
            Network { name: "inner".into(), subnets: vec![subnet], leases: vec![lease], ..Network::default() };
        Observed { networks: [("inner".into(), network)].into(), ..Observed::default() }
    }

    #[test]
    fn a_button_that_is_pressed_twice_has_changed_nothing() {
        let (observed, nothing) = (observed(Vec::new()), Cluster::default());
        let offered =
            |committed: &Cluster, draft: &Cluster| choice(&observed, committed, draft, MAC, address("10.1.0.7"));
        let first = offered(&nothing, &nothing).expect("a choice");
        let kept = choose(&nothing, &first);
        assert_eq!(kept.leases, [first.lease]);
        let second = offered(&nothing, &kept).expect("a choice");
        assert!(second.always);
        assert_eq!(choose(&kept, &second), nothing);

        // A name that was committed comes back too.
        let mut committed = kept;
        committed.leases[0].name = Some("node1".to_owned());
        let gone = choose(&committed, &offered(&committed, &committed).expect("a choice"));
        assert_eq!(gone, nothing);
        assert_eq!(choose(&gone, &offered(&committed, &gone).expect("a choice")), committed);
    }

    #[test]
    fn what_is_not_of_dhcp_or_not_ours_has_no_button() {
        let nothing = Cluster::default();
        let offered = |observed: &Observed, text: &str| choice(observed, &nothing, &nothing, MAC, address(text));
        assert_eq!(offered(&observed(Vec::new()), "10.1.0.8"), None);
        let foreign = DhcpHost { mac: Some(MAC), name: None, address: address("10.1.0.7") };
        assert_eq!(offered(&observed(vec![foreign]), "10.1.0.7"), None);
    }
}
