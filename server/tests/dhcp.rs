//! A bridge on which addresses are given, in a lab: what is plugged into it stays so while libvirt takes it over and gives it
//! back, guests get addresses, routes and names there, and a start of the host leaves it to libvirt.

mod net;
mod server;

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use server::{BRIDGE, PROGRAM, Server, alone, database, until};

const NODE1: &str = "\n[[nic]]\nguest = \"node1\"\nmac = \"52:54:00:48:00:20\"\nbridge = \"mybr0\"\n\
    address = \"192.168.48.20/24\"\n";
const NODE2: &str = "\n[[nic]]\nguest = \"node2\"\nmac = \"52:54:00:48:00:30\"\nbridge = \"mybr0\"\n\
    \n[[lease]]\nnetwork = \"mybr0\"\nmac = \"52:54:00:48:00:30\"\naddress = \"192.168.48.30\"\nname = \"node2\"\n";
const DHCP: &str = "\n[bridge.dhcp]\nrange = \"192.168.48.100-192.168.48.199\"\nrouter = \"192.168.48.20\"\n";

/// What a client of ours does with a lease: its default route stands behind the one that the guest has.
const CLIENT: &str = r#"cat > /tmp/dhcp.sh <<'END'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr replace "$ip/${mask:-24}" dev "$interface"
for gateway in $router; do ip route replace default via "$gateway" dev "$interface" metric 700; done
END
chmod +x /tmp/dhcp.sh
nic=$(grep -l 52:54:00:48:00:30 /sys/class/net/*/address | cut -d/ -f5)
ip link set "$nic" up
udhcpc -i "$nic" -n -q -f -t 10 -T 1 -s /tmp/dhcp.sh"#;

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn inside(guest: &str, script: &str) -> String {
    output(PROGRAM, &["lab", "guest", guest, "--", "sh", "-c", script])
}

/// The network as it is now, and as it is defined.
fn definitions() -> [String; 2] {
    [&["net-dumpxml", "mybr0"][..], &["net-dumpxml", "mybr0", "--inactive"]].map(|arguments| output("virsh", arguments))
}

fn networks() -> String {
    output("virsh", &["net-list", "--all", "--name"])
}

/// A link as the server shows it.
fn link(server: &Server, name: &str) -> Value {
    let observed = server.get("observed");
    let mut links = observed["links"].as_object().expect("links").values();
    links.find(|link| link["name"] == name).cloned().unwrap_or_default()
}

/// The tap of node1's NIC on the bridge.
fn tap(server: &Server) -> Value {
    let observed = server.get("observed");
    let mut nics = observed["domains"]["node1"]["nics"].as_array().expect("NICs").iter();
    let nic = nics.find(|nic| nic["mac"] == "52:54:00:48:00:20").expect("the NIC").clone();
    link(server, nic["tap"].as_str().expect("a tap"))
}

/// node1's tap is the one that it was, and is plugged into the bridge that is there now.
fn assert_plugged_in(server: &Server, before: &Value, when: &str) {
    let (tap, bridge) = (tap(server), link(server, "mybr0"));
    assert_eq!(tap["index"], before["index"], "{when}: the same tap");
    assert_eq!(tap["master"], bridge["index"], "{when}");
    assert!(net::ping("192.168.48.20"), "{when}: node1 answers");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn guests_get_addresses_routes_and_names_on_a_bridge_that_was_there() {
    let _alone = alone();
    let server = Server::start("dhcp");
    ["node1", "node2"].iter().for_each(|guest| server.hears(guest));
    let (start, networks_before) = (net::settled(PROGRAM), networks());
    server.must(&["apply", &server.file(&format!("{BRIDGE}{NODE1}")), "--yes"]);
    let (plain, tap, bridge) = (net::settled(PROGRAM), tap(&server), link(&server, "mybr0"));
    assert_plugged_in(&server, &tap, "plain");

    let served = format!("{BRIDGE}{DHCP}{NODE1}{NODE2}");
    server.must(&["apply", &server.file(&served), "--yes"]);
    assert_plugged_in(&server, &tap, "served");
    assert_eq!(link(&server, "mybr0")["mac"], bridge["mac"], "guests know the host by it");
    let network = &server.get("observed")["networks"]["mybr0"];
    let (ours, options) = (&network["ours"], &network["options"]);
    assert_eq!((ours, options), (&json!(true), &json!(["dhcp-option=3,192.168.48.20"])), "{network:#}");
    assert!([&network["active"], &network["autostart"], &network["persistent"]].iter().all(|is| **is == true));

    inside("node2", CLIENT);
    assert!(inside("node2", "ip -4 addr").contains("192.168.48.30/24"), "the static lease");
    let routes = inside("node2", "ip -4 route show default");
    assert!(routes.contains("via 192.168.48.20 "), "{routes}");
    let name = inside("node1", "nslookup node2 192.168.48.1 || true");
    assert!(name.contains("192.168.48.30"), "{name}");
    until("the lease is shown", || {
        let leases = &server.get("observed")["networks"]["mybr0"]["leases"];
        leases.as_array().is_some_and(|leases| leases.iter().any(|lease| lease["mac"] == "52:54:00:48:00:30"))
    });

    // What changes while it runs, and what does not.
    let running = link(&server, "mybr0")["index"].clone();
    let wider = served.replace("48.199", "48.249");
    server.must(&["apply", &server.file(&wider), "--yes"]);
    for definition in definitions() {
        assert!(definition.contains("<range start='192.168.48.100' end='192.168.48.249'/>"), "{definition}");
        assert_eq!(definition.matches("<range ").count(), 1, "{definition}");
    }
    assert_eq!(link(&server, "mybr0")["index"], running, "the bridge was left alone");
    let silent = wider.replace("router = \"192.168.48.20\"\n", "");
    server.must(&["apply", &server.file(&silent), "--yes"]);
    for definition in definitions() {
        assert!(definition.contains("<dnsmasq:option value='dhcp-option=3'/>"), "{definition}");
        assert!(definition.contains("name='node2' ip='192.168.48.30'"), "{definition}");
    }
    assert_plugged_in(&server, &tap, "without a router");

    for _ in 0..3 {
        server.must(&["undo"]);
    }
    assert_eq!(networks(), networks_before);
    assert_plugged_in(&server, &tap, "plain again");
    net::assert_settles(PROGRAM, &plain, "plain again");
    server.must(&["undo"]);
    net::assert_settles(PROGRAM, &start, "undone");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_start_of_the_host_is_libvirts() {
    let _alone = alone();
    let mut server = Server::start("dhcp-start");
    let (start, networks_before) = (net::settled(PROGRAM), networks());
    server.must(&["apply", &server.file(&format!("{BRIDGE}{DHCP}")), "--yes"]);
    let served = net::settled(PROGRAM);
    server.kill();

    // As a start of the host leaves it, before libvirt is there.
    net::virsh(&["net-destroy", "mybr0"]);
    let known = database(&server.state()).execute("UPDATE started SET boot = 'the one before' WHERE what = 'host'", []);
    assert_eq!(known.expect("an edit"), 1, "the start before was noted");
    let nobody = format!("qemu+unix:///system?socket={}", server.folder.join("nobody").display());
    let mut server = server.served_again_with(&[("LIBVIRT_DEFAULT_URI", &nobody)]);
    until("libvirt is known to be silent", || server.get("observed")["sources"]["libvirt"]["state"] == "silent");
    assert_eq!(link(&server, "mybr0"), Value::Null, "nobody but libvirt makes it");
    server.kill();

    let server = server.served_again();
    net::assert_settles(PROGRAM, &served, "started");
    server.must(&["undo"]);
    assert_eq!(networks(), networks_before);
    net::assert_settles(PROGRAM, &start, "undone");
}
