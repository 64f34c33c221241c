//! Ports that lead from outside to a member, with packets of their own: from the outside world, and from another member.

mod net;
mod server;

use std::process::{Command, Output};

use serde_json::Value;
use server::{PROGRAM, Server, alone, until};

const MEMBERS: &str = r#"
[[bridge]]
name = "mybr0"
address = "192.168.48.1/24"

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

const GUEST: &str = r#"
[[nic]]
guest = "master"
mac = "52:54:00:48:00:10"
bridge = "mybr0"
address = "192.168.48.10/24"

[[gateway]]
bridge = "mybr0"
guest = "master"
outside = "default"
"#;

const HOST: &str = r#"
[[gateway]]
bridge = "mybr0"
host = true
outside = "eno1"
translation = "masquerade"
"#;

const FORWARD: &str = r#"
members = ["node1", "node2"]
detach_outside = true

[[gateway.forward]]
port = 8080
to = "192.168.48.20"
to_port = 80
"#;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn inside(guest: &str, script: &str) -> String {
    let output = Command::new(PROGRAM).args(["lab", "guest", guest, "--", "sh", "-c", script]).output();
    said(&output.expect("it runs"))
}

/// What the outside world reads at a port.
fn from_outside(address: &str, port: u16) -> String {
    let read = format!("exec 3<>/dev/tcp/{address}/{port} && cat <&3");
    let output = Command::new("ip").args(["netns", "exec", "outside", "timeout", "3", "bash", "-c", &read]).output();
    said(&output.expect("ip runs"))
}

/// The address of a guest on the network `default`.
fn address(server: &Server, guest: &str) -> String {
    let observed = server.get("observed");
    let interfaces = observed["guests"][guest]["interfaces"].as_array().expect("interfaces");
    let addresses = interfaces.iter().flat_map(|own| own["addresses"].as_array().expect("addresses"));
    let net = addresses.filter_map(Value::as_str).find(|net| net.starts_with("192.168.122.")).expect("an address");
    net.split('/').next().unwrap_or_default().to_owned()
}

/// Applies this gateway with its forward, sees that the port leads to `node1`, and takes it back. `asked` is who the other
/// member asks.
fn leads_to_node1(server: &Server, gateway: &str, asked: &str) {
    let start = net::settled(PROGRAM);
    // A guest whose NIC has just come back may still be setting it up by itself: then the change is taken back.
    let file = server.file(&format!("{MEMBERS}{gateway}{FORWARD}"));
    until("the change is applied", || server.run(&["apply", &file, "--yes"]).status.success());
    let serve = "setsid sh -c 'while :; do echo node1 | nc -l -p 80; done' < /dev/null > /dev/null 2>&1 & echo $!";
    let listener = inside("node1", serve);
    until("the outside world is led to node1", || from_outside("10.0.0.1", 8080) == "node1");
    until("the other member is led to node1", || {
        inside("node2", &format!("nc -w 3 {asked} 8080 < /dev/null")) == "node1"
    });
    assert_eq!(from_outside("10.0.0.1", 8081), "", "no other port leads anywhere");
    inside("node1", &format!("kill -TERM -{listener}"));

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
