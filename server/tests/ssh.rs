//! A guest by SSH, in a lab of one that has no agent: reached only if that was allowed, refused with another host key than
//! the pinned one, and able to take its own part of a change back when it is cut off.

mod server;

use std::{fs, process::Command};

use reqwest::Method;
use serde_json::{Value, json};
use server::{Server, alone, ssh, until, within};

/// The first guest that is reached so.
fn guest(server: &Server) -> String {
    let domains = server.get("observed")["domains"].clone();
    domains.as_object().expect("guests").keys().find(|name| ssh::is_needed(name)).cloned().expect("a guest by SSH")
}

fn way(server: &Server, guest: &str) -> Value {
    server.get(&format!("guests/{guest}/ssh"))
}

#[test]
#[ignore = "needs a guest by SSH: run by make test-guests"]
fn a_guest_is_reached_if_that_was_allowed_and_its_key_is_the_pinned_one() {
    let _alone = alone();
    let mut server = Server::start("ssh");
    let guest = guest(&server);
    ssh::give_key(&server.state());
    let before = way(&server, &guest);
    assert_eq!((&before["allowed"], &before["pinned"]), (&json!(false), &Value::Null), "{before}");
    assert_eq!(server.get("observed")["guests"][&guest]["programs"], Value::Null);

    for (user, field) in [("-oProxyCommand=x", "user"), ("a b", "user")] {
        let (status, problem) = server.api(Method::PUT, &format!("guests/{guest}/ssh"), &json!({ "user": user }));
        assert_eq!((status, problem["field"].as_str()), (422, Some(field)), "{problem}");
    }
    assert_eq!(server.api(Method::PUT, "guests/nobody/ssh", &json!({})).0, 404);

    ssh::allow(&server, &guest);
    until("it is reached", || way(&server, &guest)["used"] == true);
    let pinned = way(&server, &guest)["pinned"].as_str().expect("a pinned key").to_owned();
    assert!(pinned.starts_with("SHA256:"), "{pinned}");
    let facts = server.get("observed")["guests"][&guest].clone();
    assert_eq!(facts["hostname"], guest.as_str());
    assert!(facts["programs"].as_array().is_some_and(|programs| programs.contains(&json!("nft"))), "{facts}");

    // Something else answers in its place.
    server.kill();
    let folder = server.state().join("ssh");
    let other = folder.join("other");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&other).status();
    assert!(made.expect("ssh-keygen").success());
    let known = fs::read_dir(&folder).expect("keys").map(|file| file.expect("a file").path());
    let known = known.into_iter().find(|path| path.to_string_lossy().contains("/known-")).expect("a pinned key");
    let alias = fs::read_to_string(&known).expect("a key").split(' ').next().expect("a name").to_owned();
    let public = fs::read_to_string(other.with_extension("pub")).expect("a key");
    fs::write(&known, format!("{alias} {public}")).expect("another key");
    for file in fs::read_dir(&folder).expect("files").flatten() {
        if file.file_name().to_string_lossy().starts_with("to-") {
            fs::remove_file(file.path()).expect("the connection is gone");
        }
    }
    let server = server.served_again();
    until("it is refused", || {
        way(&server, &guest)["trouble"].as_str().is_some_and(|trouble| trouble.contains("another host key"))
    });
    assert_ne!(way(&server, &guest)["used"], true);
    assert_eq!(server.api(Method::DELETE, &format!("guests/{guest}/ssh/key"), &Value::Null).0, 204);
    until("it is reached again", || way(&server, &guest)["used"] == true);
    assert_eq!(way(&server, &guest)["pinned"], pinned.as_str());

    assert_eq!(server.api(Method::DELETE, &format!("guests/{guest}/ssh"), &Value::Null).0, 204);
    until("it is reached no longer", || way(&server, &guest)["used"] == false);
}

#[test]
#[ignore = "needs a guest by SSH: run by make test-guests"]
fn a_guest_that_is_cut_off_takes_its_own_part_back() {
    let _alone = alone();
    let server = Server::start("ssh-timer");
    let guest = guest(&server);
    ssh::allow(&server, &guest);
    until("it is reached", || way(&server, &guest)["used"] == true);
    let document = format!(
        "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n\n\
         [[nic]]\nguest = \"{guest}\"\nmac = \"52:54:00:48:00:66\"\nbridge = \"mybr0\"\naddress = \"192.168.48.66/24\"\n"
    );
    // A change that ends well leaves no timer.
    server.must(&["apply", &server.file(&document), "--yes"]);
    let timers = || {
        let output = ssh::run(&guest, "ls /run/bridgehead; systemctl list-timers --all --plain --no-legend");
        String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.contains("revert-")).count()
    };
    assert_eq!(timers(), 0);
    let there = "ip -o addr show to 192.168.48.66";
    assert!(!ssh::run(&guest, there).stdout.is_empty());
    server.must(&["undo"]);
    let files = server.get("observed")["guests"][&guest]["files"].clone();
    assert_eq!(files, Value::Null, "what was undone is verified");

    let cluster = model::Cluster::from_toml(&document).expect("a document");
    let plan = server.post("plan", &json!({ "cluster": cluster })).1;
    let steps = plan["steps"].as_array().expect("steps");
    let set = steps.iter().position(|step| step["step"] == "add-guest-address");
    let set = set.unwrap_or_else(|| panic!("no step inside: {plan}"));
    server.order(&format!("serve pause-after {}", set + 1));
    let (status, change) = server.begin(&document);
    assert_eq!(status, 202, "{change}");
    server.await_pause();
    assert!(!ssh::run(&guest, there).stdout.is_empty(), "the step has been run");
    // Longer than the guest's own timer, and at all its addresses: it would be reached at its new one else.
    let cut = "nohup sh -c 'sleep 1; for nic in /sys/class/net/e*; do ip link set ${nic##*/} down; done; sleep 100; \
               ip link set enp1s0 up' >/dev/null 2>&1 </dev/null &";
    assert!(ssh::run(&guest, cut).status.success());
    within(20, "it is cut off", || !ssh::run(&guest, "true").status.success());
    server.order("");
    let mut end = Value::Null;
    within(300, "the change ends", || {
        end = server.get("changes");
        server::is_final(&end)
    });
    assert_eq!(end["state"], "rolled-back", "{end}");
    assert_eq!(end["left_over"], json!([]), "{end}");
    let ran = ssh::run(&guest, &format!("ls /run/bridgehead/revert-{}.ran", end["id"]));
    assert!(ran.status.success(), "its own timer took it back: {}", server::stderr(&ran));
    assert!(ssh::run(&guest, there).stdout.is_empty());
}
