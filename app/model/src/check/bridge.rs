//! Bridges: names that are taken, addresses that cannot be, subnets that are elsewhere already.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;

use crate::{
    Cluster, Observed,
    cluster::Bridge,
    note::{Note, Sentence, Severity, Subject},
    observed::{Network, Source, SourceState},
    topology::MAIN,
};

use super::note;

pub fn check(observed: &Observed, committed: &Cluster, draft: &Cluster, notes: &mut Vec<Note>) {
    let mut seen = BTreeSet::new();
    for bridge in &draft.bridges {
        let name = &bridge.name;
        let subject = Subject::Link(name.to_string());
        if !seen.insert(name) {
            let text = Sentence::new(format!("{name} is there twice."), format!("{name} 出现了两次。"));
            notes.push(note(Severity::Block, subject, "duplicate", text, Some(format!("bridge.{name}.name"))));
            continue;
        }
        taken(observed, bridge, notes);
        mtu(bridge, notes);
        for address in &bridge.address {
            if let Some(text) = not_an_address(address) {
                let field = Some(format!("bridge.{name}.address"));
                notes.push(note(Severity::Block, subject.clone(), "bad-address", text, field));
            }
        }
        overlaps(observed, committed, draft, bridge, notes);
    }
}

fn taken(observed: &Observed, bridge: &Bridge, notes: &mut Vec<Note>) {
    let name = &bridge.name;
    let subject = Subject::Link(name.to_string());
    let field = Some(format!("bridge.{name}.name"));
    let uses =
        |network: &&Network| network.bridge.as_deref() == Some(&**name) && observed.served(name) != Some(network);
    // While libvirt is silent, it cannot be told whose a bridge is that it makes.
    let known = observed.sources.get(&Source::Libvirt) == Some(&SourceState::Answers);
    let kept = bridge.dhcp.is_some() && !known;
    if let Some(network) = observed.networks.values().find(uses) {
        let owner = &network.name;
        let text = Sentence::new(
            format!("{name} belongs to the libvirt network {owner}. Plug NICs into that network instead."),
            format!("{name} 属于 libvirt 网络 {owner}。请把网卡接到该网络。"),
        );
        notes.push(note(Severity::Block, subject, "name-taken", text, field));
    } else if let Some(link) = observed.link(name).filter(|link| !(kept || observed.is_ours(link)) || !link.is_bridge())
    {
        let text = if link.is_bridge() {
            Sentence::new(
                format!(
                    "The host has a bridge {name} that Bridgehead did not make. NICs can be plugged into it without a \
                     [[bridge]] entry; choose another name for a new one."
                ),
                format!(
                    "主机上已有网桥 {name}，不是 Bridgehead 建的。无需 [[bridge]] 条目即可把网卡接上去；新网桥请另取名字。"
                ),
            )
        } else {
            Sentence::new(
                format!("The host has a link {name} that is not a bridge. Choose another name."),
                format!("主机上已有接口 {name}，而且不是网桥。请另取名字。"),
            )
        };
        notes.push(note(Severity::Block, subject, "name-taken", text, field));
    }
}

/// What the kernel allows: `ETH_MIN_MTU` (if_ether.h) and the largest IP packet; IPv6 needs 1280 (RFC 8200).
fn mtu(bridge: &Bridge, notes: &mut Vec<Note>) {
    let Some(mtu) = bridge.mtu else { return };
    let (name, subject) = (&bridge.name, Subject::Link(bridge.name.to_string()));
    let field = Some(format!("bridge.{name}.mtu"));
    if !(68..=65_535).contains(&mtu) {
        let text = Sentence::new(
            format!("An MTU of {mtu} is not possible: 68 to 65535."),
            format!("MTU 不能是 {mtu}：范围为 68 到 65535。"),
        );
        notes.push(note(Severity::Block, subject, "bad-mtu", text, field));
    } else if mtu < 1280 {
        let text = Sentence::new(
            format!("With an MTU of {mtu}, IPv6 does not work on {name}: it needs 1280."),
            format!("{name} 的 MTU 为 {mtu} 时 IPv6 无法工作：至少需要 1280。"),
        );
        notes.push(note(Severity::Warn, subject, "small-mtu", text, field));
    }
}

/// Why this cannot be the address of an interface.
pub fn not_an_address(net: &IpNet) -> Option<Sentence> {
    let address = net.addr();
    let wide = net.prefix_len() < net.max_prefix_len() - 1;
    if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
        return Some(Sentence::new(
            format!("{net} cannot be an interface's address."),
            format!("{net} 不能用作接口地址。"),
        ));
    }
    if wide && address == net.network() {
        return Some(Sentence::new(
            format!("{net} is the network itself; an address in it is needed, e.g. {}.", first(net)),
            format!("{net} 是网络号，需要其中的一个地址，例如 {}。", first(net)),
        ));
    }
    if wide && address.is_ipv4() && address == net.broadcast() {
        return Some(Sentence::new(
            format!("{net} is the broadcast address of its network."),
            format!("{net} 是该网络的广播地址。"),
        ));
    }
    if net.prefix_len() == 0 {
        return Some(Sentence::new(format!("{net} covers everything."), format!("{net} 覆盖了所有地址。")));
    }
    None
}

fn first(net: &IpNet) -> String {
    let address = match net.network() {
        IpAddr::V4(address) => IpAddr::V4((u32::from(address).saturating_add(1)).into()),
        IpAddr::V6(address) => IpAddr::V6((u128::from(address).saturating_add(1)).into()),
    };
    format!("{address}/{}", net.prefix_len())
}

fn meets(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// Refuses a subnet that is somewhere else: another bridge of the document, an address, a route, a libvirt network.
fn overlaps(observed: &Observed, committed: &Cluster, draft: &Cluster, bridge: &Bridge, notes: &mut Vec<Note>) {
    let name = &bridge.name;
    for (at, net) in bridge.address.iter().enumerate() {
        let whose = in_document(draft, bridge, at, net).or_else(|| on_host(observed, committed, draft, bridge, net));
        if let Some((en, zh)) = whose {
            let subnet = net.trunc();
            let text = Sentence::new(
                format!("{subnet} overlaps {en}. Choose another subnet."),
                format!("{subnet} 与{zh} 重叠。请换一个网段。"),
            );
            let field = Some(format!("bridge.{name}.address"));
            notes.push(note(Severity::Block, Subject::Link(name.to_string()), "subnet-overlaps", text, field));
        }
    }
}

type Whose = Option<(String, String)>;

fn in_document(draft: &Cluster, bridge: &Bridge, at: usize, net: &IpNet) -> Whose {
    if let Some(twin) = bridge.address.iter().take(at).find(|other| other.addr() == net.addr()) {
        return Some((format!("{twin}, which is there twice"), format!(" {twin}（出现了两次）")));
    }
    let before = draft.bridges.iter().take_while(|other| other.name != bridge.name);
    for other in before {
        if let Some(theirs) = other.address.iter().find(|theirs| meets(theirs, net)) {
            let (theirs, name) = (theirs.trunc(), &other.name);
            return Some((format!("{theirs} of {name}"), format!(" {name} 的 {theirs}")));
        }
    }
    None
}

fn on_host(observed: &Observed, committed: &Cluster, draft: &Cluster, bridge: &Bridge, net: &IpNet) -> Whose {
    // Bridges of ours that the draft renumbers or removes are as the draft says, not as they are now.
    let settled = |name: &str| {
        name == &*bridge.name
            || bridge.uplink.as_deref() == Some(name)
            || draft.bridge(name).is_some()
            || committed.bridge(name).is_some() && observed.link(name).is_some_and(|link| observed.is_ours(link))
    };
    for network in observed.networks.values().filter(|network| !(network.ours && settled(&network.name))) {
        if let Some(theirs) = network.subnets.iter().find(|subnet| meets(&subnet.address, net)) {
            let (theirs, name) = (theirs.address.trunc(), &network.name);
            return Some((
                format!("{theirs} of the libvirt network {name}"),
                format!(" libvirt 网络 {name} 的 {theirs}"),
            ));
        }
    }
    for link in observed.links.values().filter(|link| !settled(&link.name)) {
        if let Some(theirs) = link.addresses.iter().find(|theirs| meets(&theirs.net, net)) {
            let (theirs, name) = (theirs.net, &link.name);
            return Some((format!("{theirs} on {name}"), format!("主机 {name} 上的 {theirs}")));
        }
    }
    for route in observed.routes.iter().filter(|route| route.table == MAIN && !route.is_default()) {
        let link = route.link.and_then(|index| observed.links.get(&index)).map(|link| link.name.as_str());
        let theirs = route.destination;
        if meets(&theirs, net) && !link.is_some_and(settled) {
            let by = link.unwrap_or("?");
            return Some((format!("the route to {theirs} by {by}"), format!("经 {by} 到 {theirs} 的路由")));
        }
    }
    None
}
