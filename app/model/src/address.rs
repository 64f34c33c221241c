//! Every address that is known, by subnet: who has it, and who says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;

use crate::{Cluster, Mac, Observed, resolve::is_global};

/// One subnet with its addresses, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    pub net: IpNet,
    /// The links and libvirt networks that have it.
    pub places: BTreeSet<String>,
    pub addresses: Vec<Address>,
    /// IPv4 addresses that nobody is known to have, as ranges with both ends; outside of what DHCP gives.
    pub free: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// What DHCP gives to whoever asks.
    pub ranges: Vec<(IpAddr, IpAddr)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub address: IpAddr,
    /// More than one: they are in each other's way.
    pub holders: BTreeMap<Holder, BTreeSet<Source>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A link of the host.
    Link(String),
    Nic {
        guest: String,
        mac: Mac,
    },
    /// Somebody who is no guest.
    Stranger(Mac),
    /// A name in a static lease, without a MAC.
    Name(String),
}

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The cluster document.
    Document,
    /// The host's kernel.
    Kernel,
    /// The guest itself.
    Guest,
    /// A DHCP lease.
    Lease,
    /// A static lease.
    StaticLease,
    /// The host's ARP or NDP table.
    Neighbour,
}

/// All of it. Addresses that are in no known subnet are left out.
pub fn subnets(observed: &Observed, document: &Cluster) -> Vec<Subnet> {
    let mut all = Collected::of(observed);
    all.links();
    all.networks();
    all.guests();
    all.document(document);
    all.neighbours();
    all.finish()
}

struct Collected<'a> {
    observed: &'a Observed,
    owners: BTreeMap<Mac, String>,
    places: BTreeMap<IpNet, BTreeSet<String>>,
    ranges: Vec<(IpAddr, IpAddr)>,
    holders: BTreeMap<IpAddr, BTreeMap<Holder, BTreeSet<Source>>>,
}

impl<'a> Collected<'a> {
    fn of(observed: &'a Observed) -> Self {
        let nics = observed.domains.values().flat_map(|domain| domain.nics.iter().map(move |nic| (nic.mac, domain)));
        let owners = nics.map(|(mac, domain)| (mac, domain.name.clone())).collect();
        Self { observed, owners, places: BTreeMap::new(), ranges: Vec::new(), holders: BTreeMap::new() }
    }

    fn place(&mut self, net: IpNet, name: Option<&str>) {
        if is_global(&net) && net.prefix_len() < net.max_prefix_len() {
            self.places.entry(net.trunc()).or_default().extend(name.map(str::to_owned));
        }
    }

    fn hold(&mut self, address: IpAddr, holder: Holder, source: Source) {
        self.holders.entry(address).or_default().entry(holder).or_default().insert(source);
    }

    fn by_mac(&self, mac: Mac) -> Holder {
        match self.owners.get(&mac) {
            Some(guest) => Holder::Nic { guest: guest.clone(), mac },
            None => Holder::Stranger(mac),
        }
    }

    fn links(&mut self) {
        for link in self.observed.links.values().filter(|link| !link.loopback) {
            for net in link.addresses.iter().map(|address| address.net).filter(is_global) {
                self.place(net, Some(&link.name));
                self.hold(net.addr(), Holder::Link(link.name.clone()), Source::Kernel);
            }
        }
    }

    fn networks(&mut self) {
        for network in self.observed.networks.values() {
            for subnet in &network.subnets {
                self.place(subnet.address, Some(&network.name));
                self.ranges.extend(subnet.ranges.iter().map(|range| (range.start, range.end)));
                for host in &subnet.hosts {
                    let holder = match (host.mac, &host.name) {
                        (Some(mac), _) => self.by_mac(mac),
                        (None, Some(name)) => Holder::Name(name.clone()),
                        (None, None) => continue,
                    };
                    self.hold(host.address, holder, Source::StaticLease);
                }
            }
            for lease in &network.leases {
                if let Some(mac) = lease.mac {
                    self.hold(lease.address.addr(), self.by_mac(mac), Source::Lease);
                }
            }
        }
    }

    fn guests(&mut self) {
        for (guest, facts) in &self.observed.guests {
            for interface in &facts.interfaces {
                // One inside a guest that is none of its NICs (a bridge of containers, say) is not in our networks.
                let Some(mac) = interface.mac.filter(|mac| self.owners.get(mac) == Some(guest)) else { continue };
                for net in interface.addresses.iter().copied().filter(is_global) {
                    self.place(net, None);
                    self.hold(net.addr(), Holder::Nic { guest: guest.clone(), mac }, Source::Guest);
                }
            }
        }
    }

    fn document(&mut self, document: &Cluster) {
        for bridge in &document.bridges {
            for net in &bridge.address {
                self.place(*net, Some(&bridge.name));
                self.hold(net.addr(), Holder::Link(bridge.name.to_string()), Source::Document);
            }
        }
        for nic in document.nics.iter().filter(|nic| nic.plugged) {
            for net in &nic.address {
                self.place(*net, None);
                let holder = Holder::Nic { guest: nic.guest.to_string(), mac: nic.mac };
                self.hold(net.addr(), holder, Source::Document);
            }
        }
        for lease in &document.leases {
            self.hold(lease.address, self.by_mac(lease.mac), Source::Document);
        }
    }

    fn neighbours(&mut self) {
        for neighbour in &self.observed.neighbours {
            // Whoever did not answer is not known to be there.
            if let Some(mac) = neighbour.mac.filter(|_| !matches!(neighbour.state.as_str(), "failed" | "incomplete")) {
                self.hold(neighbour.address, self.by_mac(mac), Source::Neighbour);
            }
        }
    }

    fn finish(self) -> Vec<Subnet> {
        let mut subnets: Vec<Subnet> = self
            .places
            .into_iter()
            .map(|(net, places)| Subnet { net, places, addresses: Vec::new(), free: Vec::new(), ranges: Vec::new() })
            .collect();
        for (address, holders) in self.holders {
            let within = subnets.iter_mut().filter(|subnet| subnet.net.contains(&address));
            if let Some(subnet) = within.max_by_key(|subnet| subnet.net.prefix_len()) {
                subnet.addresses.push(Address { address, holders });
            }
        }
        for subnet in &mut subnets {
            let own = self.ranges.iter().filter(|(start, _)| subnet.net.contains(start));
            subnet.ranges = own.copied().collect();
            subnet.free = free(subnet);
        }
        subnets
    }
}

fn free(subnet: &Subnet) -> Vec<(Ipv4Addr, Ipv4Addr)> {
    let IpNet::V4(net) = subnet.net else { return Vec::new() };
    let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
    if last - first < 3 {
        return Vec::new();
    }
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => Some(u32::from(address)),
        IpAddr::V6(_) => None,
    };
    let mut taken: Vec<(u32, u32)> = subnet
        .addresses
        .iter()
        .map(|address| (address.address, address.address))
        .chain(subnet.ranges.iter().copied())
        .filter_map(|(start, end)| Some((number(start)?, number(end)?)))
        .collect();
    taken.push((last, last));
    taken.sort_unstable();
    let mut free = Vec::new();
    let mut next = first + 1;
    for (start, end) in taken {
        if start > next {
            free.push((Ipv4Addr::from(next), Ipv4Addr::from(start - 1)));
        }
        next = next.max(end.saturating_add(1));
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::{DhcpRange, Domain, GuestFacts, GuestInterface, Lease, Link, Network, Nic, Subnet as Served};

    const OWN: Mac = Mac([0x52, 0x54, 0, 0, 0, 1]);
    const OTHER: Mac = Mac([0x52, 0x54, 0, 0, 0, 2]);

    fn observed() -> Observed {
        let net = |text: &str| text.parse::<IpNet>().expect("a prefix");
        let address = |text: &str| crate::observed::Address { net: net(text), scope: "global".into(), dynamic: false };
        let link =
            Link { index: 2, name: "virbr0".into(), addresses: vec![address("192.168.122.1/24")], ..Link::default() };
        let served = Served {
            address: net("192.168.122.1/24"),
            ranges: vec![DhcpRange {
                start: "192.168.122.100".parse().expect("an address"),
                end: "192.168.122.254".parse().expect("an address"),
            }],
            hosts: Vec::new(),
        };
        let lease =
            |mac, text: &str| Lease { mac: Some(mac), address: net(text), hostname: None, client_id: None, expires: 0 };
        let network = Network {
            name: "default".into(),
            subnets: vec![served],
            leases: vec![lease(OWN, "192.168.122.7/24"), lease(OTHER, "192.168.122.9/24")],
            ..Network::default()
        };
        let nic =
            Nic { mac: OWN, live: None, config: None, model: None, tap: None, alias: None, link_up: true, mtu: None };
        let domain = Domain { name: "node1".into(), nics: vec![nic], ..Domain::default() };
        let interface = GuestInterface {
            name: "eth0".into(),
            mac: Some(OWN),
            up: Some(true),
            addresses: vec![net("192.168.122.7/24"), net("fe80::1/64")],
            mtu: None,
            rp_filter: None,
            dhcp: false,
            accept_ra: None,
        };
        let facts = GuestFacts { interfaces: vec![interface], ..GuestFacts::default() };
        let mut observed = Observed::default();
        observed.links.insert(2, link);
        observed.networks.insert("default".into(), network);
        observed.domains.insert("node1".into(), domain);
        observed.guests.insert("node1".into(), facts);
        observed
    }

    #[test]
    fn one_address_from_several_sources_is_one() {
        let all = subnets(&observed(), &Cluster::default());
        assert_eq!(all.len(), 1);
        let holders: Vec<_> =
            all[0].addresses.iter().map(|one| (one.address.to_string(), one.holders.clone())).collect();
        let node1 = Holder::Nic { guest: "node1".into(), mac: OWN };
        assert_eq!(holders[0].0, "192.168.122.1");
        assert_eq!(holders[1].1, [(node1, [Source::Guest, Source::Lease].into())].into());
        assert_eq!(holders[2].1, [(Holder::Stranger(OTHER), [Source::Lease].into())].into());
    }

    #[test]
    fn free_is_what_nobody_has_and_dhcp_does_not_give() {
        let all = subnets(&observed(), &Cluster::default());
        let free: Vec<_> = all[0].free.iter().map(|(start, end)| format!("{start} {end}")).collect();
        assert_eq!(
            free,
            ["192.168.122.2 192.168.122.6", "192.168.122.8 192.168.122.8", "192.168.122.10 192.168.122.99"]
        );
    }

    #[test]
    fn two_holders_of_one_address_are_both_named() {
        let text = "[[nic]]\nguest = \"node2\"\nmac = \"52:54:00:00:00:03\"\nbridge = \"virbr0\"\naddress = \"192.168.122.7/24\"\n";
        let document: Cluster = toml::from_str(text).expect("a document");
        let all = subnets(&observed(), &document);
        let both = all[0].addresses.iter().find(|one| one.holders.len() == 2).expect("a conflict");
        assert_eq!(both.address.to_string(), "192.168.122.7");
    }
}
