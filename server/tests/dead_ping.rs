//! Why a packet does not get there, in a lab: the ping that dies between two guests of one bridge, whose frames pass the
//! host's rules; the answer that a guest with two ways out drops; and the way of nine hops. What is said of each is what
//! happens.

mod gateway;
mod net;
mod server;

use std::process::{Command, Stdio};

use gateway::{GUEST, MEMBERS, inside};
use serde_json::{Value, json};
use server::{PROGRAM, Server, alone, until};

const BRIDGE: &str = "hand0";
/// Guest, MAC, address.
const NICS: [(&str, &str, &str); 2] =
    [("node1", "52:54:00:66:00:20", "192.168.66.20"), ("node2", "52:54:00:66:00:30", "192.168.66.30")];

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Plugs both guests into a bridge, as a person does by hand: nobody lets its frames pass.
fn plug() {
    net::ip(&["link", "add", BRIDGE, "type", "bridge"]);
    net::ip(&["link", "set", BRIDGE, "up"]);
    for (guest, mac, address) in NICS {
        net::virsh(&["attach-interface", guest, "bridge", BRIDGE, "--mac", mac, "--model", "virtio", "--live"]);
        let find = format!("grep -l {mac} /sys/class/net/*/address | cut -d / -f 5");
        until(&format!("{guest} sees its NIC"), || !inside(guest, &find).is_empty());
        let set = format!("nic=$({find}) && ip link set $nic up && ip addr add {address}/24 dev $nic && echo set");
        assert_eq!(inside(guest, &set), "set", "{guest}");
    }
}

fn unplug() {
    for (guest, mac, _) in NICS {
        net::virsh(&["detach-interface", guest, "bridge", "--mac", mac, "--live"]);
    }
    net::ip(&["link", "delete", BRIDGE]);
}

/// A rule before all others of FORWARD; its handle.
fn insert(rule: &str) -> u64 {
    let words = ["--echo", "--handle", "insert", "rule", "ip", "filter", "FORWARD"];
    let printed = run("nft", &words.into_iter().chain(rule.split(' ')).collect::<Vec<_>>());
    let (_, handle) = printed.split_once("# handle ").expect("a handle");
    handle.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
}

fn delete(handle: u64) {
    run("nft", &["delete", "rule", "ip", "filter", "FORWARD", "handle", &handle.to_string()]);
}

fn question(to: &str) -> Value {
    json!({"from": {"is": "guest", "guest": "node1"}, "to": {"is": "address", "address": to}, "probe": {"protocol": "echo"}})
}

fn explained(server: &Server, to: &str) -> Value {
    let (status, explanation) = server.post("explain", &question(to));
    assert_eq!(status, 200, "{explanation}");
    explanation
}

/// The explanation, as soon as it says so.
fn until_explained(server: &Server, to: &str, says: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    until("it is explained", || {
        last = explained(server, to);
        says(&last)
    });
    last
}

fn reaches(to: &str) -> bool {
    inside("node1", &format!("ping -c 1 -W 2 {to} > /dev/null && echo reached")) == "reached"
}

/// What the command line says, and its exit status.
fn said(server: &Server, to: &str) -> (Option<i32>, String) {
    let output = server.run(&["explain", "node1", to]);
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_dead_ping_is_explained_by_the_very_rule() {
    let _alone = alone();
    let server = Server::start("dead-ping");
    ["node1", "node2"].iter().for_each(|guest| server.hears(guest));
    let start = net::settled(PROGRAM);
    plug();
    let other = NICS[1].2;

    // The seed's trap: FORWARD drops, and frames from port to port pass it.
    let dead = until_explained(&server, other, |it| it["finding"]["rule"]["chain"] == "FORWARD");
    let finding = &dead["finding"];
    assert_eq!(dead["verdict"], "no", "{dead}");
    assert_eq!(finding["subject"], json!({"kind": "table", "name": "ip filter"}), "{finding}");
    assert_eq!((&finding["rule"]["table"], &finding["rule"]["text"]), (&json!("ip filter"), &json!("policy drop")));
    assert_eq!(finding["setting"], "net.bridge.bridge-nf-call-iptables=1", "{finding}");
    assert!(!reaches(other), "what is predicted is what happens");
    let (status, text) = said(&server, other);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("policy of chain FORWARD in table ip filter of host drops it"), "{text}");

    // Somebody's own rule comes before the policy.
    let handle = insert(&format!("iifname {BRIDGE} ip daddr {other} counter drop"));
    let dead = until_explained(&server, other, |it| it["finding"]["rule"]["handle"] == handle);
    assert_eq!((&dead["verdict"], &dead["finding"]["rule"]["owner"]), (&json!("no"), &json!("somebody")), "{dead}");
    assert!(!reaches(other), "what is predicted is what happens");
    delete(handle);

    // Let through narrowly.
    let handle = insert(&format!("iifname {BRIDGE} oifname {BRIDGE} counter accept"));
    let alive = until_explained(&server, other, |it| it["verdict"] == "yes");
    assert!(alive["finding"].is_null(), "{alive}");
    assert!(reaches(other), "what is predicted is what happens");
    let (status, text) = said(&server, other);
    assert!(status == Some(0) && text.contains("\nyes\n"), "{status:?}: {text}");
    delete(handle);

    unplug();
    net::assert_settles(PROGRAM, &start, "unplugged");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn the_way_of_nine_hops_is_explained_with_both_translations() {
    let _alone = alone();
    let server = Server::start("nine-hops");
    ["master", "node1", "node2"].iter().for_each(|guest| server.hears(guest));
    let start = net::settled(PROGRAM);
    let members = "members = [\"node1\", \"node2\"]\ndetach_outside = true";
    let file = server.file(&format!("{MEMBERS}{GUEST}{members}\n"));
    until("the change is applied", || server.run(&["apply", &file, "--yes"]).status.success());

    let explanation = explained(&server, "10.0.0.9");
    assert_eq!(explanation["verdict"], "yes", "{explanation}");
    let hops = explanation["hops"].as_array().expect("hops");
    let there: Vec<&Value> = hops.iter().filter(|hop| hop["packet"]["reply"] == false).collect();
    let guests: Vec<&str> = there.iter().filter_map(|hop| hop["place"]["guest"].as_str()).collect();
    let links: Vec<&str> = there.iter().filter_map(|hop| hop["place"]["link"].as_str()).collect();
    assert_eq!(guests, ["node1", "master", "master"], "{explanation}");
    assert_eq!(links.len(), 6, "tap, bridge, tap, tap, bridge, NIC: {links:?}");
    assert_eq!((links[1], links[4], links[5]), ("mybr0", "virbr0", "eno1"));
    let mut sources: Vec<&str> = there.iter().filter_map(|hop| hop["packet"]["source"].as_str()).collect();
    sources.dedup();
    let master = gateway::address(&server, "master");
    assert_eq!(sources, ["192.168.48.20", &master, "10.0.0.1"], "both translations");
    assert!(reaches("10.0.0.9"), "what is predicted is what happens");
    assert_eq!(said(&server, "10.0.0.9").0, Some(0));

    server.must(&["undo"]);
    net::assert_settles(PROGRAM, &start, "undone");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_strict_filter_is_explained_with_both_routes_and_so_is_each_remedy() {
    let _alone = alone();
    let server = Server::start("strict-filter");
    ["master", "node1", "node2"].iter().for_each(|guest| server.hears(guest));
    let start = net::settled(PROGRAM);
    let file = server.file(&format!("{MEMBERS}{GUEST}members = [\"node1\", \"node2\"]\n"));
    until("the change is applied", || server.run(&["apply", &file, "--yes"]).status.success());
    let filters = "/proc/sys/net/ipv4/conf";
    let set = |all: &str, own: &str| {
        assert_eq!(
            inside(
                "node1",
                &format!("echo {all} > {filters}/all/rp_filter && echo {own} > {filters}/eth0/rp_filter && echo set")
            ),
            "set"
        );
    };
    let before = ["all", "eth0"].map(|name| inside("node1", &format!("cat {filters}/{name}/rp_filter")));
    let address = gateway::address(&server, "node1");
    let does = |script: &str| assert_eq!(inside("node1", &format!("{script} && echo done")), "done", "{script}");
    let asks = || {
        let mut question = question("10.0.0.9");
        question["from"]["interface"] = json!("eth0");
        let (status, explanation) = server.post("explain", &question);
        let got = inside("node1", "ping -c 1 -W 2 -I eth0 10.0.0.9 > /dev/null && echo reached") == "reached";
        assert_eq!((status, &explanation["verdict"]), (200, &json!(if got { "yes" } else { "no" })), "{explanation}");
        explanation
    };

    // Another way out, by the first NIC, whose answers come back by it.
    does("ip route add default via 192.168.122.1 dev eth0 metric 500");
    set("0", "1");
    let explanation = asks();
    assert_eq!(explanation["hops"][0]["route"], "default via 192.168.122.1 dev eth0 metric 500", "{explanation}");
    let finding = &explanation["finding"];
    assert_eq!(finding["setting"], "net.ipv4.conf.eth0.rp_filter=1", "{explanation}");
    assert!(finding["text"]["en"].as_str().expect("text").contains("default via 192.168.48.10 dev eth1"), "{finding}");

    set("0", "2");
    assert_eq!(asks()["verdict"], "yes", "a loose filter");
    set("0", "1");
    does(&format!(
        "ip rule add from {address} lookup 100 priority 100 && ip route add default via 192.168.122.1 table 100"
    ));
    assert_eq!(asks()["verdict"], "yes", "a table for this source");
    does("ip rule del priority 100 && ip route flush table 100");
    assert_eq!(asks()["verdict"], "no", "as before");
    does("ip route del default via 192.168.48.10");
    assert_eq!(asks()["verdict"], "yes", "one way out");
    does("ip route add default via 192.168.48.10 dev eth1");

    does("ip route del default via 192.168.122.1 metric 500");
    set(&before[0], &before[1]);
    server.must(&["undo"]);
    net::assert_settles(PROGRAM, &start, "undone");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn what_cannot_be_asked_is_refused_with_its_field() {
    let _alone = alone();
    let server = Server::start("unasked");
    server.hears("node1");
    let good = question("10.0.0.9");
    let with = |part: &str, value: Value| {
        let mut question = good.clone();
        question[part] = value;
        let (status, problem) = server.post("explain", &question);
        (status, problem["field"].as_str().unwrap_or_default().to_owned())
    };
    let guest = |name: &str| json!({"is": "guest", "guest": name});
    let refused = |field: &str| (422, field.to_owned());
    assert_eq!(with("from", guest("nobody")), refused("from.guest"));
    assert_eq!(with("from", guest(&"x".repeat(100_000))), refused("from.guest"));
    assert_eq!(with("from", json!({"is": "guest", "guest": "node1", "interface": "eth77"})), refused("from.interface"));
    assert_eq!(with("from", json!({"is": "outside", "uplink": "eno77"})), refused("from.uplink"));
    assert_eq!(with("to", guest("nobody")), refused("to.guest"));
    assert_eq!(with("to", json!({"is": "address", "address": "10.0.0.300"})), refused("to"));
    assert_eq!(with("to", json!({"is": "address", "address": "0.0.0.0"})), refused("to.address"));
    assert_eq!(with("probe", json!({"protocol": "tcp", "port": 0})), refused("probe.port"));
    assert_eq!(with("probe", json!({"protocol": "tcp", "port": 65536})), refused("probe"));
    assert_eq!(with("probe", json!({"protocol": "sctp", "port": 1})), refused("probe.protocol"));
    let output = server.run(&["explain", "nobody", "10.0.0.9"]);
    assert_eq!(output.status.code(), Some(3), "{}", server::stderr(&output));
    assert!(server::stderr(&output).contains("from.guest"), "{}", server::stderr(&output));
}
