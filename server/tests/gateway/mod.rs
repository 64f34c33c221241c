//! A gateway and its two members in a lab, and who reaches whom.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::process::{Command, Output};

use serde_json::Value;

use crate::server::{PROGRAM, Server};

pub const MEMBERS: &str = r#"
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

/// `master` is the gateway.
pub const GUEST: &str = r#"
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

/// The host is.
pub const HOST: &str = r#"
[[gateway]]
bridge = "mybr0"
host = true
outside = "eno1"
translation = "masquerade"
"#;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What a script says inside a guest.
pub fn inside(guest: &str, script: &str) -> String {
    let output = Command::new(PROGRAM).args(["lab", "guest", guest, "--", "sh", "-c", script]).output();
    said(&output.expect("it runs"))
}

/// What the outside world reads at a port.
pub fn from_outside(address: &str, port: u16) -> String {
    let read = format!("exec 3<>/dev/tcp/{address}/{port} && cat <&3");
    let output = Command::new("ip").args(["netns", "exec", "outside", "timeout", "3", "bash", "-c", &read]).output();
    said(&output.expect("ip runs"))
}

/// The address of a guest on the network `default`.
pub fn address(server: &Server, guest: &str) -> String {
    let observed = server.get("observed");
    let interfaces = observed["guests"][guest]["interfaces"].as_array().expect("interfaces");
    let addresses = interfaces.iter().flat_map(|own| own["addresses"].as_array().expect("addresses"));
    let net = addresses.filter_map(Value::as_str).find(|net| net.starts_with("192.168.122.")).expect("an address");
    net.split('/').next().unwrap_or_default().to_owned()
}

/// Has a guest answer whoever asks its port 80, with its name. Gives the process, for [`silence`].
pub fn answers(guest: &str) -> String {
    let serve =
        format!("setsid sh -c 'while :; do echo {guest} | nc -l -p 80; done' < /dev/null > /dev/null 2>&1 & echo $!");
    inside(guest, &serve)
}

pub fn silence(guest: &str, listener: &str) {
    inside(guest, &format!("kill -TERM -{listener}"));
}
