//! Gateways: who routes, from where to where, for whom.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Cluster, Observed,
    cluster::{Gateway, Translation},
    note::{Note, Sentence, Severity, Subject},
    plan::gateway::tool,
    resolve::{self, Inside},
};

use super::note;

pub fn check(observed: &Observed, committed: &Cluster, draft: &Cluster, notes: &mut Vec<Note>) {
    let mut seen = BTreeSet::new();
    let mut routed: BTreeMap<&str, &str> = BTreeMap::new();
    for gateway in &draft.gateways {
        let bridge: &str = &gateway.bridge;
        let old = committed.gateway(bridge) == Some(gateway);
        let mut say = |severity: Severity, code: &str, field: &str, text: Sentence| {
            let field = Some(format!("gateway.{bridge}.{field}"));
            notes.push(note(severity, Subject::Gateway(bridge.to_owned()), code, text, field));
        };
        if !seen.insert(bridge) {
            let text = Sentence::new(format!("{bridge} has two gateways."), format!("{bridge} 有两个网关。"));
            say(Severity::Block, "duplicate", "bridge", text);
            continue;
        }
        if draft.bridge(bridge).is_none() && !observed.link(bridge).is_some_and(|link| link.is_bridge()) {
            let text = Sentence::new(format!("There is no bridge {bridge}."), format!("没有网桥 {bridge}。"));
            say(Severity::Block, "unknown-bridge", "bridge", text);
        }
        match (&gateway.guest, gateway.host) {
            (Some(_), true) => {
                let text =
                    Sentence::new("A guest or the host is the gateway, not both.", "网关只能是虚拟机或主机之一。");
                say(Severity::Block, "two-gateways", "guest", text);
            }
            (None, false) => {
                let text = Sentence::new(
                    "A gateway is needed: guest = \"…\" or host = true.",
                    "需要指定网关：guest = \"…\" 或 host = true。",
                );
                say(Severity::Block, "no-gateway", "guest", text);
            }
            (Some(guest), false) => by_guest(observed, draft, gateway, guest, old, &mut say),
            (None, true) => by_host(observed, draft, gateway, &mut say),
        }
        if !gateway.members.is_empty() && resolve::probe(observed, gateway).is_none() {
            let text = Sentence::new(
                format!(
                    "The host has no default gateway, so nothing proves that {bridge} reaches outside: name a probe."
                ),
                format!("主机没有默认网关，无法验证 {bridge} 能否到达外部：请指定 probe。"),
            );
            say(Severity::Tell, "no-probe", "probe", text);
        }
        for member in &gateway.members {
            if let Some(other) = routed.insert(member, bridge) {
                let text = Sentence::new(
                    format!("{member} can have one default route only: it is a member on {other} and on {bridge}."),
                    format!("{member} 只能有一条默认路由：它同时是 {other} 和 {bridge} 的成员。"),
                );
                say(Severity::Block, "two-routes", "members", text);
            }
            of_member(observed, draft, gateway, member, &mut say);
        }
    }
}

type Say<'a> = dyn FnMut(Severity, &str, &str, Sentence) + 'a;

fn by_guest(observed: &Observed, draft: &Cluster, gateway: &Gateway, guest: &str, old: bool, say: &mut Say<'_>) {
    let (bridge, outside) = (&gateway.bridge, &gateway.outside);
    let Some(domain) = observed.domains.get(guest) else {
        let text = Sentence::new(format!("There is no guest {guest}."), format!("没有名为 {guest} 的虚拟机。"));
        return say(Severity::Block, "unknown-guest", "guest", text);
    };
    if **bridge == **outside {
        let text = Sentence::new(
            format!("The gateway of {bridge} must leave by something else than {bridge}."),
            format!("{bridge} 的网关不能从 {bridge} 自己出去。"),
        );
        return say(Severity::Block, "same-side", "outside", text);
    }
    if resolve::nic_at(observed, draft, guest, bridge).is_none() {
        let text = Sentence::new(
            format!("{guest} has no NIC on {bridge}; add a [[nic]] entry."),
            format!("{guest} 在 {bridge} 上没有网卡；请添加 [[nic]] 条目。"),
        );
        say(Severity::Block, "gateway-without-nic", "guest", text);
    } else if resolve::gateway_address(observed, draft, gateway).is_none() {
        let text = Sentence::new(
            format!("{guest} has no IPv4 address on {bridge}: its members could not name it as their gateway."),
            format!("{guest} 在 {bridge} 上没有 IPv4 地址：成员无法把它设为网关。"),
        );
        say(Severity::Block, "gateway-without-address", "guest", text);
    }
    if resolve::nic_at(observed, draft, guest, outside).is_none() {
        let text = Sentence::new(
            format!("{guest} has no NIC on {outside}: it has no way out."),
            format!("{guest} 在 {outside} 上没有网卡：没有出口。"),
        );
        say(Severity::Block, "gateway-without-outside", "outside", text);
    } else if gateway.translation == Translation::Snat
        && resolve::runs(domain)
        && resolve::outside_address(observed, draft, gateway).is_none()
    {
        let severity = if old { Severity::Warn } else { Severity::Block };
        let text = Sentence::new(
            format!(
                "{guest} has no address on {outside} to translate to. Wait for its lease, or use translation = \
                 \"masquerade\"."
            ),
            format!("{guest} 在 {outside} 上没有可用于转换的地址。请等待其租约，或改用 translation = \"masquerade\"。"),
        );
        say(severity, "no-outside-address", "translation", text);
    }
    if let Inside::Ready(facts) = Inside::of(observed, domain)
        && tool(facts).is_none()
    {
        let text = Sentence::new(
            format!("{guest} has neither nft nor iptables: install nftables inside it."),
            format!("{guest} 内既没有 nft 也没有 iptables：请在其中安装 nftables。"),
        );
        say(Severity::Block, "no-tool", "guest", text);
    }
    if resolve::subnets(observed, draft, gateway).is_empty() {
        let text = Sentence::new(
            format!("{bridge} has no IPv4 subnet: there is nothing to translate."),
            format!("{bridge} 没有 IPv4 网段：没有可转换的地址。"),
        );
        say(Severity::Block, "no-subnet", "bridge", text);
    }
}

fn by_host(observed: &Observed, draft: &Cluster, gateway: &Gateway, say: &mut Say<'_>) {
    let (bridge, outside) = (&gateway.bridge, &gateway.outside);
    if **bridge == **outside {
        let text = Sentence::new(
            format!("The gateway of {bridge} must leave by something else than {bridge}."),
            format!("{bridge} 的网关不能从 {bridge} 自己出去。"),
        );
        return say(Severity::Block, "same-side", "outside", text);
    }
    if resolve::outside_link(observed, gateway).is_none() {
        let text = Sentence::new(
            format!("The host has no link or libvirt network {outside}."),
            format!("主机上没有名为 {outside} 的接口或 libvirt 网络。"),
        );
        say(Severity::Block, "unknown-outside", "outside", text);
    } else if gateway.translation == Translation::Snat && resolve::outside_address(observed, draft, gateway).is_none() {
        let text = Sentence::new(
            format!("The host has no IPv4 address on {outside} to translate to; use translation = \"masquerade\"."),
            format!("主机在 {outside} 上没有可用于转换的 IPv4 地址；可改用 translation = \"masquerade\"。"),
        );
        say(Severity::Block, "no-outside-address", "translation", text);
    }
    if resolve::gateway_address(observed, draft, gateway).is_none() {
        let text = Sentence::new(
            format!("The host has no IPv4 address on {bridge}: its members could not name it as their gateway."),
            format!("主机在 {bridge} 上没有 IPv4 地址：成员无法把它设为网关。"),
        );
        say(Severity::Block, "gateway-without-address", "host", text);
    }
}

fn of_member(observed: &Observed, draft: &Cluster, gateway: &Gateway, member: &str, say: &mut Say<'_>) {
    let bridge = &gateway.bridge;
    if !observed.domains.contains_key(member) {
        let text = Sentence::new(format!("There is no guest {member}."), format!("没有名为 {member} 的虚拟机。"));
        return say(Severity::Block, "unknown-guest", "members", text);
    }
    if gateway.guest.as_deref() == Some(member) {
        let text = Sentence::new(
            format!("{member} cannot be a member of its own gateway."),
            format!("{member} 不能是自己的网关成员。"),
        );
        return say(Severity::Block, "own-member", "members", text);
    }
    let Some(mac) = resolve::nic_at(observed, draft, member, bridge) else {
        let text = Sentence::new(
            format!("{member} has no NIC on {bridge}; add a [[nic]] entry."),
            format!("{member} 在 {bridge} 上没有网卡；请添加 [[nic]] 条目。"),
        );
        return say(Severity::Block, "member-without-nic", "members", text);
    };
    let via = resolve::gateway_address(observed, draft, gateway);
    let own = resolve::addresses(observed, draft, member, mac);
    if let Some(via) = via
        && !own.iter().any(|net| net.contains(&via.addr()))
    {
        let text = Sentence::new(
            format!("{member} has no address on {bridge} from which {} can be reached.", via.addr()),
            format!("{member} 在 {bridge} 上没有能到达 {} 的地址。", via.addr()),
        );
        say(Severity::Block, "member-without-address", "members", text);
    }
    if draft.nics.iter().any(|nic| &*nic.guest == member && nic.default_route.is_some()) {
        let text = Sentence::new(
            format!("A [[nic]] entry of {member} has a default_route, and the gateway of {bridge} would set another."),
            format!("{member} 的某个 [[nic]] 条目已有 default_route，而 {bridge} 的网关会另设一条。"),
        );
        say(Severity::Block, "two-routes", "members", text);
    }
}
