//! The lab's guests that have SSH, as tests come to them: with the key of the lab's own dashboard.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use reqwest::Method;
use serde_json::json;

use super::Server;

/// Whether a guest has no agent that runs commands. Guests with systems are named after them.
pub fn is_needed(guest: &str) -> bool {
    matches!(guest, "no-exec" | "serial" | "ssh")
}

fn lab() -> PathBuf {
    PathBuf::from(std::env::var_os("BRIDGEHEAD_LAB").expect("a lab")).join("bridgehead/ssh")
}

/// Gives the lab's key to a server, before that makes one of its own.
pub fn give_key(state: &Path) {
    let folder = state.join("ssh");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).expect("a folder");
    for name in ["key", "key.pub"] {
        fs::copy(lab().join(name), folder.join(name)).expect("the lab's key");
    }
}

/// Allows this server to reach the guest.
pub fn allow(server: &Server, guest: &str) {
    give_key(&server.state());
    let (status, standing) = server.api(Method::PUT, &format!("guests/{guest}/ssh"), &json!({ "user": "root" }));
    assert_eq!(status, 200, "{standing}");
}

/// What libvirt's DHCP gave it; nothing, while it restarts.
fn address(guest: &str) -> Option<String> {
    let printed = Command::new("virsh").args(["domifaddr", guest, "--source", "lease"]).output().expect("virsh");
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    let net = printed.split_whitespace().skip_while(|word| *word != "ipv4").nth(1)?;
    net.split('/').next().map(str::to_owned)
}

/// Runs a script in the guest. Fails like `ssh` where there is no guest to be found.
pub fn run(guest: &str, script: &str) -> Output {
    let Some(address) = address(guest) else { return Command::new("false").output().expect("false") };
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "/dev/null", "-i"]).arg(lab().join("key"));
    for option in [
        "BatchMode=yes",
        "ConnectTimeout=5",
        "IdentitiesOnly=yes",
        "LogLevel=ERROR",
        "ServerAliveInterval=5",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
    ] {
        ssh.args(["-o", option]);
    }
    ssh.args(["-l", "root", "--", &address, script]).stdin(Stdio::null()).output().expect("ssh")
}
