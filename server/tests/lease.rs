//! Static leases, in a lab: libvirt has them in both of a network's definitions, a guest that renews its lease gets what the
//! document says, and undo leaves nothing of them.

mod server;

use std::process::{Command, Stdio};

use serde_json::json;
use server::{PROGRAM, Server, alone, until};

const ADDRESS: &str = "192.168.122.77";

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The network as it is now, and as it is defined; without the number of those who use it, which libvirt forgets with every
/// update.
fn definitions() -> [String; 2] {
    [&["net-dumpxml", "default"][..], &["net-dumpxml", "default", "--inactive"]].map(|arguments| {
        let printed = output("virsh", arguments);
        let (_, inner) = printed.split_once('\n').expect("lines");
        inner.to_owned()
    })
}

fn inside(guest: &str, script: &str) -> String {
    output(PROGRAM, &["lab", "guest", guest, "--", "sh", "-c", script])
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_guest_always_gets_the_address_that_the_document_says() {
    let _alone = alone();
    let server = Server::start("lease");
    server.hears("node1");
    let before = definitions();
    let mac = server.get("observed")["domains"]["node1"]["nics"][0]["mac"].as_str().expect("a MAC").to_owned();
    let document =
        format!("[[lease]]\nnetwork = \"default\"\nmac = \"{mac}\"\naddress = \"{ADDRESS}\"\nname = \"node1\"\n");
    server.must(&["apply", &server.file(&document), "--yes"]);
    let hosts = &server.get("observed")["networks"]["default"]["subnets"][0]["hosts"];
    assert_eq!(*hosts, json!([{"mac": mac, "name": "node1", "address": ADDRESS}]), "shown as soon as it is so");
    for definition in definitions() {
        assert!(definition.contains(&format!("<host mac='{mac}' name='node1' ip='{ADDRESS}'/>")), "{definition}");
    }

    inside("node1", "kill -USR1 $(pidof udhcpc)");
    until("node1 has the address", || inside("node1", "ip -4 addr show dev eth0").contains(&format!("{ADDRESS}/")));

    // The same MAC, another address: changed in its place.
    let moved = document.replace(ADDRESS, "192.168.122.78").replace("name = \"node1\"\n", "");
    server.must(&["apply", &server.file(&moved), "--yes"]);
    for definition in definitions() {
        assert!(definition.contains(&format!("<host mac='{mac}' ip='192.168.122.78'/>")), "{definition}");
        assert!(!definition.contains(ADDRESS), "{definition}");
    }
    server.must(&["undo"]);
    assert!(definitions().iter().all(|definition| definition.contains(ADDRESS)));
    server.must(&["undo"]);
    assert_eq!(definitions(), before);
    assert_eq!(server.get("observed")["networks"]["default"]["subnets"][0]["hosts"], json!([]));
}
