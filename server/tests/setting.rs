//! What a NIC is set to inside its guest, in a lab: MTU, further routes and the metric of its default route are so in the
//! guest, change one by one, and undo leaves nothing of them.

mod net;
mod server;

use std::process::{Command, Stdio};

use server::{PROGRAM, Server, alone};

const NIC: &str = "52:54:00:48:00:77";

fn inside(guest: &str, script: &str) -> String {
    let arguments = ["lab", "guest", guest, "--", "sh", "-c", script];
    let output = Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The routes of node2, without what the kernel makes of addresses.
fn routes() -> Vec<String> {
    let printed = inside("node2", "ip -4 route show");
    let lines = printed.lines().filter(|line| line.contains(" via "));
    lines.map(|line| line.split(" dev ").next().unwrap_or_default().to_owned() + metric(line)).collect()
}

fn metric(line: &str) -> &str {
    line.find(" metric ").map(|at| line[at..].trim_end()).unwrap_or_default()
}

fn mtu() -> String {
    inside("node2", &format!("cat $(grep -l {NIC} /sys/class/net/*/address | sed 's/address/mtu/')"))
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn mtu_routes_and_metric_are_set_and_given_back() {
    let _alone = alone();
    let server = Server::start("setting");
    server.hears("node2");
    let start = net::settled(PROGRAM);
    let before = routes();
    let document = format!(
        "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n\n\
         [[nic]]\nguest = \"node2\"\nmac = \"{NIC}\"\nbridge = \"mybr0\"\naddress = \"192.168.48.30/24\"\n\
         default_route = \"192.168.48.1\"\nmetric = 200\nmtu = 1400\n\
         route = [{{ to = \"10.77.0.0/16\", via = \"192.168.48.1\" }}]\n"
    );
    server.must(&["apply", &server.file(&document), "--yes"]);
    assert_eq!(mtu().trim(), "1400");
    let now = routes();
    assert!(now.contains(&"10.77.0.0/16 via 192.168.48.1".to_owned()), "{now:?}");
    assert!(now.contains(&"default via 192.168.48.1 metric 200".to_owned()), "{now:?}");

    // Another address in place of the only one takes every route with it, and they come back.
    let moved = document.replace("192.168.48.30", "192.168.48.31").replace("1400", "1300").replace("10.77.", "10.78.");
    server.must(&["apply", &server.file(&moved), "--yes"]);
    assert_eq!(mtu().trim(), "1300");
    let now = routes();
    assert!(now.contains(&"10.78.0.0/16 via 192.168.48.1".to_owned()), "{now:?}");
    assert!(now.contains(&"default via 192.168.48.1 metric 200".to_owned()), "{now:?}");
    assert!(!now.iter().any(|route| route.starts_with("10.77.")), "{now:?}");

    server.must(&["undo"]);
    assert_eq!(mtu().trim(), "1400");
    server.must(&["undo"]);
    net::assert_settles(PROGRAM, &start, "undone");
    assert_eq!(routes(), before);
}
