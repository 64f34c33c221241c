//! What a NIC gets by itself inside its guest, in a lab: an address by DHCP, and the sources that its kernel takes.

mod net;
mod server;

use std::process::{Command, Stdio};

use server::{PROGRAM, Server, alone};

const NIC: &str = "52:54:00:48:00:88";

fn inside(script: &str) -> String {
    let arguments = ["lab", "guest", "node1", "--", "sh", "-c", script];
    let output = Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The IPv4 addresses of the NIC.
fn addresses() -> Vec<String> {
    let script = format!("ip -4 -o addr show dev $(grep -l {NIC} /sys/class/net/*/address | cut -d / -f 5)");
    let printed = inside(&script);
    let nets = printed.lines().filter_map(|line| line.split_whitespace().nth(3));
    nets.map(str::to_owned).collect()
}

fn clients() -> usize {
    inside("pidof udhcpc || true").split_whitespace().count()
}

fn filter() -> String {
    inside("cat /proc/sys/net/ipv4/conf/eth0/rp_filter").trim().to_owned()
}

/// The NIC of node1 that was there from the start.
fn first(server: &Server) -> String {
    server.get("observed")["domains"]["node1"]["nics"][0]["mac"].as_str().expect("a MAC").to_owned()
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_nic_gets_its_address_by_dhcp_beside_its_own() {
    let _alone = alone();
    let server = Server::start("client");
    server.hears("node1");
    let (start, before, routes) = (net::settled(PROGRAM), clients(), inside("ip -4 route show default"));
    let document =
        format!("[[nic]]\nguest = \"node1\"\nmac = \"{NIC}\"\nnetwork = \"default\"\ndhcp = true\naccept_ra = true\n");
    server.must(&["apply", &server.file(&document), "--yes"]);
    let leased = addresses();
    assert_eq!(leased.len(), 1, "{leased:?}");
    assert!(leased[0].starts_with("192.168.122."), "{leased:?}");
    assert_eq!(clients(), before + 1);
    let shown = &server.get("observed")["guests"]["node1"]["interfaces"];
    let own = shown.as_array().expect("interfaces").iter().find(|own| own["mac"] == NIC).expect("the NIC").clone();
    assert_eq!(own["dhcp"], true, "{own}");

    // One of its own beside it: the lease stays.
    let both = document.clone() + "address = \"192.168.122.250/24\"\n";
    server.must(&["apply", &server.file(&both), "--yes"]);
    let now = addresses();
    assert!(now.contains(&leased[0]) && now.contains(&"192.168.122.250/24".to_owned()), "{now:?}");

    // And alone: only what the lease brought goes.
    let alone = both.replace("dhcp = true\n", "");
    server.must(&["apply", &server.file(&alone), "--yes"]);
    assert_eq!(addresses(), ["192.168.122.250/24"]);
    assert_eq!(clients(), before);

    server.must(&["undo"]);
    assert_eq!(clients(), before + 1);
    assert_eq!(addresses().len(), 2);
    server.must(&["undo"]);
    server.must(&["undo"]);
    net::assert_settles(PROGRAM, &start, "undone");
    assert_eq!(clients(), before);
    assert_eq!(inside("ip -4 route show default"), routes);
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_change_without_a_lease_is_taken_back() {
    let _alone = alone();
    let server = Server::start("no-lease");
    server.hears("node1");
    let (start, before) = (net::settled(PROGRAM), clients());
    let document = format!(
        "[[bridge]]\nname = \"mybr0\"\n\n[[nic]]\nguest = \"node1\"\nmac = \"{NIC}\"\nbridge = \"mybr0\"\ndhcp = true\n"
    );
    let refused = server.run(&["apply", &server.file(&document), "--yes"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("by DHCP"), "{said}");
    net::assert_settles(PROGRAM, &start, "taken back");
    assert_eq!(clients(), before);
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn sources_are_validated_as_the_document_says() {
    let _alone = alone();
    let server = Server::start("filter");
    server.hears("node1");
    let (start, before, mac) = (net::settled(PROGRAM), filter(), first(&server));
    let document =
        format!("[[nic]]\nguest = \"node1\"\nmac = \"{mac}\"\nnetwork = \"default\"\nrp_filter = \"strict\"\n");
    server.must(&["apply", &server.file(&document), "--yes"]);
    assert_eq!(filter(), "1");
    server.must(&["apply", &server.file(&document.replace("strict", "loose")), "--yes"]);
    assert_eq!(filter(), "2");
    server.must(&["undo"]);
    assert_eq!(filter(), "1");
    server.must(&["undo"]);
    assert_eq!(filter(), before);
    net::assert_settles(PROGRAM, &start, "undone");
}
