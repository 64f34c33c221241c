//! Bridges on which addresses are given: ranges that cannot be, and whoever is in the way.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use crate::{
    Cluster, Observed,
    cluster::{Bridge, Dhcp, Range},
    dhcp::{self, LARGEST},
    note::{Note, Sentence, Severity, Subject},
    observed::{Source, SourceState},
    resolve::Inside,
    topology::owner_of,
};

use super::note;

type Said = (Severity, &'static str, &'static str, Sentence);

pub fn check(observed: &Observed, committed: &Cluster, draft: &Cluster, notes: &mut Vec<Note>) {
    for bridge in &draft.bridges {
        let name = &bridge.name;
        let was = committed.bridge(name).and_then(|bridge| bridge.dhcp.as_ref());
        let mut said = Vec::new();
        if was != bridge.dhcp.as_ref() {
            said.extend(silent(observed, bridge));
        }
        if let Some(dhcp) = &bridge.dhcp {
            said.extend(document(draft, bridge, dhcp));
            said.extend(on_host(observed, bridge));
            said.extend(members(observed, draft, bridge, dhcp));
        }
        for (severity, code, field, text) in said {
            let field = Some(format!("bridge.{name}.{field}"));
            notes.push(note(severity, Subject::Link(name.to_string()), code, text, field));
        }
    }
}

fn silent(observed: &Observed, bridge: &Bridge) -> Option<Said> {
    let answers = observed.sources.get(&Source::Libvirt) == Some(&SourceState::Answers);
    let name = &bridge.name;
    let text = Sentence::new(
        format!("libvirt does not answer, and it is libvirt that gives addresses on {name}. Start libvirtd first."),
        format!("libvirt 没有应答，而 {name} 上的地址由 libvirt 分配。请先启动 libvirtd。"),
    );
    (!answers).then_some((Severity::Block, "libvirt-silent", "dhcp", text))
}

/// What is wrong with an entry on any host.
fn document(draft: &Cluster, bridge: &Bridge, dhcp: &Dhcp) -> Vec<Said> {
    let (name, Dhcp { range, router }) = (&bridge.name, dhcp);
    let mut said = Vec::new();
    let mut block = |code, field, text| said.push((Severity::Block, code, field, text));
    if let Some(uplink) = &bridge.uplink {
        let text = Sentence::new(
            format!(
                "{name} takes over {uplink}, and the network behind that has its own way to give addresses: two DHCP \
                 servers would answer. Give addresses on a bridge without an uplink."
            ),
            format!(
                "{name} 接管了 {uplink}，其所在网络已有自己的地址分配方式，会有两个 DHCP 服务器应答。请在没有 uplink 的网桥上分配地址。"
            ),
        );
        block("dhcp-uplink", "dhcp", text);
    }
    if let Some(net) = bridge.address.iter().find(|net| net.addr().is_ipv6()) {
        let text = Sentence::new(
            format!(
                "{net} cannot be on {name}: libvirt switches IPv6 off on a bridge on which it gives IPv4 addresses alone."
            ),
            format!("{name} 上不能有 {net}：libvirt 会在只分配 IPv4 地址的网桥上关闭 IPv6。"),
        );
        block("dhcp-ipv6", "address", text);
    }
    if draft.network(name).is_some_and(|network| network.autostart.is_some()) {
        let text = Sentence::new(
            format!(
                "{name} starts with the host, since addresses are given on it: leave autostart of the network out."
            ),
            format!("{name} 上分配地址，因此总是随主机启动：请去掉该网络的 autostart。"),
        );
        block("dhcp-autostart", "dhcp", text);
    }
    let Some(net) = dhcp::address(bridge) else {
        let text = Sentence::new(
            format!(
                "{} is in no IPv4 subnet of {name}: the host needs an address beside those that it gives.",
                range.start
            ),
            format!("{} 不在 {name} 的任何 IPv4 子网内：主机需要在所分配的地址旁有一个自己的地址。", range.start),
        );
        block("range-outside", "dhcp.range", text);
        return said;
    };
    if let Some((code, text)) = wrong(bridge, range, net) {
        block(code, "dhcp.range", text);
    }
    if let Some(router) = router.filter(|router| !net.contains(router) || is_edge(net, *router)) {
        let text = Sentence::new(
            format!("{router} is no address in {}: guests on {name} could not reach it.", net.trunc()),
            format!("{router} 不是 {} 内的地址：{name} 上的虚拟机无法到达它。", net.trunc()),
        );
        block("router-outside", "dhcp.router", text);
    } else if let Some(router) = router.filter(|router| range.contains((*router).into())) {
        let text = Sentence::new(
            format!("{router} is in the range: it could be given to somebody else than the router."),
            format!("{router} 在分配范围内：它可能被分给路由器以外的虚拟机。"),
        );
        said.push((Severity::Warn, "router-in-range", "dhcp.router", text));
    }
    said
}

fn is_edge(net: Ipv4Net, address: Ipv4Addr) -> bool {
    net.prefix_len() < 31 && (address == net.network() || address == net.broadcast())
}

/// What is wrong with a range in a subnet.
fn wrong(bridge: &Bridge, range: &Range, net: Ipv4Net) -> Option<(&'static str, Sentence)> {
    let Range { start, end } = *range;
    let subnet = net.trunc();
    if start > end {
        let text = Sentence::new(format!("{start} comes after {end}."), format!("{start} 在 {end} 之后。"));
        return Some(("range-backwards", text));
    }
    if !net.contains(&end) || is_edge(net, start) || is_edge(net, end) {
        let text = Sentence::new(
            format!("{range} is not inside {subnet}, without its first and last address."),
            format!("{range} 不在 {subnet} 内（首尾地址除外）。"),
        );
        return Some(("range-outside", text));
    }
    if u32::from(end) - u32::from(start) >= LARGEST {
        let text = Sentence::new(
            format!("{range} is larger than a /16, the most that libvirt gives."),
            format!("{range} 大于 /16，超出了 libvirt 的上限。"),
        );
        return Some(("range-large", text));
    }
    let own = bridge.address.iter().map(|net| net.addr()).find(|own| range.contains(*own))?;
    let text = Sentence::new(
        format!("{own} is the host's own address on {}, and in the range.", bridge.name),
        format!("{own} 是主机在 {} 上自己的地址，却在分配范围内。", bridge.name),
    );
    Some(("range-own", text))
}

/// Whoever is in the way on this host.
fn on_host(observed: &Observed, bridge: &Bridge) -> Vec<Said> {
    let name = &bridge.name;
    let mut said = Vec::new();
    if observed.networks.get(&**name).is_some_and(|network| !network.ours) {
        let text = Sentence::new(
            format!(
                "There is a libvirt network {name} that Bridgehead did not make. Give the bridge another name, or remove \
                 the network: virsh net-destroy {name}; virsh net-undefine {name}"
            ),
            format!(
                "已有名为 {name} 的 libvirt 网络，不是 Bridgehead 建的。请给网桥另取名字，或删除该网络：virsh net-destroy {name}; virsh net-undefine {name}"
            ),
        );
        said.push((Severity::Block, "network-taken", "name", text));
    }
    let own = observed.link(name).filter(|link| observed.is_ours(link));
    let ports = observed.links.values().filter(|port| own.is_some_and(|own| port.master == Some(own.index)));
    let strange: Vec<&str> =
        ports.filter(|port| owner_of(observed, &port.name).is_none()).map(|port| port.name.as_str()).collect();
    if !strange.is_empty() {
        let list = strange.join(", ");
        let text = Sentence::new(
            format!(
                "{list} is a port of {name}: whoever is behind it gets addresses too, or gives them. Two DHCP servers in one \
                 network give whatever comes first."
            ),
            format!(
                "{list} 是 {name} 的端口：其后的机器也会得到地址，或者自己在分配地址。同一网络中有两个 DHCP 服务器时，先应答者生效。"
            ),
        );
        said.push((Severity::Warn, "two-servers", "dhcp", text));
    }
    said
}

/// NICs on it whose addresses could be given to others, or that get theirs there.
fn members(observed: &Observed, draft: &Cluster, bridge: &Bridge, dhcp: &Dhcp) -> Vec<Said> {
    let mut said = Vec::new();
    let name = &bridge.name;
    for nic in draft.nics.iter().filter(|nic| nic.plugged && nic.bridge.as_ref() == Some(name)) {
        let leased = |address: IpAddr| draft.lease(name, nic.mac).is_some_and(|lease| lease.address == address);
        let given = nic.address.iter().map(|net| net.addr()).filter(|address| dhcp.range.contains(*address));
        for address in given.filter(|address| !leased(*address)) {
            let (guest, mac) = (&nic.guest, nic.mac);
            let text = Sentence::new(
                format!(
                    "{address} of {guest} is in the range: it could be given to another. A static lease for {mac} keeps it."
                ),
                format!("{guest} 的 {address} 在分配范围内：可能会分给别的虚拟机。为 {mac} 设静态租约即可保留。"),
            );
            said.push((Severity::Warn, "address-in-range", "dhcp.range", text));
        }
        let domain = observed.domains.get(&*nic.guest);
        let shut =
            domain.is_some_and(|domain| matches!(Inside::of(observed, domain), Inside::NoAgent | Inside::Silent(_)));
        if shut && nic.is_idle_inside() {
            let guest = &nic.guest;
            let text = Sentence::new(
                format!(
                    "Nothing can be set inside {guest}, and nothing has to be: if it asks by DHCP, {name} gives it its address \
                     and its default route."
                ),
                format!("无法设置 {guest} 的内部，也无需设置：只要它使用 DHCP，{name} 就会给它地址和默认路由。"),
            );
            said.push((Severity::Tell, "dhcp-gives", "dhcp", text));
        }
    }
    said
}
