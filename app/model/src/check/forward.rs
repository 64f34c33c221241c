//! Port forwards: one gateway for each port, and a member behind it.

use std::collections::BTreeMap;

use crate::{
    Cluster, Observed,
    cluster::{Forward, Gateway, Protocol},
    gateway::members,
    note::{Note, Sentence, Severity, Subject},
    plan::guard::SSH,
    resolve,
};

use super::note;

/// Who is asked at a port: a guest, or the host (`None`).
type Asked<'a> = (Option<&'a str>, Protocol, u16);

pub fn check(observed: &Observed, committed: &Cluster, draft: &Cluster, notes: &mut Vec<Note>) {
    let mut taken: BTreeMap<Asked<'_>, &str> = BTreeMap::new();
    for gateway in &draft.gateways {
        let bridge: &str = &gateway.bridge;
        let mut say = |severity: Severity, code: &str, text: Sentence| {
            let field = Some(format!("gateway.{bridge}.forward"));
            notes.push(note(severity, Subject::Gateway(bridge.to_owned()), code, text, field));
        };
        let hidden = resolve::hiding_link(observed, gateway).is_some();
        for forward in &gateway.forwards {
            let (protocol, port) = (forward.protocol, forward.port);
            let holders = [gateway.guest.as_deref(), None].into_iter().take(if hidden { 2 } else { 1 });
            let twice = holders.filter_map(|holder| Some((holder, taken.insert((holder, protocol, port), bridge)?)));
            if let Some((holder, other)) = twice.collect::<Vec<_>>().first() {
                let holder_zh = holder.map_or_else(|| "主机".to_owned(), |guest| format!(" {guest} "));
                let text = Sentence::new(
                    format!(
                        "On {}, the {protocol} port {port} is forwarded twice, for {other} and for {bridge}: it can lead to one member only.",
                        holder.unwrap_or("the host")
                    ),
                    format!(
                        "{protocol} 端口 {port} 在{holder_zh}上被转发两次（{other} 和 {bridge}）：只能转发给一个成员。"
                    ),
                );
                say(Severity::Block, "duplicate-forward", text);
            }
            let by_host = hidden || gateway.guest.is_none();
            if by_host && (protocol, port) == (Protocol::Tcp, SSH) {
                let text = Sentence::new(
                    format!(
                        "The host's own SSH server is not reached any more: its port {SSH} leads to {}.",
                        forward.to
                    ),
                    format!("将无法再连接主机自己的 SSH 服务：其端口 {SSH} 会转发到 {}。", forward.to),
                );
                say(Severity::Warn, "hides-ssh", text);
            }
            target(observed, draft, gateway, forward, &mut say);
        }
        if hidden && !gateway.forwards.is_empty() && resolve::outside_address(observed, draft, gateway).is_none() {
            let (guest, outside) = (gateway.guest.as_deref().unwrap_or_default(), &gateway.outside);
            let runs = observed.domains.get(guest).is_some_and(resolve::runs);
            let old = committed.gateway(bridge) == Some(gateway);
            let text = Sentence::new(
                format!("{guest} has no address on {outside} that the host could forward to. Wait for its lease."),
                format!("{guest} 在 {outside} 上没有主机可以转发到的地址。请等待其租约。"),
            );
            say(if runs && !old { Severity::Block } else { Severity::Warn }, "no-outside-address", text);
        }
    }
}

fn target(
    observed: &Observed,
    draft: &Cluster,
    gateway: &Gateway,
    forward: &Forward,
    say: &mut dyn FnMut(Severity, &str, Sentence),
) {
    let (bridge, to) = (&gateway.bridge, forward.to);
    if forward.port == 0 || forward.to_port == Some(0) {
        let text = Sentence::new("A port is a number from 1 to 65535.", "端口应为 1 到 65535 之间的数字。");
        say(Severity::Block, "bad-port", text);
    }
    let subnets = resolve::subnets(observed, draft, gateway);
    if !subnets.iter().any(|subnet| subnet.contains(&to)) {
        let text = Sentence::new(
            format!("{to} is not in the IPv4 subnet of {bridge}: ports are forwarded to members only."),
            format!("{to} 不在 {bridge} 的 IPv4 网段内：端口只能转发给成员。"),
        );
        return say(Severity::Block, "forward-outside", text);
    }
    if resolve::gateway_address(observed, draft, gateway).is_some_and(|own| own.addr() == to) {
        let text = Sentence::new(
            format!("{to} is the gateway of {bridge} itself: name a member."),
            format!("{to} 是 {bridge} 的网关自己：请指定一个成员。"),
        );
        return say(Severity::Block, "forward-to-itself", text);
    }
    if !members(observed, draft, gateway).iter().any(|(_, address)| *address == to) {
        let text = Sentence::new(
            format!("No member of {bridge} has {to}: what is forwarded to it is not answered by way of the gateway."),
            format!("{bridge} 的成员都没有 {to}：转发到它的连接不会经网关得到应答。"),
        );
        say(Severity::Warn, "forward-to-nobody", text);
    }
}
