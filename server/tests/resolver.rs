//! What a guest is called and whom it asks for names, in a lab: it is so inside as soon as it is applied, is changed in its
//! place, and undo gives back the very file that was there.

mod net;
mod server;

use std::process::{Command, Stdio};

use serde_json::json;
use server::{PROGRAM, Server, alone};

fn inside(script: &str) -> String {
    let arguments = ["lab", "guest", "node1", "--", "sh", "-c", script];
    let output = Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Its own files of names, with mode and inode: the very ones.
fn files() -> String {
    inside(
        "cd /etc && ls -A | grep -v '^resolv.conf$' && stat -c '%n %a %i' resolv.conf hostname && cat resolv.conf hostname",
    )
}

/// The servers of its resolv.conf, the first first.
fn servers() -> Vec<String> {
    let printed = inside("grep ^nameserver /etc/resolv.conf");
    printed.lines().filter_map(|line| line.split_whitespace().nth(1)).map(str::to_owned).collect()
}

fn hostname() -> String {
    inside("hostname").trim().to_owned()
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn name_servers_and_hostname_are_set_and_given_back() {
    let _alone = alone();
    let server = Server::start("resolver");
    server.hears("node1");
    let start = net::settled(PROGRAM);
    let before = files();
    let facts = || server.get("observed")["guests"]["node1"].clone();
    let known = facts();
    assert_eq!((&known["hostname"], &known["resolver"]), (&json!("node1"), &json!("file")));
    assert_eq!(known["nameservers"], json!(servers()));

    let document = "[[guest]]\nname = \"node1\"\ndns = [\"10.0.0.9\", \"192.168.122.1\"]\nhostname = \"db1\"\n";
    server.must(&["apply", &server.file(document), "--yes"]);
    assert_eq!(servers(), ["10.0.0.9", "192.168.122.1"]);
    assert_eq!(hostname(), "db1");
    let now = facts();
    assert_eq!(now["hostname"], "db1", "shown as soon as it is so");
    assert_eq!(now["nameservers"], json!(["10.0.0.9", "192.168.122.1"]));

    let changed = document.replace("[\"10.0.0.9\", \"192.168.122.1\"]", "\"10.0.0.8\"").replace("db1", "db2");
    server.must(&["apply", &server.file(&changed), "--yes"]);
    assert_eq!((servers(), hostname()), (vec!["10.0.0.8".to_owned()], "db2".to_owned()));
    server.must(&["undo"]);
    assert_eq!((servers().len(), hostname()), (2, "db1".to_owned()));
    server.must(&["undo"]);
    assert_eq!(hostname(), "node1");
    assert_eq!(files(), before, "undone");
    assert_eq!(facts()["nameservers"], known["nameservers"]);
    net::assert_settles(PROGRAM, &start, "undone");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn what_nobody_can_be_called_is_refused() {
    let _alone = alone();
    let server = Server::start("resolver-refused");
    server.hears("node1");
    let before = files();
    for (line, says) in [
        ("dns = \"224.0.0.251\"", "guest.node1.dns"),
        ("dns = [\"10.0.0.1\", \"10.0.0.2\", \"10.0.0.3\", \"10.0.0.4\"]", "guest.node1.dns"),
        ("hostname = \"no name\"", "guest.node1.hostname"),
    ] {
        let document = format!("[[guest]]\nname = \"node1\"\n{line}\n");
        let (_, plan) = server.post("plan", &json!({ "cluster": cluster(&document) }));
        let blocks = |note: &serde_json::Value| note["field"] == says && note["severity"] == "block";
        assert!(plan["notes"].as_array().is_some_and(|notes| notes.iter().any(blocks)), "{line}: {plan}");
        let refused = server.run(&["apply", &server.file(&document), "--yes"]);
        assert!(!refused.status.success(), "{line}");
    }
    assert_eq!((files(), hostname()), (before, "node1".to_owned()));
}

fn cluster(document: &str) -> model::Cluster {
    model::Cluster::from_toml(document).expect("a document")
}
