//! NICs: names that mean nothing, MACs that cannot be, addresses out of place.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::{
    Cluster, Observed,
    cluster::Nic,
    note::{Note, Sentence, Severity, Subject},
    observed::Attachment,
    resolve,
};

use super::{bridge::not_an_address, note, setting};

pub fn check(observed: &Observed, draft: &Cluster, notes: &mut Vec<Note>) {
    let mut seen = BTreeSet::new();
    for nic in &draft.nics {
        let mac = nic.mac;
        let mut block = |code: &str, field: &str, text: Sentence| {
            let field = Some(format!("nic.{mac}.{field}"));
            notes.push(note(Severity::Block, Subject::Nic(mac.to_string()), code, text, field));
        };
        if !seen.insert(mac) {
            block("duplicate", "mac", Sentence::new(format!("{mac} is there twice."), format!("{mac} 出现了两次。")));
            continue;
        }
        identity(observed, nic, &mut block);
        place(observed, draft, nic, &mut block);
        for address in &nic.address {
            if let Some(text) = not_an_address(address) {
                block("bad-address", "address", text);
            }
        }
        route(nic, &mut block);
        setting::check(observed, nic, &mut block);
        subnet(observed, draft, nic, notes);
        notes.extend(setting::overruled(observed, nic));
        unchangeable(observed, nic, notes);
    }
    twice(observed, draft, notes);
}

fn identity(observed: &Observed, nic: &Nic, block: &mut impl FnMut(&str, &str, Sentence)) {
    let (mac, guest) = (nic.mac, &nic.guest);
    if !mac.is_unicast() {
        let text = Sentence::new(
            format!("{mac} is a multicast address; a NIC's own first byte is even, e.g. 52."),
            format!("{mac} 是组播地址；网卡 MAC 的首字节必须是偶数，例如 52。"),
        );
        block("multicast-mac", "mac", text);
    } else if mac.0[0] == 0xfe {
        let text = Sentence::new(
            format!("{mac} begins with fe, which libvirt keeps for taps."),
            format!("{mac} 以 fe 开头，libvirt 把它留给 tap 使用。"),
        );
        block("reserved-mac", "mac", text);
    }
    if !observed.domains.contains_key(&**guest) {
        let text = Sentence::new(format!("There is no guest {guest}."), format!("没有名为 {guest} 的虚拟机。"));
        block("unknown-guest", "guest", text);
    }
    let other = observed
        .domains
        .values()
        .find(|domain| domain.name != **guest && domain.nics.iter().any(|there| there.mac == mac));
    if let Some(other) = other {
        let text = Sentence::new(
            format!("{mac} is a NIC of {} already.", other.name),
            format!("{mac} 已是 {} 的网卡。", other.name),
        );
        block("mac-taken", "mac", text);
    } else if let Some(link) = observed.links.values().find(|link| link.mac == Some(mac)) {
        let text = Sentence::new(
            format!("{mac} is the address of {} of the host.", link.name),
            format!("{mac} 是主机 {} 的地址。", link.name),
        );
        block("mac-taken", "mac", text);
    }
}

fn place(observed: &Observed, draft: &Cluster, nic: &Nic, block: &mut impl FnMut(&str, &str, Sentence)) {
    match (&nic.bridge, &nic.network) {
        (Some(_), Some(_)) => block(
            "two-places",
            "bridge",
            Sentence::new(
                "A NIC is plugged into a bridge or a network, not both.",
                "网卡只能接到网桥或网络之一，不能同时接两者。",
            ),
        ),
        (None, None) if nic.plugged => {
            block("no-place", "bridge", Sentence::new("A bridge or a network is needed.", "需要指定一个网桥或网络。"))
        }
        (Some(bridge), None) => {
            let there = observed.link(bridge).is_some_and(|link| link.is_bridge());
            let kept = draft.bridge(bridge).is_some();
            if !there && !kept {
                let text = Sentence::new(
                    format!("There is no bridge {bridge}; add a [[bridge]] entry to make it."),
                    format!("没有网桥 {bridge}；可添加 [[bridge]] 条目来新建。"),
                );
                block("unknown-bridge", "bridge", text);
            }
        }
        (None, Some(network)) => match observed.networks.get(&**network) {
            None => {
                let text = Sentence::new(
                    format!("There is no libvirt network {network}."),
                    format!("没有 libvirt 网络 {network}。"),
                );
                block("unknown-network", "network", text);
            }
            Some(found) if !found.active && nic.plugged => {
                let text = Sentence::new(
                    format!("The libvirt network {network} is not started: virsh net-start {network}"),
                    format!("libvirt 网络 {network} 没有启动：virsh net-start {network}"),
                );
                block("network-off", "network", text);
            }
            Some(_) => {}
        },
        (None, None) => {}
    }
}

fn route(nic: &Nic, block: &mut impl FnMut(&str, &str, Sentence)) {
    let Some(via) = nic.default_route else { return };
    let own = nic.address.iter().any(|net| net.addr() == via);
    let reached = nic.address.is_empty() || nic.address.iter().any(|net| net.contains(&via));
    if own || via.is_unspecified() || via.is_multicast() {
        let text = Sentence::new(
            format!("{via} cannot be the next hop: it is not another machine's address."),
            format!("{via} 不能作为下一跳：它不是另一台机器的地址。"),
        );
        block("bad-next-hop", "default_route", text);
    } else if !reached {
        let text = Sentence::new(
            format!("The next hop {via} is in none of the NIC's subnets."),
            format!("下一跳 {via} 不在这块网卡的任何网段内。"),
        );
        block("bad-next-hop", "default_route", text);
    }
}

/// An address out of the bridge's subnet is odd, not wrong.
fn subnet(observed: &Observed, draft: &Cluster, nic: &Nic, notes: &mut Vec<Note>) {
    let place = match (&nic.bridge, &nic.network) {
        (Some(bridge), _) => resolve::bridge_addresses(observed, draft, bridge),
        (_, Some(network)) => {
            let subnets = observed.networks.get(&**network).into_iter().flat_map(|network| &network.subnets);
            subnets.map(|subnet| subnet.address).collect()
        }
        _ => Vec::new(),
    };
    for address in nic.address.iter().filter(|_| nic.plugged) {
        let same: Vec<_> = place.iter().filter(|net| net.addr().is_ipv4() == address.addr().is_ipv4()).collect();
        if !same.is_empty() && !same.iter().any(|net| net.contains(&address.addr())) {
            let list = same.iter().map(|net| net.trunc().to_string()).collect::<Vec<_>>().join(", ");
            let text = Sentence::new(
                format!("{address} of {} is not in {list}.", nic.guest),
                format!("{} 的 {address} 不在 {list} 内。", nic.guest),
            );
            let field = Some(format!("nic.{}.address", nic.mac));
            notes.push(note(Severity::Warn, Subject::Nic(nic.mac.to_string()), "other-subnet", text, field));
        }
    }
}

/// Kinds of attachment that Bridgehead shows and never changes.
fn unchangeable(observed: &Observed, nic: &Nic, notes: &mut Vec<Note>) {
    let there = observed.domains.get(&*nic.guest).into_iter().flat_map(|domain| &domain.nics);
    for found in there.filter(|found| found.mac == nic.mac) {
        if let Some(Attachment::Other { kind }) = found.attachment() {
            let text = Sentence::new(
                format!("{} is of type '{kind}', which Bridgehead does not change.", nic.mac),
                format!("{} 的类型为“{kind}”，Bridgehead 不会更改它。", nic.mac),
            );
            let field = Some(format!("nic.{}.bridge", nic.mac));
            notes.push(note(Severity::Block, Subject::Nic(nic.mac.to_string()), "unchangeable", text, field));
        }
    }
}

/// One address, two owners.
fn twice(observed: &Observed, draft: &Cluster, notes: &mut Vec<Note>) {
    let mut owners: BTreeMap<IpAddr, String> = BTreeMap::new();
    for bridge in &draft.bridges {
        for net in &bridge.address {
            owners.insert(net.addr(), bridge.name.to_string());
        }
    }
    for link in observed.links.values().filter(|link| draft.bridge(&link.name).is_none() && !observed.is_ours(link)) {
        for address in &link.addresses {
            owners.entry(address.net.addr()).or_insert_with(|| link.name.clone());
        }
    }
    for (guest, facts) in &observed.guests {
        for interface in &facts.interfaces {
            let named = interface.mac.is_some_and(|mac| draft.nic(mac).is_some());
            for net in interface.addresses.iter().filter(|net| !named && resolve::is_global(net)) {
                owners.entry(net.addr()).or_insert_with(|| guest.clone());
            }
        }
    }
    for nic in draft.nics.iter().filter(|nic| nic.plugged) {
        for net in &nic.address {
            let mine = format!("{} ({})", nic.guest, nic.mac);
            match owners.get(&net.addr()) {
                Some(owner) => {
                    let address = net.addr();
                    let text = Sentence::new(
                        format!("{address} of {} is the address of {owner} too.", nic.guest),
                        format!("{} 的地址 {address} 与 {owner} 的相同。", nic.guest),
                    );
                    let field = Some(format!("nic.{}.address", nic.mac));
                    let subject = Subject::Nic(nic.mac.to_string());
                    notes.push(note(Severity::Block, subject, "address-twice", text, field));
                }
                None => drop(owners.insert(net.addr(), mine)),
            }
        }
    }
}
