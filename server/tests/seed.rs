//! A guest that is seeded, in a lab of one with cloud-init: at its first start with the image that was exported it is what the
//! document says, without a server that could set anything inside it.

mod net;
mod server;

use std::{
    fs,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::Value;
use server::{Halted, PROGRAM, Server, alone, within};

const GUEST: &str = "cloud-init";
const MAC: &str = "52:54:00:48:00:10";

const BRIDGE: &str = "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n\n";
/// The guest is the gateway of another.
const INSIDE: &str = "[[nic]]\nguest = \"cloud-init\"\nmac = \"52:54:00:48:00:10\"\nbridge = \"mybr0\"\naddress = \"192.168.48.10/24\"\n\n\
    [[nic]]\nguest = \"node1\"\nmac = \"52:54:00:48:00:20\"\nbridge = \"mybr0\"\naddress = \"192.168.48.20/24\"\n\n\
    [[guest]]\nname = \"cloud-init\"\nhostname = \"seeded\"\n\n\
    [[gateway]]\nbridge = \"mybr0\"\nguest = \"cloud-init\"\noutside = \"default\"\nmembers = [\"node1\"]\n";

/// What the guest says when no server runs; null, while it starts.
fn facts(state: &str) -> Value {
    let observe = Command::new(PROGRAM).args(["observe", "--json", "--state", state]).stdin(Stdio::null()).output();
    let observed: Value = serde_json::from_slice(&observe.expect("it runs").stdout).expect("JSON");
    observed["guests"][GUEST].clone()
}

fn is_seeded(facts: &Value) -> bool {
    let nics = facts["interfaces"].as_array().into_iter().flatten();
    let mut addresses =
        nics.filter(|nic| nic["mac"] == MAC).flat_map(|nic| nic["addresses"].as_array().into_iter().flatten());
    let translates =
        facts["tables"].as_array().is_some_and(|tables| tables.iter().any(|it| it["name"] == "bridgehead"));
    addresses.any(|net| net == "192.168.48.10/24")
        && facts["hostname"] == "seeded"
        && facts["ip_forward"] == true
        && translates
}

#[test]
#[ignore = "needs a guest with cloud-init: run by make test-guests"]
fn a_seed_makes_a_guest_what_the_document_says() {
    let (_alone, _halted) = (alone(), Halted::dashboard());
    let mut server = Server::start("seed");
    server.hears(GUEST);
    server.must(&["apply", &server.file(BRIDGE), "--yes"]);
    let seeds = server.state().join("seeds");
    let plan = server.file(&format!("{BRIDGE}{INSIDE}"));
    let to = seeds.to_str().expect("UTF-8");
    server.must(&["export", "--format", "cloud-init", "--guest", GUEST, "--plan", &plan, "--to", to]);
    let image = seeds.join("cloud-init").join(GUEST).join("seed.iso");
    assert!(fs::metadata(&image).is_ok_and(|file| file.len() > 0), "{}", image.display());
    let state = server.state();
    let state = state.to_str().expect("UTF-8");
    server.kill();
    assert!(!is_seeded(&facts(state)), "not yet");

    net::virsh(&["attach-interface", GUEST, "bridge", "mybr0", "--mac", MAC, "--model", "virtio", "--config"]);
    let disk = ["--targetbus", "virtio", "--mode", "readonly", "--config"];
    net::virsh(&[&["attach-disk", GUEST, image.to_str().expect("UTF-8"), "vdb"], &disk[..]].concat());
    net::virsh(&["shutdown", GUEST, "--mode", "agent"]);
    within(120, "the guest is off", || net::is_off(GUEST));
    net::virsh(&["start", GUEST]);
    // It asks mirrors for packages first, and nobody answers it here.
    within(900, "the guest is what its seed says", || {
        // Each question costs the guest a process, and it has enough to do.
        sleep(Duration::from_secs(2));
        is_seeded(&facts(state))
    });
}
