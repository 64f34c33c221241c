//! What is to be set by hand inside a guest that nobody can look into: the commands, as a root shell there takes them.
//!
//! They are made of the very steps that would run inside if there were a way in. They hold until the guest's next start.

use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    Cluster, Mac, Observed,
    cluster::{Lease, Nic},
    firewall::translation,
    lease::{self, Choice, serving},
    observed::{AgentChannel, Domain, GuestFacts, GuestInterface, Network},
    plan,
    resolve::Inside,
    step::{GuestRoute, Step},
    topology::bridge_of,
};

/// For one guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHand {
    /// A text of commands for any POSIX shell with iproute2, and nft or iptables where it translates. To paste it twice does
    /// no harm.
    pub commands: String,
    /// Addresses that DHCP can give instead.
    pub leases: Vec<Leased>,
}

/// An address of a NIC that is plugged in where a libvirt network has DHCP for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    pub mac: Mac,
    pub address: IpAddr,
    pub network: String,
}

/// A NIC's name inside is not known: it is looked for by MAC. Only a NIC is a device; a bridge over it has its MAC too.
const NIC: &str = r#"nic() { for n in /sys/class/net/*; do [ -e "$n/device" ] && [ "$(cat "$n/address")" = "$1" ] && echo "${n##*/}"; done; }"#;

/// Whether there is no way into a running guest, nor will there be one in a moment.
pub fn is_shut(observed: &Observed, domain: &Domain) -> bool {
    let forbids = |facts: &GuestFacts| !facts.commands.is_empty() && !facts.commands.contains("guest-exec");
    match Inside::of(observed, domain) {
        Inside::Ready(_) | Inside::Off => false,
        Inside::NoAgent => true,
        Inside::Silent(_) => {
            domain.agent == AgentChannel::Disconnected || observed.guests.get(&domain.name).is_some_and(forbids)
        }
    }
}

/// What this document wants inside a guest, if nobody but a person can set it there; `None` if it wants nothing.
pub fn by_hand(observed: &Observed, cluster: &Cluster, guest: &str) -> Option<ByHand> {
    let domain = observed.domains.get(guest)?;
    if !is_shut(observed, domain) {
        return None;
    }
    let steps = plan::steps(&opened(observed, cluster, domain), &Cluster::default(), cluster);
    let lines: Vec<String> = steps.iter().filter(|step| step.inside() == Some(guest)).filter_map(line).collect();
    if lines.is_empty() {
        return None;
    }
    let commands = format!("{NIC}\n{}\n", lines.join("\n"));
    let own = cluster.nics.iter().filter(|nic| *nic.guest == *guest && nic.plugged);
    Some(ByHand { commands, leases: own.flat_map(|nic| leased(observed, nic)).collect() })
}

/// With the address given by DHCP instead of being set inside.
#[must_use]
pub fn by_dhcp(draft: &Cluster, leased: &Leased) -> Cluster {
    let Leased { mac, address, network } = leased.clone();
    let Ok(network) = network.parse() else { return draft.clone() };
    let lease = Lease { network, mac, address, name: None };
    let mut edited = lease::choose(draft, &Choice { lease, always: false });
    for nic in edited.nics.iter_mut().filter(|nic| nic.mac == mac) {
        nic.address.retain(|net| net.addr() != address);
    }
    edited
}

/// The same host, if that guest could be asked and nothing were set inside it.
fn opened(observed: &Observed, cluster: &Cluster, domain: &Domain) -> Observed {
    let drafted = cluster.nics.iter().filter(|nic| *nic.guest == *domain.name).map(|nic| nic.mac);
    let macs: BTreeSet<Mac> = domain.nics.iter().map(|nic| nic.mac).chain(drafted).collect();
    let interface = |mac: Mac| GuestInterface {
        name: mac.to_string(),
        mac: Some(mac),
        up: Some(false),
        addresses: Vec::new(),
        mtu: Some(0),
        rp_filter: None,
        dhcp: false,
        accept_ra: None,
    };
    let facts = GuestFacts {
        interfaces: macs.into_iter().map(interface).collect(),
        routes: Some(Vec::new()),
        ip_forward: Some(false),
        tables: Some(Vec::new()),
        programs: ["ip", "nft"].map(str::to_owned).into(),
        ..GuestFacts::default()
    };
    let mut opened = observed.clone();
    opened.guests.insert(domain.name.clone(), facts);
    if let Some(domain) = opened.domains.get_mut(&domain.name) {
        domain.agent = AgentChannel::Connected;
        domain.marks = Default::default();
    }
    opened
}

fn line(step: &Step) -> Option<String> {
    let device = |mac: Mac| format!("\"$(nic {mac})\"");
    Some(match step {
        // What is there already may stay, or gives way.
        Step::AddGuestAddress { mac, address, .. } => format!("ip addr replace {address} dev {}", device(*mac)),
        Step::AddGuestRoute { route, .. } => {
            let GuestRoute { mac, via, metric, .. } = route;
            let metric = if *metric == 0 { String::new() } else { format!(" metric {metric}") };
            format!("ip route replace {} via {via} dev {}{metric}", route.to_word(), device(*mac))
        }
        Step::ReplaceGuestTable { translations, .. } => format!(
            "if command -v nft >/dev/null; then\n{}\nelse\n{}\nfi",
            step.line(None, &device),
            translation::iptables_lines(translations)
        ),
        Step::SetGuestLinkUp { .. } | Step::SetGuestMtu { .. } | Step::SetGuestForwarding { .. } => {
            step.line(None, &device)
        }
        _ => return None,
    })
}

fn leased(observed: &Observed, nic: &Nic) -> Vec<Leased> {
    let bridge = nic.attachment().and_then(|attachment| bridge_of(observed, &attachment));
    let there = |network: &&Network| {
        nic.network.as_deref() == Some(&network.name) || bridge.is_some() && network.bridge == bridge
    };
    let Some(network) = observed.networks.values().find(there) else { return Vec::new() };
    let given = nic.address.iter().map(|net| net.addr()).filter(|address| serving(network, *address).is_some());
    given.map(|address| Leased { mac: nic.mac, address, network: network.name.clone() }).collect()
}
