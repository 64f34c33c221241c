//! Guests with systems of their own, in a lab of them: what is set inside them is written where their system keeps it, is so
//! after a restart without anybody's help (of a system that keeps nothing, by the dashboard's), and goes again byte for byte.
//!
//! Guests are named after their systems; each is the gateway of all the others once.

mod net;
mod server;

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use server::{Halted, PROGRAM, Server, alone, say, ssh, until, within};

/// Nobody answers there; nobody asks.
const DNS: &str = "10.0.0.9";

/// One for static addresses, and one on which addresses are given.
const BRIDGES: &str = "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n\n\
    [[bridge]]\nname = \"mybr1\"\naddress = \"192.168.49.1/24\"\n\n\
    [bridge.dhcp]\nrange = \"192.168.49.100-192.168.49.199\"\n\n";

/// What a system that has not come back as it should can say of itself.
const STATE: &str = "uptime; ip -br addr; ip route; ls /etc/systemd/network /etc/network/interfaces.d; \
    journalctl -b --no-pager -u systemd-networkd -u networking -u NetworkManager | tail -n 30";

fn bridgehead(arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn inside(guest: &str, script: &str) -> String {
    if ssh::is_needed(guest) {
        let output = ssh::run(guest, script);
        return String::from_utf8_lossy(&output.stdout).into_owned();
    }
    bridgehead(&["lab", "guest", guest, "--", "sh", "-c", script])
}

/// The number of its system's start, if it answers.
fn boot(guest: &str) -> Option<String> {
    if ssh::is_needed(guest) {
        let output = ssh::run(guest, "cat /proc/sys/kernel/random/boot_id");
        return output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let question = ["lab", "guest", guest, "--", "cat", "/proc/sys/kernel/random/boot_id"];
    let output = Command::new(PROGRAM).args(question).stdin(Stdio::null()).output().expect("it runs");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What guests say when no server asks them.
fn observe(state: &Path) -> Value {
    let state = state.to_str().expect("UTF-8");
    serde_json::from_str(&bridgehead(&["observe", "--json", "--state", state])).expect("JSON")
}

/// Where the agent does not run commands, there is another way in.
fn give_way(server: &Server, guest: &str) {
    match guest {
        "ssh" => ssh::allow(server, guest),
        "no-exec" | "serial" => {
            let login = json!({ "user": "root", "password": "bridgehead" });
            let (status, problem) = server.api(Method::PUT, &format!("guests/{guest}/login"), &login);
            assert_eq!(status, 204, "{problem}");
        }
        _ => {}
    }
}

/// The way in that is used.
fn way(facts: &Value) -> &str {
    let mut ways = facts["ways"].as_array().into_iter().flatten();
    ways.find(|way| way["state"] == "used").and_then(|way| way["way"].as_str()).unwrap_or("agent")
}

/// Every file under `/etc`, by its sum and its mode.
fn etc(guest: &str) -> Vec<String> {
    let listed = inside(guest, "find /etc -type f -exec stat -c '%n %a %s' {} + -exec md5sum {} + ; find /etc -type d");
    let mut lines: Vec<String> = listed.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn guests() -> Vec<String> {
    let observed: Value = serde_json::from_str(&bridgehead(&["observe", "--json"])).expect("JSON");
    observed["domains"].as_object().expect("guests").keys().cloned().collect()
}

fn address(nth: usize) -> String {
    format!("192.168.48.{}", 10 * (nth + 1))
}

fn hostname(guest: &str) -> String {
    format!("{guest}-named")
}

/// All guests on one bridge, this one their gateway and a DHCP client on the other, each with a name and a name server that it
/// did not have.
fn document(guests: &[String], gateway: usize) -> String {
    let mut text = BRIDGES.to_owned();
    for (nth, guest) in guests.iter().enumerate() {
        let address = address(nth);
        text += &format!(
            "[[nic]]\nguest = \"{guest}\"\nmac = \"52:54:00:48:00:{nth:02x}\"\nbridge = \"mybr0\"\naddress = \"{address}/24\"\n\n"
        );
    }
    for guest in guests {
        text += &format!("[[guest]]\nname = \"{guest}\"\ndns = \"{DNS}\"\nhostname = \"{}\"\n\n", hostname(guest));
    }
    let own = &guests[gateway];
    let members: Vec<_> = guests.iter().filter(|guest| *guest != own).collect();
    text + &format!(
        "[[nic]]\nguest = \"{own}\"\nmac = \"52:54:00:49:00:01\"\nbridge = \"mybr1\"\ndhcp = true\n\n\
         [[gateway]]\nbridge = \"mybr0\"\nguest = \"{own}\"\noutside = \"default\"\nmembers = {members:?}\n"
    )
}

/// Whether it has an address that begins so.
fn has_address(facts: &Value, address: &str) -> bool {
    let own = facts["interfaces"].as_array().into_iter().flatten();
    own.flat_map(|own| own["addresses"].as_array().into_iter().flatten())
        .any(|net| net.as_str().is_some_and(|net| net.starts_with(address)))
}

/// The next hop of the default route that counts.
fn default_route(facts: &Value) -> Option<&str> {
    let routes = facts["routes"].as_array()?.iter().filter(|route| route["destination"] == "0.0.0.0/0");
    routes.min_by_key(|route| route["metric"].as_u64())?["via"].as_str()
}

fn translates(facts: &Value) -> bool {
    facts["tables"].as_array().is_some_and(|tables| tables.iter().any(|table| table["name"] == "bridgehead"))
}

/// Whether its system keeps nothing: what is set inside it comes back by the dashboard, once that runs again.
fn forgets(guest: &str) -> bool {
    guest == "busybox"
}

/// Has its system end, and waits until it has: an emulator that is reset takes far longer than one that starts anew.
fn stop(guest: &str) {
    if matches!(guest, "serial" | "ssh") {
        // The connection may end before it says that this went well.
        ssh::run(guest, "systemctl poweroff");
    } else {
        net::virsh(&["shutdown", guest, "--mode", "agent"]);
    }
    within(120, &format!("{guest} is off"), || net::is_off(guest));
}

/// Restarts all of them at once, and waits until their systems are up again.
fn restart(guests: &[String]) {
    scope(|scope| {
        for guest in guests {
            scope.spawn(move || {
                let before = boot(guest).expect("a guest that answers");
                if forgets(guest) {
                    net::virsh(&["reset", guest]);
                } else {
                    stop(guest);
                    net::virsh(&["start", guest]);
                }
                within(300, &format!("{guest} is up again"), || {
                    // Each question costs the guest a process, and it has enough to do.
                    sleep(Duration::from_secs(1));
                    boot(guest).is_some_and(|now| now != before)
                });
            });
        }
    });
}

fn yes(holds: bool) -> &'static str {
    if holds { "yes" } else { "NO" }
}

#[test]
#[ignore = "needs guests with systems: run by make test-guests"]
fn what_is_set_inside_is_kept_by_the_system_itself() {
    let (_alone, _halted) = (alone(), Halted::dashboard());
    let guests = guests();
    let mut server = Server::start("guest");
    let folder = server.state();
    guests.iter().for_each(|guest| give_way(&server, guest));
    guests.iter().for_each(|guest| server.hears(guest));
    let start = net::settled(PROGRAM);
    let files: BTreeMap<&String, Vec<String>> = guests.iter().map(|guest| (guest, etc(guest))).collect();
    say(
        "| gateway | guest | way in | managers | resolver | address | DHCP | default route | forwards | dns | hostname | after a restart | undone |",
    );
    say("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    let mut failures = Vec::new();
    for gateway in 0..guests.len() {
        let state = |observed: &Value, nth: usize| {
            let facts = &observed["guests"][&guests[nth]];
            let is_gateway = nth == gateway;
            [
                has_address(facts, &format!("{}/", address(nth))),
                !is_gateway || has_address(facts, "192.168.49."),
                is_gateway || default_route(facts) == Some(&address(gateway)),
                !is_gateway || (facts["ip_forward"] == true && translates(facts)),
                facts["nameservers"][0] == DNS,
                facts["hostname"] == hostname(&guests[nth]),
            ]
        };
        let all = |observed: Value| (0..guests.len()).map(|nth| state(&observed, nth)).collect::<Vec<[bool; 6]>>();
        server.must(&["apply", &server.file(&document(&guests, gateway)), "--yes"]);
        let set = all(server.get("observed"));
        // Nobody is there who could put anything back.
        server.kill();
        restart(&guests);
        // The agent may answer before the network is set up.
        let (mut kept, deadline) = (all(observe(&folder)), Instant::now() + Duration::from_secs(90));
        let holds = |nth: usize, kept: &[bool; 6]| forgets(&guests[nth]) || kept.iter().all(|holds| *holds);
        while !kept.iter().enumerate().all(|(nth, kept)| holds(nth, kept)) && Instant::now() < deadline {
            sleep(Duration::from_secs(1));
            kept = all(observe(&folder));
        }
        for (nth, guest) in guests.iter().enumerate().filter(|(nth, _)| !holds(*nth, &kept[*nth])) {
            say(&format!("{guest} after its restart, {:?}: {}", kept[nth], inside(guest, STATE)));
        }
        server = server.served_again();
        guests.iter().for_each(|guest| server.hears(guest));
        for nth in (0..guests.len()).filter(|nth| forgets(&guests[*nth])) {
            within(90, &format!("{} is as it was set", guests[nth]), || {
                kept[nth] = state(&server.get("observed"), nth);
                kept[nth].iter().all(|holds| *holds)
            });
        }
        until("the change is undone", || server.run(&["undo"]).status.success());
        for (nth, guest) in guests.iter().enumerate() {
            let facts = || server.get("observed")["guests"][guest].clone();
            let is_ours = |facts: &Value| facts["hostname"] == hostname(guest) || facts["nameservers"][0] == DNS;
            if is_ours(&facts()) {
                let seen = facts();
                say(&format!("{guest} still says {} and {}", seen["hostname"], seen["nameservers"]));
                until("its own system has followed", || !is_ours(&facts()));
            }
            let facts = facts();
            let left = etc(guest);
            let differs: Vec<&String> = left.iter().filter(|line| !files[guest].contains(line)).collect();
            let gone: Vec<&String> = files[guest].iter().filter(|line| !left.contains(line)).collect();
            if left != files[guest] {
                say(&format!("{guest} has {differs:#?} instead of {gone:#?}"));
            }
            let restored = left == files[guest];
            let (managers, resolver) = (&facts["managers"], &facts["resolver"]);
            let after = kept[nth].iter().all(|holds| *holds);
            let [address, dhcp, route, forwards, dns, name] = set[nth].map(yes);
            let (dhcp, route, forwards) = if nth == gateway { (dhcp, "—", forwards) } else { ("—", route, "—") };
            let after = if after && forgets(guest) { "by the dashboard" } else { yes(after) };
            let (via, way, undone) = (&guests[gateway], way(&facts), yes(restored));
            say(&format!(
                "| {via} | {guest} | {way} | {managers} | {resolver} | {address} | {dhcp} | {route} | {forwards} | {dns} | {name} | {after} | {undone} |"
            ));
            if !restored || !set[nth].iter().chain(&kept[nth]).all(|holds| *holds) {
                failures.push(format!("{guest} behind {via}: {:?} {:?} {restored}", set[nth], kept[nth]));
            }
        }
        net::assert_settles(PROGRAM, &start, "undone");
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
