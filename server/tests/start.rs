//! The start of the host, as the service meets it: what is the host's part of the document is put back before libvirt answers,
//! and the service manager hears of it only then.

mod net;
mod server;

use std::{os::unix::net::UnixDatagram, process::Command, time::Duration};

use serde_json::json;
use server::{BRIDGE, PROGRAM, Server, alone, database};

#[test]
#[ignore = "needs a lab: run by make test"]
fn the_host_is_put_back_before_libvirt_answers() {
    let _alone = alone();
    let mut server = Server::start("start");
    let start = net::settled(PROGRAM);
    server.must(&["apply", &server.file(BRIDGE), "--yes"]);
    let with_bridge = net::settled(PROGRAM);
    server.kill();

    // As a start of the host leaves it.
    assert!(Command::new("ip").args(["link", "delete", "mybr0"]).status().expect("ip").success());
    let known = database(&server.state()).execute("UPDATE started SET boot = 'the one before' WHERE what = 'host'", []);
    assert_eq!(known.expect("an edit"), 1, "the start before was noted");
    let manager = server.folder.join("notify");
    let messages = UnixDatagram::bind(&manager).expect("a socket");
    messages.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let nobody = format!("qemu+unix:///system?socket={}", server.folder.join("nobody").display());
    let environment = [("NOTIFY_SOCKET", manager.to_str().expect("UTF-8")), ("LIBVIRT_DEFAULT_URI", &nobody)];
    let mut server = server.served_again_with(&environment);

    let mut message = [0; 256];
    let length = messages.recv(&mut message).expect("the service says that it is ready");
    assert_eq!(std::str::from_utf8(&message[..length]).expect("UTF-8").trim(), "READY=1");
    let observed = server.get("observed");
    assert_ne!(observed["sources"]["libvirt"], json!("answers"), "nobody is at that socket");
    let log = String::from_utf8(server.run(&["history"]).stdout).expect("text");
    assert!(log.contains("put back after a start of host"), "{log}");
    let link = Command::new("ip").args(["-br", "address", "show", "dev", "mybr0"]).output().expect("ip");
    assert!(String::from_utf8_lossy(&link.stdout).contains("192.168.48.1/24"), "{link:?}");

    server.kill();
    let server = server.served_again();
    net::assert_settles(PROGRAM, &with_bridge, "put back");
    server.must(&["undo"]);
    net::assert_settles(PROGRAM, &start, "undone");
}
