//! Static leases: networks that cannot give them, addresses that are none or somebody else's.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{
    Cluster, Observed,
    cluster::Lease,
    dhcp,
    lease::{collide, held, serving},
    note::{Note, Sentence, Severity, Subject},
    observed::{Attachment, DhcpHost, Network, Source, SourceState},
    resolve::{leads_to, runs},
};

use super::note;

pub fn check(observed: &Observed, committed: &Cluster, draft: &Cluster, notes: &mut Vec<Note>) {
    let known = observed.sources.get(&Source::Libvirt) == Some(&SourceState::Answers);
    for (nth, lease) in draft.leases.iter().enumerate() {
        // What was committed is not blocked for what has become of the network since.
        let new = committed.lease(&lease.network, lease.mac) != Some(lease);
        let severity = if new { Severity::Block } else { Severity::Warn };
        let mut say = |severity, code: &str, field: &str, text| {
            let subject = Subject::Network(lease.network.to_string());
            notes.push(note(severity, subject, code, text, Some(format!("lease.{}.{field}", lease.mac))));
        };
        let found = document(draft, nth, lease);
        found.into_iter().for_each(|(code, field, text)| say(Severity::Block, code, field, text));
        let Some(network) = dhcp::network(observed, committed, draft, &lease.network) else {
            if known {
                let name = &lease.network;
                let text = Sentence::new(format!("There is no network {name}."), format!("没有网络 {name}。"));
                say(severity, "no-network", "network", text);
            }
            continue;
        };
        let network = network.as_ref();
        let trouble = place(network, lease).or_else(|| taken(committed, draft, network, lease));
        if let Some((code, field, text)) = trouble {
            say(severity, code, field, text);
            continue;
        }
        for (severity, code, field, text) in remarks(observed, draft, network, lease) {
            if new || severity == Severity::Warn {
                say(severity, code, field, text);
            }
        }
        let first = committed.lease(&lease.network, lease.mac).is_none();
        if let Some((_, was)) = held(network, lease.mac).filter(|_| first) {
            let (network, mac, address) = (&network.name, lease.mac, was.address);
            let text = Sentence::new(
                format!("{network} has a static lease of {address} for {mac} already. It goes when this entry goes."),
                format!("{network} 已有 {mac} 的静态租约 {address}。删除此条目时，该租约也会删除。"),
            );
            say(Severity::Tell, "lease-already", "mac", text);
        }
    }
}

type Trouble = (&'static str, &'static str, Sentence);

/// What is wrong with an entry on any host.
fn document(draft: &Cluster, nth: usize, lease: &Lease) -> Vec<Trouble> {
    let Lease { network, mac, address, name } = lease;
    let mut troubles = Vec::new();
    let others = || draft.leases.iter().take(nth).filter(|other| other.network == *network);
    if others().any(|other| other.mac == *mac) {
        let text = Sentence::new(
            format!("{mac} has two static leases on {network}."),
            format!("{mac} 在 {network} 上有两个静态租约。"),
        );
        troubles.push(("duplicate", "mac", text));
    }
    if !mac.is_unicast() {
        let text = Sentence::new(
            format!("{mac} is a multicast address; a NIC's own first byte is even, e.g. 52."),
            format!("{mac} 是组播地址；网卡 MAC 的首字节必须是偶数，例如 52。"),
        );
        troubles.push(("multicast-mac", "mac", text));
    }
    if address.is_ipv6() {
        let text = Sentence::new(
            "DHCPv6 knows a guest by its DUID or its name, not by its MAC: a static lease is IPv4 here.",
            "DHCPv6 按 DUID 或主机名识别虚拟机，而不是按 MAC：这里的静态租约只支持 IPv4。",
        );
        troubles.push(("ipv6-lease", "address", text));
    }
    if let Some(name) = name.as_ref().filter(|name| !is_host_name(name)) {
        let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
        let text = Sentence::new(
            format!(
                "{name:?} is no host name: it begins with a letter, and has letters, digits and '-' only, with dots between its parts."
            ),
            format!("{name:?} 不是主机名：须以字母开头，只含字母、数字和“-”，各段以点分隔。"),
        );
        troubles.push(("bad-name", "name", text));
    }
    if let Some(other) = others().find(|other| collide(&lease.host(), &other.host())) {
        troubles.push(collision(lease, &other.host()));
    }
    troubles
}

/// RFC 1123, section 2.1; libvirt wants a letter first.
fn is_host_name(name: &str) -> bool {
    let part = |part: &str| {
        let plain = part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        (1..=63).contains(&part.len()) && plain && !part.starts_with('-') && !part.ends_with('-')
    };
    name.len() <= 253 && name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.split('.').all(part)
}

/// Whether DHCP of this network can give the address.
fn place(network: &Network, lease: &Lease) -> Option<Trouble> {
    let (name, address) = (&network.name, lease.address);
    let IpAddr::V4(v4) = address else { return None };
    let mut dhcp = network.subnets.iter().filter(|subnet| subnet.address.addr().is_ipv4() && subnet.has_dhcp());
    let Some((_, subnet)) = serving(network, address) else {
        return Some(match dhcp.next().map(|subnet| subnet.address.trunc()) {
            None => {
                let text = Sentence::new(
                    format!("{name} has no DHCP for IPv4: it gives no leases."),
                    format!("{name} 没有 IPv4 的 DHCP，不分配租约。"),
                );
                ("no-dhcp", "network", text)
            }
            Some(net) => {
                let text = Sentence::new(
                    format!("{address} is outside of {net}, the subnet of {name}."),
                    format!("{address} 不在 {name} 的子网 {net} 内。"),
                );
                ("outside-subnet", "address", text)
            }
        });
    };
    let IpNet::V4(net) = subnet.address else { return None };
    if v4 == net.addr() {
        let text = Sentence::new(
            format!("{address} is the host's own address on {name}."),
            format!("{address} 是主机在 {name} 上自己的地址。"),
        );
        return Some(("host-address", "address", text));
    }
    if net.prefix_len() < 31 && (v4 == net.network() || v4 == net.broadcast()) {
        let text = Sentence::new(
            format!("{address} is the network or the broadcast address of {}.", net.trunc()),
            format!("{address} 是 {} 的网络地址或广播地址。", net.trunc()),
        );
        return Some(("bad-address", "address", text));
    }
    None
}

/// A static lease of libvirt's that neither document names.
fn taken(committed: &Cluster, draft: &Cluster, network: &Network, lease: &Lease) -> Option<Trouble> {
    let named = |host: &&DhcpHost| {
        let said = |cluster: &Cluster| host.mac.is_some_and(|mac| cluster.lease(&network.name, mac).is_some());
        said(committed) || said(draft)
    };
    let mut hosts = network.subnets.iter().flat_map(|subnet| &subnet.hosts);
    let host = hosts.find(|host| !named(host) && collide(&lease.host(), host))?;
    Some(collision(lease, host))
}

fn collision(lease: &Lease, other: &DhcpHost) -> Trouble {
    let (network, whose) = (&lease.network, other.mac.map(|mac| mac.to_string()));
    let whose = whose.or_else(|| other.name.clone()).unwrap_or_default();
    let (field, what) = if other.address == lease.address {
        ("address", lease.address.to_string())
    } else {
        ("name", lease.name.clone().unwrap_or_default())
    };
    let text = Sentence::new(
        format!("On {network}, {what} is in the static lease of {whose} already."),
        format!("在 {network} 上，{what} 已用于 {whose} 的静态租约。"),
    );
    ("lease-taken", field, text)
}

/// What deserves a second look.
fn remarks(
    observed: &Observed,
    draft: &Cluster,
    network: &Network,
    lease: &Lease,
) -> Vec<(Severity, &'static str, &'static str, Sentence)> {
    let mut remarks = Vec::new();
    let (name, mac, address) = (&network.name, lease.mac, lease.address);
    let domains = || observed.domains.values();
    let owner = |mac| domains().find(|domain| domain.nics.iter().any(|nic| nic.mac == mac));
    if !is_plugged_in(observed, draft, network, lease) {
        let text = Sentence::new(
            format!("No guest has a NIC {mac} on {name}: nobody asks for this address."),
            format!("没有虚拟机的网卡 {mac} 接在 {name} 上：不会有人请求该地址。"),
        );
        remarks.push((Severity::Warn, "no-nic", "mac", text));
    }
    let holder = network.leases.iter().find(|other| other.mac != Some(mac) && other.address.addr() == address);
    if let Some(other) = holder {
        let guest = other.mac.and_then(owner).map(|domain| domain.name.clone());
        let whose = guest.or_else(|| other.mac.map(|mac| mac.to_string())).unwrap_or_else(|| "?".to_owned());
        let text = Sentence::new(
            format!("{whose} has the lease of {address} now: {mac} gets another address until that lease ends."),
            format!("{address} 现在租给了 {whose}：在该租约结束之前，{mac} 会得到别的地址。"),
        );
        remarks.push((Severity::Warn, "leased-to-another", "address", text));
    }
    let present = network.leases.iter().find(|own| own.mac == Some(mac) && own.address.addr() != address);
    if let Some((guest, own)) = owner(mac).filter(|domain| runs(domain)).zip(present) {
        let (guest, now) = (&guest.name, own.address.addr());
        let text = Sentence::new(
            format!(
                "{guest} keeps {now} until it renews its lease: by itself after half of the lease's time, or at once if its \
                 DHCP client is told to (networkctl renew, dhclient, udhcpc) or it is restarted."
            ),
            format!(
                "{guest} 在续租之前仍使用 {now}：租期过半时会自动续租，也可在其中让 DHCP 客户端立即续租（networkctl renew、dhclient、udhcpc）或重启它。"
            ),
        );
        remarks.push((Severity::Tell, "lease-renews", "address", text));
    }
    remarks
}

/// Where the draft plugs that NIC in, or else where libvirt says that it is.
fn is_plugged_in(observed: &Observed, draft: &Cluster, network: &Network, lease: &Lease) -> bool {
    let leads = |attachment: &Attachment| {
        let places = std::iter::once(&network.name).chain(&network.bridge);
        places.into_iter().any(|place| leads_to(observed, attachment, place))
    };
    if let Some(nic) = draft.nic(lease.mac) {
        return nic.plugged && nic.attachment().is_some_and(|attachment| leads(&attachment));
    }
    let nics = observed.domains.values().flat_map(|domain| &domain.nics).filter(|nic| nic.mac == lease.mac);
    nics.flat_map(|nic| nic.live.iter().chain(&nic.config)).any(leads)
}
