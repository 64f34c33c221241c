//! A host like the lab's, built in memory: `default` behind NAT, guests with one NIC each, FORWARD drops, bridges are
//! filtered. The seed's trap is set.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;

use model::{
    Mac, Observed,
    observed::{
        Address, AgentChannel, Attachment, Bridge, Chain, DhcpRange, Domain, DomainState, Folder, GuestFacts,
        GuestInterface, GuestRoute, Lease, Link, Marks, Network, Nic, Port, Resolver, Route, Rule, Source, SourceState,
        Subnet, Table, Tun,
    },
    wire::Sealed,
};
use serde_json::{Value, json};

/// The MAC of a guest's first NIC.
pub fn mac(last: u8) -> Mac {
    Mac([0x52, 0x54, 0x00, 0x7a, 0x00, last])
}

pub fn lab(guests: &[&str]) -> Observed {
    let mut observed = Observed { generation: 7, ..Observed::default() };
    for source in [Source::Kernel, Source::Firewall, Source::Libvirt] {
        observed.sources.insert(source, SourceState::Answers);
    }
    links(&mut observed);
    observed.sysctls = [
        ("net.bridge.bridge-nf-call-iptables", "1"),
        ("net.bridge.bridge-nf-call-ip6tables", "1"),
        ("net.ipv4.ip_forward", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    observed.networks.insert("default".to_owned(), default_network());
    let filter = filter("drop");
    observed.tables.insert(filter.key(), filter);
    for (n, name) in (0u8..).zip(guests) {
        guest(&mut observed, name, n);
    }
    observed.routes.sort();
    observed.folders = Folder::ALL.map(|folder| (folder.to_owned(), Folder::default())).into();
    observed
}

fn route(destination: &str, gateway: Option<&str>, link: u32, source: Option<&str>, protocol: &str) -> Route {
    Route {
        table: 254,
        destination: destination.parse().expect("a prefix"),
        gateway: gateway.map(|text| text.parse().expect("an address")),
        link: Some(link),
        metric: 0,
        source: source.map(|text| text.parse().expect("an address")),
        protocol: protocol.to_owned(),
        kind: "unicast".to_owned(),
    }
}

fn links(observed: &mut Observed) {
    let address = |net: &str, scope: &str| Address {
        net: net.parse().expect("a prefix"),
        scope: scope.to_owned(),
        dynamic: false,
    };
    let lo = Link {
        index: 1,
        name: "lo".to_owned(),
        loopback: true,
        mtu: 65536,
        up: true,
        carrier: true,
        addresses: vec![address("127.0.0.1/8", "host")],
        ..Link::default()
    };
    let eno1 = Link {
        index: 2,
        name: "eno1".to_owned(),
        kind: Some("veth".to_owned()),
        mac: Some(Mac([2, 0, 0, 0, 0, 1])),
        mtu: 1500,
        up: true,
        carrier: true,
        peer: Some(3),
        peer_elsewhere: true,
        addresses: vec![address("10.0.0.2/24", "global")],
        ..Link::default()
    };
    let virbr0 = Link {
        index: 3,
        name: "virbr0".to_owned(),
        kind: Some("bridge".to_owned()),
        mac: Some(Mac([0x52, 0x54, 0, 1, 1, 1])),
        mtu: 1500,
        up: true,
        carrier: true,
        addresses: vec![address("192.168.122.1/24", "global")],
        bridge: Some(Bridge { stp: true, ..Bridge::default() }),
        ..Link::default()
    };
    observed.routes = vec![
        route("0.0.0.0/0", Some("10.0.0.9"), 2, None, "static"),
        route("10.0.0.0/24", None, 2, Some("10.0.0.2"), "kernel"),
        route("192.168.122.0/24", None, 3, Some("192.168.122.1"), "kernel"),
    ];
    observed.links = [lo, eno1, virbr0].into_iter().map(|link| (link.index, link)).collect();
}

fn default_network() -> Network {
    Network {
        name: "default".to_owned(),
        uuid: "6d0a7b9e-3c56-4b0f-9a8d-1f4f0f5f7d10".to_owned(),
        active: true,
        persistent: true,
        autostart: true,
        bridge: Some("virbr0".to_owned()),
        forward: Some("nat".to_owned()),
        subnets: vec![Subnet {
            address: "192.168.122.1/24".parse().expect("a prefix"),
            ranges: vec![DhcpRange {
                start: "192.168.122.2".parse().expect("an address"),
                end: "192.168.122.254".parse().expect("an address"),
            }],
            hosts: Vec::new(),
        }],
        ..Network::default()
    }
}

pub fn named(key: &str, link: &str) -> Value {
    json!({"match": {"op": "==", "left": {"meta": {"key": key}}, "right": link}})
}

fn counted(mut statements: Vec<Value>, verdict: Value) -> Vec<Value> {
    statements.push(json!({"counter": {"packets": 0, "bytes": 0}}));
    statements.push(verdict);
    statements
}

/// libvirt's own chains, as iptables-nft lists them, below a FORWARD chain of this policy.
pub fn filter(policy: &str) -> Table {
    let rule = |handle, statements| Rule { handle, comment: None, statements };
    let chain = |name: &str, handle, rules| Chain { name: name.to_owned(), handle, rules, ..Chain::default() };
    let net = json!({"prefix": {"addr": "192.168.122.0", "len": 24}});
    let saddr = json!({"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": net}});
    let reject = json!({"xt": {"type": "target", "name": "REJECT"}});
    let jump = |target: &str| json!({"jump": {"target": target}});
    let forward = Chain {
        kind: Some("filter".to_owned()),
        hook: Some("forward".to_owned()),
        priority: Some(0),
        policy: Some(policy.to_owned()),
        ..chain(
            "FORWARD",
            1,
            vec![
                rule(10, counted(Vec::new(), jump("LIBVIRT_FWX"))),
                rule(11, counted(Vec::new(), jump("LIBVIRT_FWI"))),
                rule(12, counted(Vec::new(), jump("LIBVIRT_FWO"))),
            ],
        )
    };
    let crosses = vec![named("iifname", "virbr0"), named("oifname", "virbr0")];
    Table {
        family: "ip".to_owned(),
        name: "filter".to_owned(),
        handle: 1,
        chains: vec![
            forward,
            chain("LIBVIRT_FWX", 2, vec![rule(13, counted(crosses, json!({"accept": null})))]),
            chain("LIBVIRT_FWI", 3, vec![rule(14, counted(vec![named("oifname", "virbr0")], reject.clone()))]),
            chain(
                "LIBVIRT_FWO",
                4,
                vec![
                    rule(15, counted(vec![named("iifname", "virbr0"), saddr], json!({"accept": null}))),
                    rule(16, counted(vec![named("iifname", "virbr0")], reject)),
                ],
            ),
        ],
        raw: Vec::new(),
    }
}

fn guest(observed: &mut Observed, name: &str, n: u8) {
    let (mac, tap, index) = (mac(n), format!("vnet{n}"), 10 + u32::from(n));
    let address = format!("192.168.122.{}/24", 202 + u16::from(n));
    let attachment = Attachment::Network { network: "default".to_owned() };
    let link = Link {
        index,
        name: tap.clone(),
        kind: Some("tun".to_owned()),
        mac: Some(Mac([0xfe, 0x54, 0x00, 0x7a, 0x00, n])),
        mtu: 1500,
        up: true,
        carrier: true,
        master: Some(3),
        port: Some(Port { state: "forwarding".to_owned(), isolated: false, hairpin: false, learning: true }),
        tun: Some(Tun { mode: "tap".to_owned(), persist: false, vnet_hdr: true }),
        ..Link::default()
    };
    observed.links.insert(index, link);
    let domain = Domain {
        name: name.to_owned(),
        uuid: format!("00000000-0000-4000-8000-0000000000{n:02x}"),
        state: DomainState::Running,
        persistent: true,
        agent: AgentChannel::Connected,
        agent_config: true,
        virtio_serial: true,
        nics: vec![Nic {
            mac,
            live: Some(attachment.clone()),
            config: Some(attachment),
            model: Some("virtio".to_owned()),
            tap: Some(tap),
            alias: Some("net0".to_owned()),
            link_up: true,
            mtu: None,
        }],
        free_slots: Some(4),
        ..Domain::default()
    };
    observed.domains.insert(name.to_owned(), domain);
    let lease = Lease {
        mac: Some(mac),
        address: address.parse().expect("a prefix"),
        hostname: Some(name.to_owned()),
        client_id: None,
        expires: 1_900_000_000,
    };
    if let Some(network) = observed.networks.get_mut("default") {
        network.leases.push(lease);
    }
    let inner = |destination: &str, via: Option<&str>, protocol: &str| GuestRoute {
        destination: destination.parse().expect("a prefix"),
        via: via.map(|text| text.parse().expect("an address")),
        interface: Some("eth0".to_owned()),
        metric: 0,
        protocol: Some(protocol.to_owned()),
        source: None,
    };
    let facts = GuestFacts {
        hostname: Some(name.to_owned()),
        os: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
        interfaces: vec![GuestInterface {
            name: "eth0".to_owned(),
            mac: Some(mac),
            up: Some(true),
            addresses: vec![address.parse().expect("a prefix")],
            mtu: Some(1500),
            rp_filter: Some(2),
            dhcp: false,
            accept_ra: Some(1),
        }],
        routes: Some(vec![
            inner("0.0.0.0/0", Some("192.168.122.1"), "boot"),
            inner("192.168.122.0/24", None, "kernel"),
        ]),
        ip_forward: Some(false),
        rp_filter_all: Some(0),
        rp_filter_default: Some(2),
        tables: Some(Vec::new()),
        nameservers: Some(vec!["192.168.122.1".parse().expect("an address")]),
        resolver: Some(Resolver::File),
        programs: ["ip", "nft", "ping", "traceroute", "udhcpc"].map(str::to_owned).into(),
        ..GuestFacts::default()
    };
    observed.guests.insert(name.to_owned(), facts);
}

/// What the same host looks like when names and numbers that the kernel and libvirt choose afresh are left out: ifindexes,
/// names of taps and of guests' interfaces, aliases, handles, the order of NICs, and what is lost with an unplugged NIC.
pub fn settled(observed: &Observed) -> Observed {
    let mut settled = observed.clone();
    let mut names: BTreeMap<u32, u32> = BTreeMap::new();
    let mut links: Vec<Link> = std::mem::take(&mut settled.links).into_values().collect();
    for link in links.iter_mut().filter(|link| link.tun.is_some()) {
        link.name = format!("tap of {:?}", link.mac);
    }
    links.sort_by(|a, b| a.name.cmp(&b.name));
    for (new, link) in (1..).zip(&links) {
        names.insert(link.index, new);
    }
    for mut link in links {
        link.index = names[&link.index];
        link.master = link.master.and_then(|master| names.get(&master).copied());
        link.addresses.sort();
        settled.links.insert(link.index, link);
    }
    for route in &mut settled.routes {
        route.link = route.link.and_then(|link| names.get(&link).copied());
    }
    settled.routes.sort();
    for subnet in settled.networks.values_mut().flat_map(|network| &mut network.subnets) {
        subnet.hosts.sort_by_key(|host| host.mac);
    }
    for domain in settled.domains.values_mut() {
        for nic in &mut domain.nics {
            nic.tap = nic.tap.is_some().then(String::new);
            nic.alias = nic.alias.is_some().then(String::new);
        }
        domain.nics.sort_by_key(|nic| nic.mac);
        let mut marks = Marks::clone(&domain.marks);
        marks.routes.sort_by_key(|mark| (mark.mac, mark.via));
        domain.marks = Sealed::of(&marks);
    }
    for facts in settled.guests.values_mut() {
        let names: BTreeMap<String, String> =
            facts.interfaces.iter().map(|interface| (interface.name.clone(), format!("{:?}", interface.mac))).collect();
        for interface in &mut facts.interfaces {
            interface.name = names[&interface.name].clone();
            (interface.mtu, interface.accept_ra) = (None, None);
            interface.addresses.sort();
        }
        facts.interfaces.sort_by_key(|interface| interface.mac);
        for route in facts.routes.iter_mut().flatten() {
            route.interface = route.interface.as_ref().and_then(|name| names.get(name)).cloned();
            route.protocol = None;
        }
        facts.routes.iter_mut().for_each(|routes| routes.sort());
        for table in facts.tables.iter_mut().flatten() {
            unnumber(table);
        }
    }
    settled.tables.values_mut().for_each(unnumber);
    settled
}

fn ours(rule: &Rule) -> Option<String> {
    rule.serves().map(|_| format!("{:?}", rule.statements))
}

/// Rules of ours stand at the head of a chain, in no order that matters.
fn unnumber(table: &mut Table) {
    for chain in &mut table.chains {
        chain.rules.sort_by_cached_key(|rule| (rule.serves().is_none(), rule.comment.clone(), ours(rule)));
    }
    for rule in table.chains.iter_mut().flat_map(|chain| &mut chain.rules) {
        rule.handle = 0;
    }
}
