//! What a document's names mean on a host: which NIC, which address, which link.
//!
//! Wherever the document says something it wins; what it leaves open is taken from what was observed.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{
    Cluster, Mac,
    cluster::{Gateway, Nic},
    gather,
    observed::{AgentChannel, Attachment, Domain, DomainState, GuestFacts, NicMark, Observed, WayKind},
    topology::{MAIN, bridge_of},
};

impl Nic {
    /// Where it is to be plugged in.
    pub fn attachment(&self) -> Option<Attachment> {
        match (&self.bridge, &self.network) {
            (Some(bridge), None) => Some(Attachment::Bridge { bridge: bridge.to_string() }),
            (None, Some(network)) => Some(Attachment::Network { network: network.to_string() }),
            _ => None,
        }
    }
}

/// What can be had of a guest's inside.
#[derive(Debug, Clone, Copy)]
pub enum Inside<'a> {
    Ready(&'a GuestFacts),
    Off,
    /// The domain has no channel for an agent.
    NoAgent,
    /// Why there is no answer.
    Silent(&'a str),
}

impl<'a> Inside<'a> {
    pub fn of(observed: &'a Observed, domain: &Domain) -> Self {
        if !runs(domain) {
            return Self::Off;
        }
        let facts = observed.guests.get(&domain.name);
        let elsewhere = || facts.and_then(GuestFacts::way).is_some_and(|way| way != WayKind::Agent);
        if domain.agent == AgentChannel::Missing && !elsewhere() {
            return Self::NoAgent;
        }
        match facts {
            None => Self::Silent("its agent has not answered yet"),
            Some(facts) if !facts.runs_programs() || facts.routes.is_none() || facts.ip_forward.is_none() => {
                Self::Silent(facts.trouble.as_deref().unwrap_or("its agent may not run commands (guest-exec is off)"))
            }
            Some(facts) => Self::Ready(facts),
        }
    }

    pub fn facts(self) -> Option<&'a GuestFacts> {
        match self {
            Self::Ready(facts) => Some(facts),
            _ => None,
        }
    }
}

/// Whether the machine exists right now, so that devices can be plugged into it.
pub fn runs(domain: &Domain) -> bool {
    matches!(domain.state, DomainState::Running | DomainState::Paused)
}

/// Whether an attachment leads to `place`: a libvirt network, a bridge or a host link of that name.
pub fn leads_to(observed: &Observed, attachment: &Attachment, place: &str) -> bool {
    match attachment {
        Attachment::Network { network } if network == place => true,
        Attachment::Direct { dev, .. } => dev == place,
        other => bridge_of(observed, other).as_deref() == Some(place),
    }
}

/// The NICs of a guest as the document leaves them: plugged in, with where. What it does not name is given back: a NIC
/// that Bridgehead made goes, and one that it changed is where it was found.
pub fn nics<'a>(
    observed: &'a Observed,
    cluster: &'a Cluster,
    guest: &'a str,
) -> impl Iterator<Item = (Mac, Attachment)> + 'a {
    let wanted = cluster
        .nics
        .iter()
        .filter(move |nic| &*nic.guest == guest && nic.plugged)
        .filter_map(|nic| Some((nic.mac, nic.attachment()?)));
    let domain = observed.domains.get(guest);
    let home = move |mac: Mac| match domain.and_then(|domain| domain.marks.nics.get(&mac)) {
        Some(NicMark::Found { attachment, .. }) => Some(attachment.clone()),
        _ => None,
    };
    let there = domain
        .into_iter()
        .flat_map(|domain| &domain.nics)
        .filter(move |nic| domain.is_some_and(|domain| domain.marks.nics.get(&nic.mac) != Some(&NicMark::Made)))
        .filter_map(move |nic| Some((nic.mac, home(nic.mac).or_else(|| nic.attachment().cloned())?)));
    let out = domain
        .into_iter()
        .flat_map(|domain| domain.marks.nics.keys().map(move |mac| (domain, *mac)))
        .filter(|(domain, mac)| !domain.nics.iter().any(|nic| nic.mac == *mac))
        .filter_map(move |(_, mac)| Some((mac, home(mac)?)));
    let there = there.chain(out).filter(|(mac, _)| cluster.nic(*mac).is_none());
    wanted.chain(there)
}

/// The guest's NIC at `place`.
pub fn nic_at(observed: &Observed, cluster: &Cluster, guest: &str, place: &str) -> Option<Mac> {
    nics(observed, cluster, guest).find(|(_, attachment)| leads_to(observed, attachment, place)).map(|(mac, _)| mac)
}

/// A NIC's addresses: the document's, else what the guest says, else what it had when it was taken out, else its leases.
pub fn addresses(observed: &Observed, cluster: &Cluster, guest: &str, mac: Mac) -> Vec<IpNet> {
    if let Some(nic) = cluster.nic(mac).filter(|nic| !nic.address.is_empty()) {
        return nic.address.clone();
    }
    let own = observed.guests.get(guest).and_then(|facts| facts.interface(mac)).map(|found| found.addresses.clone());
    if let Some(own) = own.filter(|own| own.iter().any(is_global)) {
        return own.into_iter().filter(is_global).collect();
    }
    if let Some(NicMark::Found { addresses, .. }) =
        observed.domains.get(guest).and_then(|domain| domain.marks.nics.get(&mac))
        && !addresses.is_empty()
    {
        return addresses.clone();
    }
    let leases = observed.networks.values().flat_map(|network| &network.leases);
    leases.filter(|lease| lease.mac == Some(mac)).map(|lease| lease.address).collect()
}

/// Neither link-local nor loopback.
pub fn is_global(net: &IpNet) -> bool {
    match net.addr() {
        IpAddr::V4(address) => !address.is_link_local() && !address.is_loopback(),
        IpAddr::V6(address) => !address.is_unicast_link_local() && !address.is_loopback(),
    }
}

/// What the bridge's members call the gateway: its IPv4 address on the bridge.
pub fn gateway_address(observed: &Observed, cluster: &Cluster, gateway: &Gateway) -> Option<IpNet> {
    let bridge: &str = &gateway.bridge;
    match &gateway.guest {
        Some(guest) => {
            let mac = nic_at(observed, cluster, guest, bridge)?;
            addresses(observed, cluster, guest, mac).into_iter().find(|net| net.addr().is_ipv4())
        }
        None => bridge_addresses(observed, cluster, bridge).into_iter().find(|net| net.addr().is_ipv4()),
    }
}

/// The host's addresses on a bridge.
pub fn bridge_addresses(observed: &Observed, cluster: &Cluster, bridge: &str) -> Vec<IpNet> {
    if let Some(wanted) = cluster.bridge(bridge) {
        return wanted.address.clone();
    }
    let link = observed.link(bridge).into_iter().flat_map(|link| &link.addresses);
    link.map(|address| address.net).filter(is_global).collect()
}

/// The IPv4 subnets that a gateway serves: those of the bridge, else the one of its own address there.
pub fn subnets(observed: &Observed, cluster: &Cluster, gateway: &Gateway) -> Vec<IpNet> {
    let mut subnets: Vec<IpNet> = bridge_addresses(observed, cluster, &gateway.bridge)
        .into_iter()
        .filter(|net| net.addr().is_ipv4())
        .map(|net| net.trunc())
        .collect();
    if subnets.is_empty() {
        subnets.extend(gateway_address(observed, cluster, gateway).map(|net| net.trunc()));
    }
    subnets.sort();
    subnets.dedup();
    subnets
}

/// The IPv4 address that the gateway has outside.
pub fn outside_address(observed: &Observed, cluster: &Cluster, gateway: &Gateway) -> Option<IpAddr> {
    let four = |nets: Vec<IpNet>| nets.into_iter().map(|net| net.addr()).find(IpAddr::is_ipv4);
    match &gateway.guest {
        Some(guest) => {
            let mac = nic_at(observed, cluster, guest, &gateway.outside)?;
            four(addresses(observed, cluster, guest, mac))
        }
        None => {
            let link = outside_link(observed, gateway)?;
            four(bridge_addresses(observed, cluster, &link))
        }
    }
}

/// The host link that a host gateway leaves by.
pub fn outside_link(observed: &Observed, gateway: &Gateway) -> Option<String> {
    let name: &str = &gateway.outside;
    if let Some(network) = observed.networks.get(name) {
        return network.bridge.clone();
    }
    observed.link(name).map(|link| link.name.clone())
}

/// The link of the host's own default route.
pub fn way_out(observed: &Observed) -> Option<&str> {
    let mut ways: Vec<_> = observed.routes.iter().filter(|route| route.table == MAIN && route.is_default()).collect();
    gather::sort_by_key(&mut ways, |route| route.metric);
    ways.into_iter().find_map(|route| observed.links.get(&route.link?)).map(|link| link.name.as_str())
}

/// The host link behind which a guest gateway is hidden, if the host translates for the network that it leaves by.
pub fn hiding_link(observed: &Observed, gateway: &Gateway) -> Option<String> {
    gateway.guest.as_ref()?;
    let name: &str = &gateway.outside;
    let mut networks = observed.networks.values();
    let network = networks.find(|network| network.name == name || network.bridge.as_deref() == Some(name))?;
    network.bridge.clone().filter(|_| network.forward.as_deref() == Some("nat"))
}

/// What a traceroute from a member must reach: as the document says, else the host's own next hop.
pub fn probe(observed: &Observed, gateway: &Gateway) -> Option<IpAddr> {
    gateway.probe.or_else(|| {
        let mut ways: Vec<_> =
            observed.routes.iter().filter(|route| route.table == MAIN && route.is_default()).collect();
        gather::sort_by_key(&mut ways, |route| route.metric);
        ways.into_iter().filter_map(|route| route.gateway).find(IpAddr::is_ipv4)
    })
}
