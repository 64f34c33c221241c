//! A guest whose agent is not what it says: whatever it answers, the server stands, is not made big or slow by it, shows of that
//! guest what can be shown, and hears the others as before.

mod server;

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use server::{PROGRAM, Server, alone, reached, until, within};

/// Answers in a guest in place of its agent, for a while.
const AGENT: &str = include_str!("hostile/agent.sh");
const FOR_SECONDS: &str = "16";
/// After which time it is gone, and the true agent is back, and how often it is put there.
const TIME: u64 = 45;
const TIMES: usize = 3;
/// What is said of a guest between two agents.
const LEFT: &str = "the guest agent has left";
/// What is plugged into another guest meanwhile, to be heard of from inside.
const MAC: &str = "52:54:00:48:66:01";
/// By how much the server's memory may grow, in kB.
const GROWTH: u64 = 64 << 10;
/// Bytes of JSON.
const LONGEST: usize = 64 << 10;

struct Case {
    name: &'static str,
    /// What is said of the guest meanwhile.
    holds: fn(&Value) -> bool,
}

const fn case(name: &'static str, holds: fn(&Value) -> bool) -> Case {
    Case { name, holds }
}

const CASES: [Case; 8] = [
    // Twenty megabytes and no end of a line; lists in lists; no UTF-8; nothing at all; a byte a second.
    case("huge", keeps_what_it_said),
    case("nested", keeps_what_it_said),
    case("bytes", keeps_what_it_said),
    case("mute", keeps_what_it_said),
    case("drip", keeps_what_it_said),
    case("crowd", |facts| facts["interfaces"] == json!([])),
    case("impostor", |facts| facts["hostname"] == "node1"),
    case("dirty", |facts| {
        let names: Vec<_> = facts["interfaces"].as_array().into_iter().flatten().map(|it| &it["name"]).collect();
        facts["hostname"] == "<img src=x onerror=\"window.pwned=1\">[2Jgnp"
            && facts["os"] == "<script>window.pwned=1</script>"
            && names == ["<b>x"]
    }),
];

fn keeps_what_it_said(facts: &Value) -> bool {
    facts["hostname"] == "node2" && facts["interfaces"].as_array().is_some_and(|own| !own.is_empty())
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Puts the responder in the place of node2's agent.
fn replace_agent(case: &str, lie: &str) {
    let start = r#"printf %s "$1" >/tmp/agent; shift; setsid sh /tmp/agent "$@" </dev/null >/dev/null 2>&1 &"#;
    run(PROGRAM, &["lab", "guest", "node2", "--", "sh", "-c", start, "sh", AGENT, case, FOR_SECONDS, lie]);
}

/// The server's resident memory, in kB.
fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn facts(server: &Server, guest: &str) -> Value {
    server.get("observed")["guests"][guest].clone()
}

/// What is said of everybody but node2.
fn others(server: &Server) -> Value {
    let observed = server.get("observed");
    json!({ "master": observed["guests"]["master"], "node1": observed["guests"]["node1"], "domains": observed["domains"] })
}

/// The host plugs a NIC into node1: that one is asked, and names it.
fn hears_the_others(server: &Server) {
    let inside = || {
        let facts = facts(server, "node1");
        let own = facts["interfaces"].as_array().into_iter().flatten();
        own.filter(|interface| interface["mac"] == MAC).any(|interface| interface["name"].is_string())
    };
    run("virsh", &["attach-interface", "node1", "network", "default", "--mac", MAC, "--model", "virtio", "--live"]);
    within(40, "node1 tells of its new NIC", inside);
    run("virsh", &["detach-interface", "node1", "network", "--mac", MAC, "--live"]);
    within(20, "node1 tells that the NIC is gone", || !inside());
}

fn is_clean(text: &str) -> bool {
    let odd = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    !text.contains(odd)
}

/// Every string in it, names of fields too.
fn all_clean(value: &Value) -> bool {
    match value {
        Value::String(text) => is_clean(text),
        Value::Array(list) => list.iter().all(all_clean),
        Value::Object(map) => map.iter().all(|(key, value)| is_clean(key) && all_clean(value)),
        _ => true,
    }
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_hostile_agent_hurts_nobody() {
    let _alone = alone();
    let mut server = Server::start("hostile");
    for guest in ["master", "node1", "node2"] {
        server.hears(guest);
    }
    let observed = server.get("observed");
    let nic = |guest: &str| observed["domains"][guest]["nics"][0]["mac"].as_str().expect("a MAC").to_owned();
    let address = observed["guests"]["node1"]["interfaces"][0]["addresses"].to_string();
    let address = address.trim_start_matches("[\"").split('/').next().expect("an address").to_owned();
    let (before, rest) = (facts(&server, "node2"), others(&server));
    let memory = resident(&server);

    for Case { name, holds } in CASES {
        server::say(&format!("a hostile agent: {name}"));
        // Who lies about its own NIC has that shown under the name that it gives.
        let lie = if name == "dirty" { nic("node2") } else { nic("node1") };
        let mut told = Value::Null;
        let mut is_told = || {
            told = facts(&server, "node2");
            assert!(resident(&server) < memory + GROWTH, "{name}: {} kB, {memory} before", resident(&server));
            told["trouble"].as_str().is_some_and(|trouble| trouble != LEFT) && holds(&told)
        };
        // Where much else goes on it may be gone before it was asked for all.
        let heard = (0..TIMES).any(|_| {
            replace_agent(name, &format!("{lie}={address}"));
            reached(TIME, &mut is_told)
        });
        assert!(heard, "{name}: trouble is told");
        assert!(all_clean(&told) && told.to_string().len() < LONGEST, "{name}: {told}");
        hears_the_others(&server);
        assert!(server.child.try_wait().expect("a child").is_none(), "{name}: the server has died");

        until(&format!("{name}: the true agent is back"), || facts(&server, "node2") == before);
        until(&format!("{name}: the others are as before"), || {
            assert!(resident(&server) < memory + GROWTH, "{name}: {} kB, {memory} before", resident(&server));
            others(&server) == rest
        });
    }
}
