//! Changes that fail, are interrupted or are not confirmed: in a lab, with a server of their own that can be killed.
//!
//! After each, the network is as it was or as it was to be. What happened is printed as a table.

mod net;
mod server;

use std::{os::unix::process::ExitStatusExt, path::Path};

use reqwest::Method;
use serde_json::{Value, json};
use server::{BRIDGE, NIC, PROGRAM, Server, UPLINK, alone, say, serve, stderr, until};

const GATEWAY: [&str; 7] = ["gateway", "mybr0", "--via", "master", "--members", "node1", "--yes"];

#[test]
#[ignore = "needs a lab: run by make test"]
fn every_step_fails_in_turn() {
    let _alone = alone();
    let server = Server::start("fails");
    for guest in ["master", "node1"] {
        server.hears(guest);
    }
    let start = net::settled(PROGRAM);
    say("| step | fails | ended | left over |\n|---|---|---|---|");
    for nth in 1.. {
        let mut ended = 0;
        for when in ["before", "after"] {
            server.order(&format!("serve fail-{when} {nth}"));
            let output = server.run(&GATEWAY);
            if output.status.success() {
                ended += 1;
                assert!(server.run(&["undo"]).status.success(), "{when} {nth}");
            } else {
                assert!(stderr(&output).contains("a fault was ordered"), "{}", stderr(&output));
            }
            let change = server.get("changes");
            let state = if output.status.success() { "no such step: undone" } else { "rolled back" };
            say(&format!("| {nth} | {when} | {state} | {} |", change["left_over"]));
            assert_eq!(change["left_over"], json!([]));
            net::assert_same(&start, &net::settled(PROGRAM), &format!("{when} {nth}"));
        }
        if ended == 2 {
            assert!(nth > 10, "the gateway has more steps than {nth}");
            break;
        }
    }
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_kill_at_every_write_of_the_journal_leaves_the_old_network_or_the_new_one() {
    let _alone = alone();
    let start = net::settled(PROGRAM);
    let mut server = Server::start("killed");
    let file = server.file(NIC);
    let (mut old, mut new) = (0, 0);
    for point in 1.. {
        server.hears("node2");
        server.order(&format!("serve kill {point}"));
        let output = server.run(&["apply", &file, "--yes"]);
        let survived = output.status.success() && server.child.try_wait().expect("a child").is_none();
        if !survived {
            let status = server.ended();
            assert_eq!(status.signal(), Some(9), "point {point}: {}", stderr(&output));
            // In the middle of the change, the one that takes it back is killed too, at each of its own writes.
            if point == 10 {
                for again in 1..=4 {
                    server.order(&format!("serve kill {again}"));
                    server = server.served_again();
                    assert_eq!(server.ended().signal(), Some(9), "killed again at {again}");
                }
            }
            server.order("");
            server = server.served_again();
        }
        if server.document().is_empty() {
            old += 1;
        } else {
            new += 1;
            server.order("");
            server.must(&["undo"]);
        }
        net::assert_same(&start, &net::settled(PROGRAM), &format!("killed at point {point}"));
        if survived {
            break;
        }
    }
    say(&format!("killed at {} points: {old} times the old network, {} times the new one", old + new - 1, new - 1));
    assert!(old > 12 && new >= 2);
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn what_nobody_confirms_is_taken_back() {
    let _alone = alone();
    let server = Server::start("unconfirmed");
    let start = net::settled(PROGRAM);
    server.take_over_uplink();
    let change = server.await_state("rolled-back");
    assert!(change["error"].as_str().is_some_and(|error| error.contains("nobody confirmed")), "{change}");
    assert_eq!(change["left_over"], json!([]));
    net::assert_same(&start, &net::settled(PROGRAM), "nobody confirmed");

    // The command line confirms by itself: it came through.
    server.must(&["apply", &server.file(UPLINK), "--yes"]);
    assert!(net::ping("10.0.0.9"), "the way out leads through the bridge");
    server.must(&["undo"]);
    net::assert_same(&start, &net::settled(PROGRAM), "taken over and undone");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn only_the_operator_confirms() {
    let _alone = alone();
    let server = Server::start("operator");
    let change = server.take_over_uplink();
    server.await_state("awaiting-confirmation");
    let confirm = format!("changes/{}/confirm", change["id"]);
    assert_eq!(server.api(Method::POST, "changes/999/confirm", &Value::Null).0, 404);
    // A browser that is logged in with the same token is somebody else.
    let session = net::session(&server.url, &server.token);
    assert_eq!(net::post(&server.url, &session, &confirm), 403);
    assert_eq!(server.api(Method::POST, &confirm, &Value::Null).0, 200);
    server.await_state("committed");
    assert!(server.document().contains("eno1"));
    server.must(&["undo"]);
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn the_revert_process_outlives_the_server() {
    let _alone = alone();
    let start = net::settled(PROGRAM);
    say("| server | revert process | ended |\n|---|---|---|");
    for kill in 0..=4 {
        let mut server = Server::start("revert");
        server.order(&format!("revert kill {kill}"));
        server.take_over_uplink();
        server.await_state("awaiting-confirmation");
        server.kill();
        let lock = |folder: &Path| {
            folder.read_dir().expect("a folder").flatten().find(|file| {
                file.file_name().to_string_lossy().starts_with("revert-")
                    && file.file_name().to_string_lossy().ends_with(".lock")
            })
        };
        if kill == 0 {
            until("the revert process is done", || lock(&server.state()).is_none());
            net::assert_same(&start, &net::settled(PROGRAM), "reverted");
        } else {
            let lock = lock(&server.state()).expect("its lock").path();
            until("the revert process is killed", || net::is_free(&lock));
        }
        server.order("");
        let server = server.served_again();
        net::assert_same(&start, &net::settled(PROGRAM), "served again");
        assert_eq!(server.document(), "");
        say(&format!(
            "| killed | {} | the old network |",
            if kill == 0 { "ran".to_owned() } else { format!("killed at {kill}") }
        ));
    }

    // A server that hangs.
    let server = Server::start("hangs");
    server.take_over_uplink();
    server.await_state("awaiting-confirmation");
    net::signal("-STOP", server.child.id());
    until("the NIC has its address again", || net::settled(PROGRAM) == start);
    net::signal("-CONT", server.child.id());
    server.await_state("rolled-back");
    say("| hangs | ran | the old network |");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_second_server_is_refused() {
    let _alone = alone();
    let server = Server::start("second");
    let second = serve(&server.state()).output().expect("it runs");
    assert_eq!(second.status.code(), Some(1));
    assert!(stderr(&second).contains("another Bridgehead serves"), "{}", stderr(&second));
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn drift_is_told_and_put_back() {
    let _alone = alone();
    let server = Server::start("drift");
    let start = net::settled(PROGRAM);
    server.must(&["apply", &server.file(BRIDGE), "--yes"]);
    assert_eq!(server.get("drift"), json!([]));
    net::ip(&["addr", "del", "192.168.48.1/24", "dev", "mybr0"]);
    until("the drift is told", || {
        server.get("drift")[0]["text"]["en"] == "mybr0 lacks 192.168.48.1/24, which the document says."
    });
    let fix = server.get("drift")[0]["fix"]["draft"].clone();
    assert_eq!(fix, json!({"bridge": [{"name": "mybr0"}]}));
    server.must(&["put-back"]);
    until("nothing has drifted", || server.get("drift") == json!([]));
    assert_eq!(server.get("document")["version"], 1, "what is put back is no new version");
    net::ip(&["link", "delete", "mybr0"]);
    until("the bridge is missed", || server.get("drift")[0]["subject"] == json!({"kind": "link", "name": "mybr0"}));
    server.must(&["put-back"]);
    server.must(&["undo"]);
    net::assert_same(&start, &net::settled(PROGRAM), "put back and undone");
    server.must(&["redo"]);
    assert!(server.document().contains("mybr0"));
    let log = server.run(&["history"]);
    assert!(log.status.success());
    let whys = String::from_utf8(log.stdout).expect("text");
    for why in ["apply", "put back", "undo version 1", "redo version 1"] {
        assert!(whys.contains(why), "{whys}");
    }
    server.must(&["undo"]);
}
