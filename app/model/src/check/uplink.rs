//! Bridges that take over a NIC of the host: which NIC can be taken over, and what must come along.

use crate::{
    Cluster, Observed,
    cluster::Bridge,
    note::{Note, Sentence, Severity, Subject},
    observed::Link,
    resolve::is_global,
};

use super::note;

pub fn check(observed: &Observed, committed: &Cluster, draft: &Cluster, notes: &mut Vec<Note>) {
    for (at, bridge) in draft.bridges.iter().enumerate() {
        let name = &bridge.name;
        let mut say = |severity, code, field, en: String, zh: String| {
            let field = Some(format!("bridge.{name}.{field}"));
            notes.push(note(severity, Subject::Link(name.to_string()), code, Sentence::new(en, zh), field));
        };
        let made = observed.link(name).and_then(|_| committed.bridge(name));
        if let Some(before) = made.filter(|before| before.uplink != bridge.uplink) {
            let (en, zh) = match &before.uplink {
                Some(uplink) => (
                    format!("{name} has taken over {uplink}. Remove the bridge first, and make it anew."),
                    format!("{name} 已接管 {uplink}。请先删除该网桥，再重新建立。"),
                ),
                None => (
                    format!("{name} is there already. A NIC of the host is taken over when the bridge is made."),
                    format!("{name} 已存在。只能在新建网桥时接管主机网卡。"),
                ),
            };
            say(Severity::Block, "uplink-change", "uplink", en, zh);
        }
        if let Some(gateway) = bridge.default_route {
            if bridge.uplink.is_none() {
                let en = format!("{name} takes over no NIC: a default route of the host's does not belong to it.");
                let zh = format!("{name} 没有接管任何网卡：主机的默认路由不能设在它上面。");
                say(Severity::Block, "default-route", "default_route", en, zh);
            } else if !bridge.address.iter().any(|net| net.contains(&gateway) && net.addr() != gateway) {
                let en = format!("{gateway} is not reached directly from an address of {name}.");
                let zh = format!("从 {name} 的地址无法直接到达 {gateway}。");
                say(Severity::Block, "default-route", "default_route", en, zh);
            }
        }
        let Some(uplink) = &bridge.uplink else { continue };
        if draft.bridges.iter().take(at).any(|other| other.uplink.as_ref() == Some(uplink)) {
            let en = format!("{uplink} is taken over by two bridges.");
            let zh = format!("{uplink} 被两个网桥接管。");
            say(Severity::Block, "uplink-twice", "uplink", en, zh);
        }
        match observed.link(uplink) {
            None => {
                let (en, zh) = (format!("The host has no NIC {uplink}."), format!("主机上没有网卡 {uplink}。"));
                say(Severity::Block, "uplink-missing", "uplink", en, zh);
            }
            Some(link) => {
                if let Some((en, zh)) = unfit(observed, bridge, link) {
                    say(Severity::Block, "uplink-unfit", "uplink", en, zh);
                    continue;
                }
                let left = link
                    .addresses
                    .iter()
                    .filter(|address| is_global(&address.net) && !bridge.address.contains(&address.net));
                for address in left {
                    let net = address.net;
                    let en = format!("{net} would stay on {uplink}, where nobody reaches it. Add it to the bridge.");
                    let zh = format!("{net} 会留在 {uplink} 上，无法访问。请把它加到网桥。");
                    say(Severity::Block, "address-on-port", "address", en, zh);
                }
                if link.addresses.iter().any(|address| address.dynamic && is_global(&address.net)) {
                    let en = format!(
                        "{uplink} has its address by DHCP, from a client that does not know the bridge: it will not be \
                         renewed there. Set the host's network manager to ask on {name}."
                    );
                    let zh = format!(
                        "{uplink} 的地址来自 DHCP，其客户端不认识该网桥，不会在那里续租。请让主机的网络管理程序改在 {name} 上获取地址。"
                    );
                    say(Severity::Warn, "uplink-dhcp", "uplink", en, zh);
                }
            }
        }
    }
}

/// Why this link cannot be taken over.
fn unfit(observed: &Observed, bridge: &Bridge, link: &Link) -> Option<(String, String)> {
    let name = &link.name;
    if link.loopback || link.is_bridge() || link.tun.is_some() {
        return Some((format!("{name} is no NIC of the host's."), format!("{name} 不是主机的物理网卡。")));
    }
    let master = link.master.and_then(|master| observed.links.get(&master))?;
    (master.name != *bridge.name).then(|| {
        (format!("{name} is a port of {} already.", master.name), format!("{name} 已经是 {} 的端口。", master.name))
    })
}
