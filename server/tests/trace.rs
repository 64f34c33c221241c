//! A packet really sent in a lab, and where it is seen: the ping that dies between two guests of one bridge, and the way of
//! nine hops. What is seen is what was predicted, and nothing stays.

mod gateway;
mod net;
mod server;

use std::process::{Command, Stdio};

use gateway::{GUEST, MEMBERS};
use serde_json::{Value, json};
use server::{PROGRAM, Server, alone, until};

/// Both guests on a bridge of ours; whether its ports may talk is said.
fn bridge(ports_talk: bool) -> String {
    MEMBERS
        .replace("address = \"192.168.48.1/24\"", &format!("address = \"192.168.48.1/24\"\nports_talk = {ports_talk}"))
}

fn question(to: &str) -> Value {
    json!({"from": {"is": "guest", "guest": "node1"}, "to": {"is": "address", "address": to}, "probe": {"protocol": "echo"}})
}

fn traced(server: &Server, question: &Value) -> Value {
    let (status, trace) = server.post("trace", question);
    assert_eq!(status, 200, "{trace}");
    trace
}

/// Place, and whether it was seen there, in the order of the way.
fn looks(trace: &Value) -> Vec<(String, String)> {
    let hops = trace["explanation"]["hops"].as_array().expect("hops").iter();
    let looks = trace["looks"].as_array().expect("looks").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let place = |hop: &Value| {
        let place = &hop["place"];
        [text(&place["guest"]), text(&place["link"]), text(&place["uplink"])].concat()
    };
    hops.zip(looks).map(|(hop, look)| (place(hop), text(&look["look"]))).collect()
}

fn ruleset() -> String {
    let output = Command::new("nft").args(["list", "ruleset"]).stdin(Stdio::null()).output().expect("nft runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // Counters count.
    text.lines().map(|line| line.split(" packets ").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn promiscuous() -> Vec<String> {
    let output = Command::new("ip").args(["-d", "-o", "link"]).stdin(Stdio::null()).output().expect("ip runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = |line: &str| {
        line.split_once("promiscuity ").map(|(_, rest)| rest.split(' ').next().unwrap_or_default().to_owned())
    };
    let name = |line: &str| line.split(": ").nth(1).unwrap_or_default().to_owned();
    text.lines().map(|line| format!("{} {}", name(line), word(line).unwrap_or_default())).collect()
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_dead_ping_is_seen_as_far_as_was_predicted_and_no_further() {
    let _alone = alone();
    let server = Server::start("trace-dead");
    ["node1", "node2"].iter().for_each(|guest| server.hears(guest));
    let start = net::settled(PROGRAM);
    let file = server.file(&bridge(false));
    until("the change is applied", || server.run(&["apply", &file, "--yes"]).status.success());
    let (rules, links) = (ruleset(), promiscuous());

    let trace = traced(&server, &question("192.168.48.30"));
    assert_eq!((&trace["answered"], &trace["agrees"]), (&json!(false), &json!(true)), "{trace}");
    assert_eq!(trace["explanation"]["finding"]["rule"]["chain"], "FORWARD", "{trace}");
    let looks = looks(&trace);
    let seen: Vec<&str> = looks.iter().filter(|(_, look)| look == "seen").map(|(place, _)| place.as_str()).collect();
    assert!(seen.len() == 2 && seen[0].starts_with("vnet") && seen[1] == "mybr0", "{looks:?}");
    assert_eq!((ruleset(), promiscuous()), (rules.clone(), links.clone()), "nothing stays");

    let file = server.file(&bridge(true));
    server.must(&["apply", &file, "--yes"]);
    let trace = traced(&server, &question("192.168.48.30"));
    assert_eq!((&trace["answered"], &trace["agrees"]), (&json!(true), &json!(true)), "let through: {trace}");

    server.must(&["undo"]);
    server.must(&["undo"]);
    net::assert_settles(PROGRAM, &start, "undone");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn the_way_of_nine_hops_is_seen_with_both_translations() {
    let _alone = alone();
    let server = Server::start("trace-nine");
    ["master", "node1", "node2"].iter().for_each(|guest| server.hears(guest));
    let start = net::settled(PROGRAM);
    let members = "members = [\"node1\", \"node2\"]\ndetach_outside = true";
    let file = server.file(&format!("{MEMBERS}{GUEST}{members}\n"));
    until("the change is applied", || server.run(&["apply", &file, "--yes"]).status.success());

    let trace = traced(&server, &question("10.0.0.9"));
    assert_eq!((&trace["answered"], &trace["agrees"]), (&json!(true), &json!(true)), "{trace}");
    let seen = looks(&trace).into_iter().filter(|(_, look)| look == "seen").count();
    assert_eq!(seen, 12, "tap, bridge, tap, tap, bridge and NIC, there and back: {trace}");
    let sightings = trace["sightings"].as_array().expect("sightings");
    let there = sightings.iter().filter(|seen| seen["packet"]["reply"] == false);
    let mut sources: Vec<&str> = there.filter_map(|seen| seen["packet"]["source"].as_str()).collect();
    sources.dedup();
    let master = gateway::address(&server, "master");
    assert_eq!(sources, ["192.168.48.20", &master, "10.0.0.1"], "both translations, in order of time");

    let output = server.run(&["trace", "node1", "10.0.0.9"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("seen at") && text.contains("happened: answered, as predicted"), "{text}");
    let output = server.run(&["trace", "node1", "10.0.0.9", "--predict-only"]);
    assert!(output.status.success() && !String::from_utf8_lossy(&output.stdout).contains("seen at"));

    server.must(&["undo"]);
    net::assert_settles(PROGRAM, &start, "undone");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn what_cannot_be_sent_is_refused_and_so_is_a_second_at_once() {
    let _alone = alone();
    let mut server = Server::start("trace-refused");
    server.hears("node1");
    let from = |from: Value| {
        let mut question = question("10.0.0.9");
        question["from"] = from;
        let (status, problem) = server.post("trace", &question);
        (status, problem["field"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(from(json!({"is": "outside"})), (422, "from".to_owned()));
    assert_eq!(from(json!({"is": "guest", "guest": "nobody"})), (422, "from.guest".to_owned()));
    let links = promiscuous();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let ask = || scope.spawn(|| server.post("trace", &question("10.0.0.77")).0);
        [ask(), ask(), ask()].into_iter().map(|asked| asked.join().expect("an answer")).collect()
    });
    assert!(statuses.contains(&200) && statuses.contains(&409), "one at a time: {statuses:?}");
    assert_eq!(promiscuous(), links, "nothing stays");

    // Killed while it captures.
    let mut asking = server.command(&["trace", "node1", "10.0.0.77"]).stderr(Stdio::null()).spawn().expect("it runs");
    until("a capture runs", || promiscuous() != links);
    server.kill();
    assert!(!asking.wait().expect("it ends").success(), "nobody answered it");
    until("the kernel has taken all back", || promiscuous() == links);
}
