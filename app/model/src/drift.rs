//! Drift: what differs between the host and the document, whoever caused it, in words.
//!
//! Drift is a plan that is not empty: each step that would put the host back is one note, and its fix, if there is one,
//! is the document that says what is.

use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    Cluster, Mac, Observed, channel,
    cluster::{Lease, Range},
    gateway,
    nic::{self, Place},
    note::{Fix, Note, Sentence, Severity},
    observed::{Attachment, DhcpHost, DhcpRange},
    plan::plan,
    promise, resolver,
    step::{GuestRoute, Step, TableEntry},
    topology::bridge_of,
};

/// One note for each thing that is not as the document says, and for each promise that is not kept. None while libvirt, the kernel or the firewall is silent in a
/// way that leaves the question open: then the plan is blocked, and its notes say why.
pub fn drift(observed: &Observed, cluster: &Cluster) -> Vec<Note> {
    if cluster.is_empty() {
        return Vec::new();
    }
    let plan = plan(observed, cluster, cluster);
    if plan.is_blocked() {
        return plan.blocks().cloned().collect();
    }
    // What only makes another step possible, or forgets what was noted, is not worth a note of its own.
    let telling = plan.steps.iter().filter(|step| !matches!(step, Step::SetMarks { .. }));
    telling.map(|step| note(observed, cluster, step)).chain(promise::review(observed, cluster, &[])).collect()
}

fn note(observed: &Observed, cluster: &Cluster, step: &Step) -> Note {
    let subject = step.touches().swap_remove(0);
    let mut note = Note::new(Severity::Warn, subject, "drift", words(observed, step));
    let draft = adopted(observed, cluster, step).filter(|draft| draft != cluster);
    note.fix = draft.map(|draft| {
        let label = Sentence::new("adopt what is", "采用现状");
        Box::new(Fix { label, draft })
    });
    note
}

fn words(observed: &Observed, step: &Step) -> Sentence {
    let place = |attachment: &Attachment| bridge_of(observed, attachment).unwrap_or_else(|| said(attachment));
    match step {
        Step::CreateBridge { bridge } => {
            let name = &bridge.name;
            Sentence::new(
                format!("The document has the bridge {name}, the host has not."),
                format!("文档中有网桥 {name}，主机上没有。"),
            )
        }
        Step::StartNetwork { network } => {
            let name = &network.name;
            Sentence::new(
                format!("libvirt does not serve the bridge {name}, which the document says."),
                format!("libvirt 没有按文档的要求提供网桥 {name}。"),
            )
        }
        Step::SetLinkUp { link, up } => {
            let (is, says) = if *up { ("down", "up") } else { ("up", "down") };
            let (zh_is, zh_says) = if *up { ("停用", "启用") } else { ("启用", "停用") };
            Sentence::new(
                format!("{link} is {is}, the document says {says}."),
                format!("{link} 处于{zh_is}状态，文档要求{zh_says}。"),
            )
        }
        Step::SetLinkMtu { link, mtu, was } => Sentence::new(
            format!("{link} has the MTU {was}, the document says {mtu}."),
            format!("{link} 的 MTU 是 {was}，文档要求 {mtu}。"),
        ),
        Step::SetMaster { link, master, was } => {
            let is = was.as_deref().unwrap_or("no bridge");
            let zh_is = was.as_deref().unwrap_or("任何网桥之外");
            let says = master.as_deref().unwrap_or("none");
            Sentence::new(
                format!("{link} is on {is}, the document and libvirt say {says}."),
                format!("{link} 接在 {zh_is}，文档和 libvirt 的记录是 {says}。"),
            )
        }
        Step::WriteFile { path, was, .. } => {
            let (en, zh) = if was.is_some() { ("was changed", "被改动") } else { ("is gone", "不见了") };
            Sentence::new(format!("{path}, which the document keeps, {en}."), format!("文档要求保留的 {path} {zh}。"))
        }
        Step::AddAddress { link, address } => Sentence::new(
            format!("{link} lacks {address}, which the document says."),
            format!("{link} 缺少文档要求的地址 {address}。"),
        ),
        Step::InsertRule { rule } => {
            let (bridge, chain) = (&rule.serves, &rule.chain);
            Sentence::new(
                format!("Our accept for {bridge} is gone from {chain}: what it let through is dropped."),
                format!("{chain} 中为 {bridge} 加的放行规则不见了：相应流量会被丢弃。"),
            )
        }
        Step::AttachNic { guest, nic, .. } => {
            let (mac, says) = (nic.mac, place(&nic.attachment));
            Sentence::new(
                format!("{guest} lacks the NIC {mac}, which the document plugs into {says}."),
                format!("{guest} 缺少网卡 {mac}，文档要求它接在 {says}。"),
            )
        }
        Step::DetachNic { guest, nic, .. } => {
            let mac = nic.mac;
            Sentence::new(
                format!("{guest} has the NIC {mac}, which the document takes out."),
                format!("{guest} 有网卡 {mac}，文档要求拔下。"),
            )
        }
        Step::UpdateNic { guest, nic, was, .. } => {
            let (mac, is, says) = (nic.mac, place(&was.attachment), place(&nic.attachment));
            if is == says {
                return generic(step);
            }
            Sentence::new(
                format!("{mac} of {guest} is on {is}, the document says {says}."),
                format!("{guest} 的 {mac} 接在 {is}，文档要求 {says}。"),
            )
        }
        Step::AttachChannel { guest, .. } => Sentence::new(
            format!("{guest} lacks the channel of the guest agent, which the document says."),
            format!("{guest} 缺少文档要求的 guest agent 通道。"),
        ),
        Step::SetLease { network, lease: Some(DhcpHost { mac: Some(mac), address, .. }), .. } => Sentence::new(
            format!("{network} does not always give {address} to {mac}, which the document says."),
            format!("{network} 没有文档要求的 {mac} 的静态租约 {address}。"),
        ),
        Step::AddGuestAddress { guest, mac, address } => Sentence::new(
            format!("In {guest}, {mac} lacks {address}, which the document says."),
            format!("{guest} 内的 {mac} 缺少文档要求的地址 {address}。"),
        ),
        Step::SetGuestMtu { guest, mac, mtu, was } => Sentence::new(
            format!("In {guest}, the MTU of {mac} is {was}, the document says {mtu}."),
            format!("{guest} 内 {mac} 的 MTU 为 {was}，文档要求 {mtu}。"),
        ),
        Step::SetGuestFilter { guest, mac, mode, was } => Sentence::new(
            format!("In {guest}, rp_filter of {mac} is {was}, the document says {mode}."),
            format!("{guest} 内 {mac} 的 rp_filter 为 {was}，文档要求 {mode}。"),
        ),
        Step::SetGuestDhcp { guest, mac, on: true, .. } => Sentence::new(
            format!("In {guest}, nobody gets {mac} an address by DHCP, which the document says."),
            format!("{guest} 内没有程序按文档要求通过 DHCP 为 {mac} 获取地址。"),
        ),
        Step::SetGuestAcceptRa { guest, mac, .. } => Sentence::new(
            format!("In {guest}, {mac} takes no router advertisements, which the document says."),
            format!("{guest} 内的 {mac} 没有按文档要求接受路由器通告。"),
        ),
        Step::AddGuestRoute { guest, route: GuestRoute { to: Some(to), via, .. } } => Sentence::new(
            format!("{guest} has no route to {to} by way of {via}, which the document says."),
            format!("{guest} 缺少文档要求的经 {via} 到 {to} 的路由。"),
        ),
        Step::AddGuestRoute { guest, route } => {
            let via = route.via;
            Sentence::new(
                format!("{guest} has no default route by way of {via}, which the document says."),
                format!("{guest} 缺少文档要求的经 {via} 的默认路由。"),
            )
        }
        Step::SetGuestForwarding { guest, on: true } => Sentence::new(
            format!("{guest} is a gateway and does not forward."),
            format!("{guest} 是网关，但没有开启转发。"),
        ),
        Step::ReplaceGuestTable { guest, translations, was, .. } if translates_alike(translations, was) => {
            Sentence::new(
                format!("{guest} is a gateway and does not limit what its members reach as the document says."),
                format!("{guest} 是网关，但对成员可访问范围的限制与文档不符。"),
            )
        }
        Step::ReplaceGuestTable { guest, .. } => Sentence::new(
            format!("{guest} is a gateway and does not translate as the document says."),
            format!("{guest} 是网关，但地址转换与文档不符。"),
        ),
        Step::ReplaceGuestFiles { guest, .. } => Sentence::new(
            format!("{guest} would not start as the document says: files of ours inside it were changed or are gone."),
            format!("{guest} 下次启动后将与文档不符：其中我们的文件被改动或不见了。"),
        ),
        Step::SetGuestDns { guest, servers: Some(servers), .. } => {
            let asked = observed.guests.get(guest).and_then(|facts| facts.nameservers.as_deref());
            let (is, says) = (addresses(asked.unwrap_or_default()), addresses(servers));
            Sentence::new(
                format!("{guest} has the name servers {is}, the document says {says}."),
                format!("{guest} 的 DNS 服务器是 {is}，文档要求 {says}。"),
            )
        }
        Step::SetGuestHostname { guest, hostname, was } if hostname.name != was.name => {
            let (is, says) = (&was.name, &hostname.name);
            Sentence::new(
                format!("{guest} calls itself {is}, the document says {says}."),
                format!("{guest} 的主机名是 {is}，文档要求 {says}。"),
            )
        }
        _ => generic(step),
    }
}

fn translates_alike(a: &[TableEntry], b: &[TableEntry]) -> bool {
    let translated =
        |entries: &[TableEntry]| entries.iter().filter(|entry| !entry.limits()).cloned().collect::<BTreeSet<_>>();
    translated(a) == translated(b)
}

fn addresses(addresses: &[IpAddr]) -> String {
    let words = addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
    if words.is_empty() { "–".to_owned() } else { words.join(", ") }
}

fn generic(step: &Step) -> Sentence {
    let (en, zh) = (step.sentence(crate::Language::English), step.sentence(crate::Language::Chinese));
    Sentence::new(format!("Not as the document says; to put it back: {en}."), format!("与文档不符；恢复方法：{zh}。"))
}

fn said(attachment: &Attachment) -> String {
    match attachment {
        Attachment::Network { network } => network.clone(),
        Attachment::Bridge { bridge } => bridge.clone(),
        Attachment::Direct { dev, .. } => dev.clone(),
        Attachment::Other { kind } => kind.clone(),
    }
}

/// The document that says what is, where that can be said.
fn adopted(observed: &Observed, cluster: &Cluster, step: &Step) -> Option<Cluster> {
    let mut draft = cluster.clone();
    match step {
        Step::CreateBridge { bridge } => return Some(gateway::remove_bridge(cluster, &bridge.name)),
        Step::SetDhcpRanges { network, was, .. } => {
            let [DhcpRange { start: IpAddr::V4(start), end: IpAddr::V4(end) }] = was.as_slice() else { return None };
            let bridges = draft.bridges.iter_mut().filter(|bridge| *bridge.name == **network);
            bridges.filter_map(|bridge| bridge.dhcp.as_mut()).for_each(|dhcp| {
                dhcp.range = Range { start: *start, end: *end };
            });
        }
        Step::AddAddress { link, address } => {
            draft.bridges.iter_mut().filter(|bridge| *bridge.name == **link).for_each(|bridge| {
                bridge.address.retain(|own| own != address);
            });
        }
        Step::SetLinkMtu { link, was, .. } => {
            draft.bridges.iter_mut().filter(|bridge| *bridge.name == **link).for_each(|bridge| {
                bridge.mtu = Some(*was);
            });
        }
        Step::SetBridgeStp { bridge: link, stp } => {
            draft.bridges.iter_mut().filter(|bridge| *bridge.name == **link).for_each(|bridge| bridge.stp = !stp);
        }
        Step::InsertRule { rule } if rule.lets_ports_talk() => {
            draft.bridges.iter_mut().filter(|bridge| *bridge.name == *rule.serves).for_each(|bridge| {
                bridge.ports_talk = false;
            });
        }
        Step::AttachNic { nic, .. } => draft.nics.retain(|own| own.mac != nic.mac),
        Step::AttachChannel { guest, .. } => return Some(channel::set(cluster, &guest.parse().ok()?, false)),
        Step::UpdateNic { nic, was, .. } if nic.attachment != was.attachment => {
            return moved(observed, cluster, nic.mac, &was.attachment);
        }
        Step::SetLease { network, lease: Some(lease), was, .. } => {
            let own = |own: &Lease| *own.network == **network && Some(own.mac) == lease.mac;
            match was {
                None => draft.leases.retain(|lease| !own(lease)),
                Some(was) => draft.leases.iter_mut().filter(|lease| own(lease)).for_each(|lease| {
                    (lease.address, lease.name) = (was.address, was.name.clone());
                }),
            }
        }
        Step::AddGuestAddress { mac, address, .. } => {
            draft
                .nics
                .iter_mut()
                .filter(|nic| nic.mac == *mac)
                .for_each(|nic| nic.address.retain(|own| own != address));
        }
        Step::SetGuestMtu { mac, was, .. } => {
            draft.nics.iter_mut().filter(|nic| nic.mac == *mac).for_each(|nic| nic.mtu = Some(*was));
        }
        Step::SetGuestFilter { mac, was, .. } => {
            draft.nics.iter_mut().filter(|nic| nic.mac == *mac).for_each(|nic| nic.rp_filter = Some(*was));
        }
        Step::SetGuestDhcp { mac, on: true, .. } => {
            draft.nics.iter_mut().filter(|nic| nic.mac == *mac).for_each(|nic| nic.dhcp = false);
        }
        Step::SetGuestAcceptRa { mac, .. } => {
            draft.nics.iter_mut().filter(|nic| nic.mac == *mac).for_each(|nic| nic.accept_ra = false);
        }
        Step::SetGuestDns { guest, servers: Some(_), .. } => {
            let asked = observed.guests.get(guest)?.nameservers.as_ref()?;
            let asked: Vec<IpAddr> = asked.iter().take(resolver::MOST).copied().collect();
            let own = draft.guests.iter_mut().filter(|own| *own.name == **guest);
            own.for_each(|own| own.dns.clone_from(&asked));
        }
        Step::SetGuestHostname { guest, was, .. } => {
            let own = draft.guests.iter_mut().filter(|own| *own.name == **guest);
            own.for_each(|own| own.hostname = Some(was.name.clone()));
        }
        Step::AddGuestRoute { route, .. } => {
            draft.nics.iter_mut().filter(|nic| nic.mac == route.mac).for_each(|nic| match route.to {
                Some(to) => nic.routes.retain(|own| own.to != to || own.via != route.via),
                None => (nic.default_route, nic.metric) = (None, None),
            });
        }
        _ => return None,
    }
    Some(draft)
}

fn moved(observed: &Observed, cluster: &Cluster, mac: Mac, to: &Attachment) -> Option<Cluster> {
    let place = match to {
        Attachment::Network { network } => Place::Network(network.parse().ok()?),
        Attachment::Bridge { bridge } => Place::Bridge(bridge.parse().ok()?),
        _ => return None,
    };
    nic::move_nic(observed, cluster, mac, &place).ok()
}
