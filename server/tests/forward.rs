//! Ports that lead from outside to a member, with packets of their own: from the outside world, and from another member.

mod gateway;
mod net;
mod server;

use gateway::{GUEST, HOST, MEMBERS, address, answers, from_outside, inside, silence};
use server::{PROGRAM, Server, alone, until};

const FORWARD: &str = r#"
members = ["node1", "node2"]
detach_outside = true

[[gateway.forward]]
port = 8080
to = "192.168.48.20"
to_port = 80
"#;

/// Applies this gateway with its forward, sees that the port leads to `node1`, and takes it back. `asked` is who the other
/// member asks.
fn leads_to_node1(server: &Server, gateway: &str, asked: &str) {
    let start = net::settled(PROGRAM);
    // A guest whose NIC has just come back may still be setting it up by itself: then the change is taken back.
    let file = server.file(&format!("{MEMBERS}{gateway}{FORWARD}"));
    until("the change is applied", || server.run(&["apply", &file, "--yes"]).status.success());
    let listener = answers("node1");
    until("the outside world is led to node1", || from_outside("10.0.0.1", 8080) == "node1");
    until("the other member is led to node1", || {
        inside("node2", &format!("nc -w 3 {asked} 8080 < /dev/null")) == "node1"
    });
    assert_eq!(from_outside("10.0.0.1", 8081), "", "no other port leads anywhere");
    silence("node1", &listener);

    server.must(&["undo"]);
    assert_eq!(from_outside("10.0.0.1", 8080), "", "undone");
    net::assert_settles(PROGRAM, &start, "undone");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_port_of_a_guest_gateway_leads_to_a_member() {
    let _alone = alone();
    let server = Server::start("forward");
    ["master", "node1", "node2"].iter().for_each(|guest| server.hears(guest));
    leads_to_node1(&server, GUEST, &address(&server, "master"));
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_port_of_the_host_leads_to_a_member() {
    let _alone = alone();
    let server = Server::start("forward-host");
    ["master", "node1", "node2"].iter().for_each(|guest| server.hears(guest));
    leads_to_node1(&server, HOST, "10.0.0.1");
}
