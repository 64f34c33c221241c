//! The guest agent's channel, in a lab: a guest that has lost it gets it back while it runs, its agent answers again, and
//! undo takes out what was added.

mod net;
mod server;

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;
use server::{Server, alone, until};

const PATH: &str = "//channel[target/@name='org.qemu.guest_agent.0']";

fn virsh(arguments: &[&str], input: &str) -> String {
    let mut virsh = Command::new("virsh");
    virsh.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut virsh = virsh.spawn().expect("virsh runs");
    virsh.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it is read");
    let output = virsh.wait_with_output().expect("an end");
    assert!(output.status.success(), "virsh {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const LIVE: (&[&str], &str) = (&[], "--live");
const CONFIG: (&[&str], &str) = (&["--inactive"], "--config");

fn definition((read, _): (&[&str], &str)) -> String {
    virsh(&[&["dumpxml", "node2"], read].concat(), "")
}

/// What is in its persistent definition, element by element, without our notes.
fn elements() -> Vec<String> {
    let definition = definition(CONFIG);
    let lines = definition.lines().map(str::trim).filter(|line| !line.contains("metadata"));
    lines.map(str::to_owned).collect()
}

fn has_channel(which: (&[&str], &str)) -> bool {
    definition(which).contains("org.qemu.guest_agent.0")
}

/// The set-up of node2: put back whatever the test comes to.
struct Detached {
    config: String,
}

impl Detached {
    fn new() -> Self {
        let config = virsh(&["dumpxml", "node2", "--inactive", "--xpath", PATH], "");
        // The running guest last: of the other, libvirt says nothing to those who watch.
        for which @ (read, flag) in [CONFIG, LIVE] {
            let text = virsh(&[&["dumpxml", "node2", "--xpath", PATH], read].concat(), "");
            virsh(&["detach-device", "node2", "/dev/stdin", flag], &text);
            until("the channel is out", || !has_channel(which));
        }
        Self { config }
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        for which @ (_, flag) in [CONFIG, LIVE] {
            if !has_channel(which) {
                virsh(&["attach-device", "node2", "/dev/stdin", flag], &self.config);
            }
        }
    }
}

fn node2(server: &Server) -> Value {
    server.get("observed")["domains"]["node2"].clone()
}

/// The agent of node2 answers: not only that its channel is open.
fn answers() -> bool {
    let ping = ["qemu-agent-command", "node2", "{\"execute\":\"guest-ping\"}", "--timeout", "5"];
    Command::new("virsh").args(ping).stdin(Stdio::null()).output().expect("virsh runs").status.success()
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_running_guest_gets_its_channel_and_gives_it_back() {
    let _alone = alone();
    let server = Server::start("channel");
    server.hears("node2");
    let detached = Detached::new();
    until("the server knows that it is gone", || node2(&server)["agent"] == "missing");
    assert_eq!(node2(&server)["agent_config"], false);
    let before = elements();
    assert!(!answers());

    // What is inside cannot be set, and a person is told how; others may not rely on it.
    let nic = "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n\n\
        [[nic]]\nguest = \"node2\"\nmac = \"52:54:00:48:00:31\"\nbridge = \"mybr0\"\naddress = \"192.168.48.31/24\"\n";
    let cluster = model::Cluster::from_toml(nic).expect("a document");
    let plan = server.post("plan", &serde_json::json!({ "cluster": cluster })).1;
    let notes = plan["notes"].as_array().expect("notes");
    let note = notes.iter().find(|note| note["code"] == "agent-missing").expect("a note");
    assert_eq!(note["severity"], "warn");
    assert_eq!(note["fix"]["draft"]["guest"][0]["agent"], true);

    let document = "[[guest]]\nname = \"node2\"\nagent = true\n";
    server.must(&["apply", &server.file(document), "--yes"]);
    assert!(has_channel(LIVE) && has_channel(CONFIG));
    assert_eq!(node2(&server)["agent_config"], true);
    assert_eq!(node2(&server)["marks"]["channel"], "made");
    until("the agent answers again", answers);
    until("the server hears it", || node2(&server)["agent"] == "connected");
    server.hears("node2");

    server.must(&["undo"]);
    assert!(!has_channel(LIVE) && !has_channel(CONFIG));
    assert_eq!(elements(), before);
    assert_eq!(node2(&server)["marks"], serde_json::json!({}));

    drop(detached);
    until("the agent is there as before", answers);
    until("and the server knows", || node2(&server)["agent"] == "connected");
    server.hears("node2");

    // What was there before is not ours: nothing is to be done, and nothing goes.
    server.must(&["apply", &server.file(document), "--yes"]);
    server.must(&["undo"]);
    assert!(has_channel(LIVE) && has_channel(CONFIG));
}
