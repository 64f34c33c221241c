//! Who on a bridge answers for an address.

use std::{collections::BTreeSet, net::IpAddr};

use super::{stop::Stop, walk::Walk};
use crate::{
    Mac,
    note::Subject,
    observed::{Domain, DomainState, Link, Nic},
    topology,
};

#[derive(Debug, Clone, Copy)]
pub enum Holder<'a> {
    Host,
    /// Behind this port.
    Guest(&'a Link, &'a Domain, &'a Nic),
    /// Beyond an uplink that is a port.
    Outside(&'a Link),
}

impl<'a> Walk<'a> {
    /// Asks on a bridge by ARP or NDP. Linux answers for any address of its own, on whichever interface it is asked.
    pub fn holder(&mut self, bridge: &'a Link, from: Option<&Link>, address: IpAddr) -> Result<Holder<'a>, Stop> {
        let name = &bridge.name;
        let here = from.is_some() && self.machine(None)?.has(address);
        let ports: Vec<&'a Link> =
            self.observed.links.values().filter(|link| link.master == Some(bridge.index)).collect();
        let heard = self.heard(address);
        let mut guests = Vec::new();
        let (mut unseen, mut unknown, mut uplink) = (None, None, None);
        for port in ports {
            match self.nics.get(port.name.as_str()).copied() {
                Some((domain, _)) if domain.state != DomainState::Running => {}
                Some((domain, nic)) => match self.has(domain, nic, address, &heard) {
                    Some(true) => guests.push((port, domain, nic)),
                    Some(false) => {}
                    None => unseen = Some(domain),
                },
                None if topology::is_uplink(self.observed, port) => uplink = Some(port),
                None => unknown = Some(port),
            }
        }
        let direct = guests.iter().find(|(_, domain, nic)| self.is_on(domain, nic, address)).copied();
        let owners: BTreeSet<&str> = guests.iter().map(|(_, domain, _)| domain.name.as_str()).collect();
        if owners.len() + usize::from(here) > 1 {
            let mut all: Vec<&str> = owners.into_iter().collect();
            all.extend(here.then_some("host"));
            let all = all.join(", ");
            return Err(Stop::unknown(
                Subject::Link(name.clone()),
                format!("several on {name} have {address}: {all}"),
                format!("{name} 上有几台机器都有 {address}：{all}"),
            ));
        }
        if here {
            return Ok(Holder::Host);
        }
        if let Some((port, domain, nic)) = direct.or(guests.first().copied()) {
            return Ok(Holder::Guest(port, domain, nic));
        }
        if let Some(Domain { name: guest, .. }) = unseen {
            return Err(Stop::unknown(
                Subject::Guest(guest.clone()),
                format!("{guest} is on {name} and cannot be seen into: it may have {address}, or nobody"),
                format!("{guest} 在 {name} 上，但看不到它的内部：{address} 可能是它的，也可能没有人有"),
            ));
        }
        if let Some(port) = unknown {
            let port = &port.name;
            return Err(Stop::unknown(
                Subject::Link(port.clone()),
                format!("nobody that is known on {name} has {address}, and who is behind the port {port} is not known"),
                format!("{name} 上已知的机器都没有 {address}，而不知道端口 {port} 后面是谁"),
            ));
        }
        uplink.map(Holder::Outside).ok_or_else(|| {
            Stop::no(
                Subject::Link(name.clone()),
                format!("nobody on {name} has {address}"),
                format!("{name} 上没有人有 {address}"),
            )
        })
    }

    /// Whether a guest answers for an address on this NIC; `None` if that cannot be seen. `heard` are the MACs that others
    /// say have it.
    fn has(&self, domain: &Domain, nic: &Nic, address: IpAddr, heard: &BTreeSet<Mac>) -> Option<bool> {
        let facts = self.observed.guests.get(&domain.name);
        let told = facts.and_then(|facts| facts.interface(nic.mac));
        let (Some(facts), Some(interface)) = (facts, told) else {
            return heard.contains(&nic.mac).then_some(true);
        };
        let mut there = facts.interfaces.iter().filter(|own| own.up != Some(false) || address.is_ipv4());
        let own = there.any(|own| own.addresses.iter().any(|own| own.addr() == address));
        Some(interface.up != Some(false) && own)
    }

    /// Whoever leases and the host's neighbour table say has it.
    fn heard(&self, address: IpAddr) -> BTreeSet<Mac> {
        let leases = self.observed.networks.values().flat_map(|network| &network.leases);
        let leased = leases.filter(|lease| lease.address.addr() == address).filter_map(|lease| lease.mac);
        let neighbours = self.observed.neighbours.iter().filter(|known| known.address == address);
        leased.chain(neighbours.filter_map(|known| known.mac)).collect()
    }

    fn is_on(&self, domain: &Domain, nic: &Nic, address: IpAddr) -> bool {
        let interface = self.observed.guests.get(&domain.name).and_then(|facts| facts.interface(nic.mac));
        interface.is_none_or(|interface| interface.addresses.iter().any(|own| own.addr() == address))
    }
}
