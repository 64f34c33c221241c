//! What members may reach by their gateway, with packets of their own; what comes to them by a port forward is another thing.

mod gateway;
mod net;
mod server;

use gateway::{GUEST, HOST, MEMBERS, answers, from_outside, inside, silence};
use server::{PROGRAM, Server, alone, until};

const FORWARD: &str = r#"
[[gateway.forward]]
port = 8080
to = "192.168.48.20"
to_port = 80
"#;

/// The document with this gateway, whose members may reach these networks.
fn document(gateway: &str, destinations: &str) -> String {
    let members = "members = [\"node1\", \"node2\"]\ndetach_outside = true";
    format!("{MEMBERS}{gateway}{members}\ndestinations = {destinations}\n{FORWARD}")
}

/// The outside world's host, asked by `node1`. What is refused is not waited for.
fn reaches_outside() -> bool {
    inside("node1", "ping -c 1 -W 2 10.0.0.9 > /dev/null && echo reached") == "reached"
}

/// Lets members reach one network, and then none, and takes both back. `hop` is what they call the gateway.
fn lets_through(server: &Server, gateway: &str, hop: &str) {
    let start = net::settled(PROGRAM);
    let file = server.file(&document(gateway, "[\"10.0.0.0/24\"]"));
    // A guest whose NIC has just come back may still be setting it up by itself: then the change is taken back.
    until("the change is applied", || server.run(&["apply", &file, "--yes"]).status.success());
    assert!(reaches_outside(), "10.0.0.9 is in the list");
    let traced = inside("node1", "traceroute -n -q 1 -w 2 -m 2 192.0.2.1");
    assert!(traced.contains("!X") && !traced.contains("10.0.0.9"), "what is not in the list is refused: {traced}");

    let file = server.file(&document(gateway, "[]"));
    let applied = server.run(&["apply", &file, "--yes"]);
    let said = String::from_utf8_lossy(&applied.stdout).into_owned();
    assert!(applied.status.success(), "{said}{}", server::stderr(&applied));
    assert!(said.contains(&format!("node1: {hop}")) && said.contains("no way to 10.0.0.9"), "it is proven: {said}");
    assert!(!reaches_outside(), "nothing is in the list");
    let near = inside("node1", "ping -c 1 -W 2 192.168.48.30 > /dev/null && echo reached");
    assert_eq!(near, "reached", "its own subnet is not outside");
    let listener = answers("node1");
    until("the outside world is led to node1", || from_outside("10.0.0.1", 8080) == "node1");
    silence("node1", &listener);

    server.must(&["undo"]);
    assert!(reaches_outside(), "undone");
    server.must(&["undo"]);
    net::assert_settles(PROGRAM, &start, "undone");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_guest_gateway_lets_members_reach_what_it_may() {
    let _alone = alone();
    let server = Server::start("destinations");
    ["master", "node1", "node2"].iter().for_each(|guest| server.hears(guest));
    lets_through(&server, GUEST, "192.168.48.10");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn the_host_lets_members_reach_what_it_may() {
    let _alone = alone();
    let server = Server::start("destinations-host");
    ["master", "node1", "node2"].iter().for_each(|guest| server.hears(guest));
    lets_through(&server, HOST, "192.168.48.1");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_limit_that_somebody_removes_is_drift_and_is_put_back() {
    let _alone = alone();
    let server = Server::start("destinations-drift");
    ["master", "node1", "node2"].iter().for_each(|guest| server.hears(guest));
    let start = net::settled(PROGRAM);
    let file = server.file(&document(HOST, "[]"));
    until("the change is applied", || server.run(&["apply", &file, "--yes"]).status.success());
    let flushed = std::process::Command::new("nft").args(["flush", "chain", "inet", "bridgehead", "forward"]).status();
    assert!(flushed.expect("nft runs").success());
    until("it leaves the host", reaches_outside);
    until("it is drift", || !server.get("drift").as_array().expect("a list").is_empty());
    server.must(&["put-back"]);
    assert!(!reaches_outside(), "put back");
    let nothing = server.file("");
    server.must(&["apply", &nothing, "--yes"]);
    net::assert_settles(PROGRAM, &start, "without a document");
}
