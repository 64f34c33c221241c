//! How long an explanation takes on a host with 1,000 interfaces and 2,000 rules: the way of nine hops and back, past all of
//! them. Prints one row of the bench's table.

#[path = "../tests/explain/scene.rs"]
mod scene;
#[path = "../tests/world.rs"]
mod world;

use std::{hint::black_box, time::Instant};

use model::{
    Mac, Observed,
    explain::{Origin, Probe, Question, Target, Verdict, explain},
    observed::{Attachment, Domain, DomainState, GuestFacts, GuestInterface, Link, Nic, Port, Rule},
};
use serde_json::json;

const INTERFACES: usize = 1_000;
const RULES: usize = 2_000;
const RUNS: usize = 201;
/// Of the host, beside the two that the way leads over.
const BRIDGES: u32 = 18;

fn main() {
    let observed = crowded(scene::all()["nine-hops"]());
    let (links, rules) = (observed.links.len(), observed.tables["ip filter"].chain("FORWARD").expect("it").rules.len());
    assert!(links >= INTERFACES && rules >= RULES, "{links} interfaces, {rules} rules");
    let from = Origin::Guest { guest: "node1".to_owned(), interface: None };
    let to = Target::Address { address: "10.0.0.9".parse().expect("an address") };
    let question = Question { from, to, probe: Probe::Tcp { port: 443 }, v6: false };
    let explained = explain(&observed, &question);
    assert_eq!((explained.verdict, explained.hops.len()), (Verdict::Yes, 20), "{:?}", explained.finding);
    let mut times: Vec<_> = (0..RUNS).map(|_| time(&observed, &question)).collect();
    times.sort_by(f64::total_cmp);
    let median = times[RUNS / 2];
    say(&format!("| `explain` at 1,000 interfaces and 2,000 rules, median | {median:.1} ms | ≤ 5 ms |  |"));
}

/// In milliseconds.
fn time(observed: &Observed, question: &Question) -> f64 {
    let start = Instant::now();
    black_box(explain(black_box(observed), question));
    start.elapsed().as_secs_f64() * 1e3
}

#[expect(clippy::print_stdout, reason = "the row is what is looked for")]
fn say(row: &str) {
    println!("{row}");
}

/// Guests on every bridge, each with an address, and rules that are for none of the packets.
fn crowded(mut observed: Observed) -> Observed {
    let bridges: Vec<u32> = observed.links.values().filter(|link| link.bridge.is_some()).map(|it| it.index).collect();
    let more = (0..BRIDGES).map(|n| Link {
        index: 5_000 + n,
        name: format!("many{n}"),
        bridge: Some(Default::default()),
        ..plain()
    });
    let bridges: Vec<u32> = bridges.into_iter().chain(more.clone().map(|link| link.index)).collect();
    observed.links.extend(more.map(|link| (link.index, link)));
    for n in 0..u16::try_from(INTERFACES - observed.links.len()).expect("some") {
        guest(&mut observed, n, bridges[usize::from(n) % bridges.len()]);
    }
    let filter = observed.tables.get_mut("ip filter").expect("the table");
    let forward = filter.chains.iter_mut().find(|chain| chain.name == "FORWARD").expect("the chain");
    forward.rules.splice(0..0, (0..RULES).map(rule));
    observed
}

fn plain() -> Link {
    Link { mtu: 1500, up: true, carrier: true, ..Link::default() }
}

fn guest(observed: &mut Observed, n: u16, bridge: u32) {
    let [high, low] = n.to_be_bytes();
    let (name, tap, mac) = (format!("many{n}"), format!("tap{n}"), Mac([0x52, 0x54, 0, 0x66, high, low]));
    let nic = Nic {
        mac,
        live: Some(Attachment::Bridge { bridge: observed.links[&bridge].name.clone() }),
        config: None,
        model: None,
        tap: Some(tap.clone()),
        alias: None,
        link_up: true,
        mtu: None,
    };
    let port = Port { state: "forwarding".to_owned(), isolated: false, hairpin: false, learning: true };
    let index = 10_000 + u32::from(n);
    let link = Link { index, name: tap, master: Some(bridge), port: Some(port), ..plain() };
    let interface = GuestInterface {
        name: "eth0".to_owned(),
        mac: Some(mac),
        up: Some(true),
        addresses: vec![format!("10.66.{high}.{low}/16").parse().expect("a prefix")],
        mtu: Some(1500),
        rp_filter: Some(2),
        dhcp: false,
        accept_ra: None,
    };
    let domain = Domain { name: name.clone(), state: DomainState::Running, nics: vec![nic], ..Domain::default() };
    observed.links.insert(index, link);
    observed.domains.insert(name.clone(), domain);
    observed
        .guests
        .insert(name, GuestFacts { interfaces: vec![interface], routes: Some(Vec::new()), ..GuestFacts::default() });
}

/// For another interface, another source, or another port.
fn rule(n: usize) -> Rule {
    let field = |protocol: &str, field: &str| json!({"payload": {"protocol": protocol, "field": field}});
    let (left, right) = match n % 3 {
        0 => (json!({"meta": {"key": "iifname"}}), json!(format!("tap{n}"))),
        1 => (field("ip", "saddr"), json!({"prefix": {"addr": format!("10.77.{}.0", n % 256), "len": 24}})),
        _ => (field("tcp", "dport"), json!({"set": [n + 10_000, {"range": [n + 20_000, n + 20_010]}]})),
    };
    let equal = json!({"match": {"op": "==", "left": left, "right": right}});
    let statements = vec![equal, json!({"counter": {"packets": 0, "bytes": 0}}), json!({"drop": null})];
    Rule { handle: 10_000 + n as u64, comment: None, statements }
}
