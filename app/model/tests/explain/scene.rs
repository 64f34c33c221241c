//! The networks of the golden cases: the seed's, each with one thing wrong.

use std::collections::BTreeMap;

use model::{
    Cluster, Observed,
    observed::{
        Address, Chain, GuestFacts, GuestInterface, GuestPolicy, GuestRoute, Link, Neighbour, Nic, PolicyRule, Route,
        Rule, Table,
    },
    plan::plan,
    wire::Sealed,
};
use serde_json::{Value, json};

use super::world::lab;

type Scene = fn() -> Observed;

pub fn all() -> BTreeMap<&'static str, Scene> {
    let all: [(&str, Scene); 40] = [
        ("dead-ping", dead_ping),
        ("dead-ping-accepted", seed),
        ("nine-hops", seed),
        ("nine-hops-tcp", seed),
        ("host-to-guest", seed),
        ("guest-to-host", seed),
        ("outside-to-member", seed),
        ("guest-that-is-not", seed),
        ("strict-filter", || two_ways(Some(1))),
        ("loose-filter", || two_ways(Some(2))),
        ("strict-filter-on-host", strict_filter_on_host),
        ("unread-filter", || two_ways(None)),
        ("filter-with-rule", filter_with_rule),
        ("no-way-by-interface", no_way_by_interface),
        ("gateway-does-not-forward", gateway_does_not_forward),
        ("gateway-does-not-translate", || gateway_without_nat(false)),
        ("host-does-not-translate", host_does_not_translate),
        ("host-drops-untranslated", || gateway_without_nat(true)),
        ("cable-out", cable_out),
        ("bridge-down", bridge_down),
        ("port-listening", port_listening),
        ("isolated", isolated),
        ("no-address", no_address),
        ("no-route", no_route),
        ("nobody-there", seed),
        ("guest-off", guest_off),
        ("guest-unseen", guest_unseen),
        ("v6", v6),
        ("v6-dropped", v6_dropped),
        ("rejected", rejected),
        ("unknown-statement", unknown_statement),
        ("limited", limited),
        ("set-of-ports", set_of_ports),
        ("destinations", destinations),
        ("forward", forward),
        ("forward-from-host", forward),
        ("forward-hairpin", forward),
        ("forward-without-hairpin", forward_without_hairpin),
        ("gateway-silent", gateway_silent),
        ("asks-itself", asks_itself),
    ];
    all.into()
}

pub const SEED: &str = r#"
[[bridge]]
name = "mybr0"
address = "192.168.48.1/24"

[[nic]]
guest = "master"
mac = "52:54:00:48:00:10"
bridge = "mybr0"
address = "192.168.48.10/24"

[[nic]]
guest = "node1"
mac = "52:54:00:48:00:20"
bridge = "mybr0"
address = "192.168.48.20/24"

[[nic]]
guest = "node2"
mac = "52:54:00:48:00:30"
bridge = "mybr0"
address = "192.168.48.30/24"
"#;

pub const GATEWAY: &str = r#"
[[gateway]]
bridge = "mybr0"
guest = "master"
outside = "default"
translation = "snat"
members = ["node1", "node2"]
detach_outside = true
"#;

fn built(document: &str) -> Observed {
    let mut observed = lab(&["master", "node1", "node2"]);
    observed.tables.insert("ip nat".to_owned(), libvirt_nat());
    observed.rules = Sealed::of(&Some(Vec::new()));
    observed.sysctls.insert("net.ipv4.conf.all.rp_filter".to_owned(), "0".to_owned());
    let filter = observed.tables.get_mut("ip filter").expect("the table");
    let into = filter.chains.iter_mut().find(|chain| chain.name == "LIBVIRT_FWI").expect("the chain");
    numbered(vec![(18, answers_to_virbr0())]).into_iter().for_each(|rule| into.rules.insert(0, rule));
    let wanted = Cluster::from_toml(document).expect("a document");
    let plan = plan(&observed, &Cluster::default(), &wanted);
    assert!(!plan.is_blocked(), "{:#?}", plan.blocks().collect::<Vec<_>>());
    plan.steps.iter().for_each(|step| step.simulate(&mut observed));
    observed.links.values_mut().for_each(|link| link.rp_filter = Some(2));
    for facts in observed.guests.values_mut() {
        facts.policy = Sealed::of(&Some(GuestPolicy::default()));
    }
    observed
}

/// The article's network, as it is in the end.
fn seed() -> Observed {
    built(&format!("{SEED}{GATEWAY}"))
}

fn dead_ping() -> Observed {
    let mut observed = seed();
    let filter = observed.tables.get_mut("ip filter").expect("the table");
    filter.chains.iter_mut().for_each(|chain| chain.rules.retain(|rule| rule.serves().is_none()));
    observed
}

/// The unsolved case: a second default route in node1, by its first NIC.
fn two_ways(filter: Option<u8>) -> Observed {
    let mut observed = built(&format!("{SEED}{}", GATEWAY.replace("detach_outside = true", "")));
    let facts = guest(&mut observed, "node1");
    let routes = facts.routes.as_mut().expect("routes");
    routes.retain(|route| !(route.is_default() && route.interface.as_deref() == Some("eth0")));
    routes.push(route("0.0.0.0/0", Some("192.168.122.1"), "eth0", 500));
    facts.interfaces.iter_mut().for_each(|interface| interface.rp_filter = filter);
    facts.rp_filter_all = filter.map(|_| 0);
    observed
}

/// The host has an address on the bridge whose packets come from the gateway.
fn strict_filter_on_host() -> Observed {
    let mut observed = gateway_without_nat(false);
    link(&mut observed, "virbr0").rp_filter = Some(1);
    observed
}

/// One of its three remedies: a table and a rule for that source.
fn filter_with_rule() -> Observed {
    let mut observed = two_ways(Some(1));
    let facts = guest(&mut observed, "node1");
    facts.policy = Sealed::of(&Some(GuestPolicy {
        rules: vec![PolicyRule {
            priority: 100,
            from: Some(net("192.168.122.203/32")),
            table: Some(100),
            kind: "lookup".to_owned(),
            ..PolicyRule::default()
        }],
        routes: [(100, vec![route("0.0.0.0/0", Some("192.168.122.1"), "eth0", 0)])].into(),
    }));
    observed
}

fn no_way_by_interface() -> Observed {
    let mut observed = two_ways(Some(2));
    let routes = guest(&mut observed, "node1").routes.as_mut().expect("routes");
    routes.retain(|route| route.metric != 500);
    observed
}

fn gateway_does_not_forward() -> Observed {
    let mut observed = seed();
    guest(&mut observed, "master").ip_forward = Some(false);
    observed
}

/// With or without the rules by which libvirt keeps other sources out.
fn gateway_without_nat(kept_out: bool) -> Observed {
    let mut observed = seed();
    guest(&mut observed, "master").tables = Some(Vec::new());
    if !kept_out {
        observed.tables.remove("ip filter");
    }
    observed
}

fn host_does_not_translate() -> Observed {
    let mut observed = seed();
    observed.tables.remove("ip nat");
    observed
}

fn cable_out() -> Observed {
    let mut observed = seed();
    nic(&mut observed, "master", "192.168.48.10").link_up = false;
    observed
}

fn bridge_down() -> Observed {
    let mut observed = seed();
    link(&mut observed, "mybr0").up = false;
    observed
}

fn port(observed: &mut Observed, guest: &str, address: &str) -> String {
    nic(observed, guest, address).tap.clone().expect("a tap")
}

fn port_listening() -> Observed {
    let mut observed = seed();
    let port = port(&mut observed, "master", "192.168.48.10");
    link(&mut observed, &port).port.as_mut().expect("a port").state = "listening".to_owned();
    observed
}

fn isolated() -> Observed {
    let mut observed = seed();
    for (name, address) in [("master", "192.168.48.10"), ("node1", "192.168.48.20")] {
        let port = port(&mut observed, name, address);
        link(&mut observed, &port).port.as_mut().expect("a port").isolated = true;
    }
    observed
}

fn no_address() -> Observed {
    let mut observed = seed();
    guest(&mut observed, "node2").interfaces.iter_mut().for_each(|interface| interface.addresses.clear());
    observed
}

fn no_route() -> Observed {
    let mut observed = seed();
    guest(&mut observed, "node1").routes.as_mut().expect("routes").retain(|route| !route.is_default());
    observed
}

fn guest_off() -> Observed {
    let mut observed = seed();
    observed.domains.get_mut("node2").expect("node2").state = model::observed::DomainState::Off;
    observed
}

fn guest_unseen() -> Observed {
    let mut observed = seed();
    let facts = guest(&mut observed, "master");
    *facts = GuestFacts { trouble: Some("the agent does not answer".to_owned()), ..GuestFacts::default() };
    observed
}

/// IPv6 beside IPv4, routed by the host from one bridge to the other.
fn v6() -> Observed {
    let mut observed = seed();
    observed.sysctls.insert("net.ipv6.conf.all.forwarding".to_owned(), "1".to_owned());
    for (bridge, address) in [("mybr0", "fd00:48::1/64"), ("virbr0", "fd00:122::1/64")] {
        let link = link(&mut observed, bridge);
        link.addresses.push(Address { net: net(address), scope: "global".to_owned(), dynamic: false });
        let index = link.index;
        observed.routes.push(Route {
            table: 254,
            destination: net(address).trunc(),
            gateway: None,
            link: Some(index),
            metric: 256,
            source: None,
            protocol: "kernel".to_owned(),
            kind: "unicast".to_owned(),
        });
    }
    for (name, interface, address, via) in [
        ("node1", "192.168.48.20", "fd00:48::20/64", "fd00:48::1"),
        ("master", "192.168.122.202", "fd00:122::202/64", "fd00:122::1"),
    ] {
        let facts = guest(&mut observed, name);
        let own = interface_with(facts, interface);
        own.addresses.push(net(address));
        let own = own.name.clone();
        let routes = facts.routes.as_mut().expect("routes");
        routes.push(route(&net(address).trunc().to_string(), None, &own, 256));
        routes.push(route("::/0", Some(via), &own, 1024));
    }
    observed
}

fn v6_dropped() -> Observed {
    let mut observed = v6();
    let drop = json!([equal(payload("ip6", "daddr"), json!("fd00:122::202")), {"drop": null}]);
    put(&mut observed, table("ip6", "filter", "filter", "forward", 0, vec![(7, drop)]));
    observed
}

fn rejected() -> Observed {
    let mut observed = seed();
    let reject = json!([
        equal(payload("tcp", "dport"), json!({"set": [22, {"range": [8000, 8100]}]})),
        {"reject": {"type": "tcp reset"}}
    ]);
    let table = table("inet", "own", "filter", "input", 0, vec![(11, reject)]);
    guest(&mut observed, "master").tables.as_mut().expect("tables").push(table);
    observed
}

fn unknown_statement() -> Observed {
    let mut observed = seed();
    let odd = json!([equal(payload("tcp", "dport"), json!(443)), {"synproxy": {"mss": 1460}}]);
    put(&mut observed, table("ip", "odd", "filter", "forward", -5, vec![(9, odd)]));
    observed
}

fn limited() -> Observed {
    let mut observed = seed();
    let rules = vec![
        (5, json!([{"limit": {"rate": 10, "per": "second"}}, {"accept": null}])),
        (6, json!([equal(json!({"meta": {"key": "l4proto"}}), json!("icmp")), {"drop": null}])),
    ];
    put(&mut observed, table("ip", "slow", "filter", "forward", 5, rules));
    observed
}

/// What the host asks itself is new when it comes in again, though conntrack saw it go out.
fn asks_itself() -> Observed {
    let mut observed = seed();
    let answers = json!([
        {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}},
        {"accept": null}
    ]);
    let mut own = table("ip", "own", "filter", "input", 5, vec![(5, answers)]);
    own.chains.iter_mut().for_each(|chain| chain.policy = Some("drop".to_owned()));
    put(&mut observed, own);
    observed
}

/// A verdict map, a named set, and chains that return.
fn set_of_ports() -> Observed {
    let mut observed = seed();
    let rules = vec![
        (5, json!([{"jump": {"target": "web"}}])),
        (
            6,
            json!([{"vmap": {"key": payload("tcp", "dport"), "data": {"set": [[22, {"drop": null}], [443, {"goto": {"target": "last"}}]]}}}]),
        ),
        (7, json!([{"accept": null}])),
    ];
    let mut sets = table("ip", "sets", "filter", "forward", 5, rules);
    let chain = |name: &str, rules: Vec<(u64, Value)>| Chain {
        name: name.to_owned(),
        rules: numbered(rules),
        ..Chain::default()
    };
    sets.chains.push(chain(
        "web",
        vec![
            (8, json!([equal(payload("tcp", "dport"), json!(80)), {"accept": null}])),
            (9, json!([{"return": null}])),
            (10, json!([{"drop": null}])),
        ],
    ));
    sets.chains.push(chain(
        "last",
        vec![(
            12,
            json!([
                {"match": {"op": "!=", "left": payload("ip", "daddr"), "right": "@good"}}, {"drop": null}
            ]),
        )],
    ));
    sets.raw.push(json!({"set": {"family": "ip", "name": "good", "table": "sets", "type": "ipv4_addr", "handle": 3,
        "flags": ["interval"], "elem": [{"prefix": {"addr": "10.1.0.0", "len": 16}}, {"range": ["192.168.0.1", "192.168.0.9"]}]}}));
    put(&mut observed, sets);
    observed
}

fn destinations() -> Observed {
    built(&format!("{SEED}{}", GATEWAY.replace("detach", "destinations = [\"192.0.2.0/24\"]\ndetach")))
}

const FORWARD: &str = "[[gateway.forward]]\nport = 8080\nto = \"192.168.48.20\"\nto_port = 80\n";

fn forward() -> Observed {
    built(&format!("{SEED}{GATEWAY}{FORWARD}"))
}

/// The member answers straight away, and not from where it was asked.
fn forward_without_hairpin() -> Observed {
    let mut observed = forward();
    for table in guest(&mut observed, "master").tables.iter_mut().flatten() {
        for chain in table.chains.iter_mut().filter(|chain| chain.hook.as_deref() == Some("postrouting")) {
            chain.rules.retain(|rule| !rule.text().contains("ct status dnat"));
        }
    }
    observed
}

fn gateway_silent() -> Observed {
    let mut observed = seed();
    let link = link(&mut observed, "eno1").index;
    observed.neighbours.push(Neighbour {
        link,
        address: "10.0.0.9".parse().expect("an address"),
        mac: None,
        state: "failed".to_owned(),
    });
    observed
}

fn net(text: &str) -> ipnet::IpNet {
    text.parse().expect("a prefix")
}

fn route(destination: &str, via: Option<&str>, interface: &str, metric: u32) -> GuestRoute {
    GuestRoute {
        destination: net(destination),
        via: via.map(|via| via.parse().expect("an address")),
        interface: Some(interface.to_owned()),
        metric,
        protocol: Some("static".to_owned()),
        source: None,
    }
}

fn guest<'o>(observed: &'o mut Observed, name: &str) -> &'o mut GuestFacts {
    observed.guests.get_mut(name).expect("the guest")
}

fn interface_with<'f>(facts: &'f mut GuestFacts, address: &str) -> &'f mut GuestInterface {
    let has = |interface: &&mut GuestInterface| interface.addresses.iter().any(|own| own.addr().to_string() == address);
    facts.interfaces.iter_mut().find(has).expect("the interface")
}

fn nic<'o>(observed: &'o mut Observed, name: &str, address: &str) -> &'o mut Nic {
    let mac = interface_with(guest(observed, name), address).mac;
    let domain = observed.domains.get_mut(name).expect("the guest");
    domain.nics.iter_mut().find(|nic| Some(nic.mac) == mac).expect("the NIC")
}

fn link<'o>(observed: &'o mut Observed, name: &str) -> &'o mut Link {
    observed.links.values_mut().find(|link| link.name == name).expect("the link")
}

fn put(observed: &mut Observed, table: Table) {
    observed.tables.insert(table.key(), table);
}

fn equal(left: Value, right: Value) -> Value {
    json!({"match": {"op": "==", "left": left, "right": right}})
}

fn payload(protocol: &str, field: &str) -> Value {
    json!({"payload": {"protocol": protocol, "field": field}})
}

fn numbered(rules: Vec<(u64, Value)>) -> Vec<Rule> {
    let rule = |(handle, statements): (u64, Value)| Rule {
        handle,
        comment: None,
        statements: statements.as_array().cloned().expect("statements"),
    };
    rules.into_iter().map(rule).collect()
}

/// A table of one base chain, called as its hook.
fn table(family: &str, name: &str, kind: &str, hook: &str, priority: i32, rules: Vec<(u64, Value)>) -> Table {
    Table {
        family: family.to_owned(),
        name: name.to_owned(),
        handle: 1,
        chains: vec![Chain {
            name: hook.to_owned(),
            handle: 1,
            kind: Some(kind.to_owned()),
            hook: Some(hook.to_owned()),
            priority: Some(priority),
            policy: Some("accept".to_owned()),
            device: None,
            rules: numbered(rules),
        }],
        raw: Vec::new(),
    }
}

/// What libvirt lets in: answers.
fn answers_to_virbr0() -> Value {
    json!([
        equal(json!({"meta": {"key": "oifname"}}), json!("virbr0")),
        equal(payload("ip", "daddr"), json!({"prefix": {"addr": "192.168.122.0", "len": 24}})),
        {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}},
        {"counter": {"packets": 0, "bytes": 0}},
        {"accept": null}
    ])
}

/// What libvirt translates for its network `default`.
fn libvirt_nat() -> Table {
    let net = json!({"prefix": {"addr": "192.168.122.0", "len": 24}});
    let from = equal(payload("ip", "saddr"), net.clone());
    let other = json!({"match": {"op": "!=", "left": payload("ip", "daddr"), "right": net}});
    let many = equal(payload("ip", "daddr"), json!({"prefix": {"addr": "224.0.0.0", "len": 24}}));
    let rules = vec![(20, json!([{"counter": {"packets": 0, "bytes": 0}}, {"jump": {"target": "LIBVIRT_PRT"}}]))];
    let mut table = table("ip", "nat", "nat", "postrouting", 100, rules);
    table.chains[0].name = "POSTROUTING".to_owned();
    table.chains.push(Chain {
        name: "LIBVIRT_PRT".to_owned(),
        rules: numbered(vec![
            (21, json!([from, many, {"return": null}])),
            (22, json!([from, other, {"masquerade": null}])),
        ]),
        ..Chain::default()
    });
    table
}
