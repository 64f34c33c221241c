//! What a change leans on fails in the middle of it: libvirtd dies, a guest's agent hangs, the disk is full, the clock is set
//! back, the database was edited. After each, the network is as it was or as it was to be, and what is not so is said.

mod net;
mod server;

use std::{
    fs,
    io::Write,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

use rusqlite::Connection;
use serde_json::{Value, json};
use server::{BRIDGE, NIC, PROGRAM, Server, UPLINK, alone, database, folder, is_final, say, serve, stderr, until};

/// The number of the first step of this kind.
fn nth(steps: &Value, kind: &str) -> usize {
    let steps = steps.as_array().expect("steps");
    steps.iter().position(|step| step["step"] == kind).expect("a step of this kind") + 1
}

fn planned(server: &Server, document: &str) -> Value {
    let cluster = model::Cluster::from_toml(document).expect("a document");
    server.post("plan", &json!({ "cluster": cluster })).1["steps"].clone()
}

/// Its number, in the lab.
fn libvirtd() -> u32 {
    let pid = fs::read_to_string("/run/libvirtd.pid").expect("its file").trim().parse().expect("a number");
    assert_eq!(fs::read_to_string(format!("/proc/{pid}/comm")).expect("a process").trim(), "libvirtd");
    pid
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn libvirtd_dies() {
    let _alone = alone();
    let mut server = Server::start("libvirtd");
    server.hears("node2");
    let start = net::settled(PROGRAM);
    let steps = planned(&server, NIC);
    let attach = nth(&steps, "attach-nic");
    say("| libvirtd dies | the server | before libvirtd is back | at the end |\n|---|---|---|---|");
    for killed in [false, true] {
        for (when, nth) in [("before", attach), ("after", attach), ("after", steps.as_array().expect("steps").len())] {
            server.hears("node2");
            server.order(&format!("serve pause-{when} {nth}"));
            assert_eq!(server.begin(NIC).0, 202);
            server.await_pause();
            let pid = libvirtd();
            net::signal("-KILL", pid);
            until("libvirtd is gone", || !Path::new(&format!("/proc/{pid}")).exists());
            if killed {
                server.kill();
            }
            server.order("");
            if killed {
                server = server.served_again();
            }
            let mut change = Value::Null;
            until("it has ended, or waits for libvirt", || {
                change = server.get("changes");
                is_final(&change) || change["left_over"].as_array().is_some_and(|left| !left.is_empty())
            });
            let meanwhile = change["state"].clone();
            if !is_final(&change) {
                assert_eq!(net::status(&server.url, &server.token), 200, "the page is there");
                let (status, refusal) = server.post("changes/put-back", &json!({}));
                assert_eq!(status, 409, "{refusal}");
                assert!(refusal["detail"].as_str().is_some_and(|why| why.contains("libvirt")), "{refusal}");
                assert!(!Path::new("/sys/class/net/mybr0").exists(), "what is the kernel's was taken back at once");
            }
            assert!(Command::new("libvirtd").arg("-d").status().expect("libvirtd").success());
            let change = server.await_end();
            assert_eq!(change["left_over"], json!([]), "{change}");
            if change["state"] == "committed" {
                server.hears("node2");
                server.must(&["undo"]);
            }
            net::assert_settles(PROGRAM, &start, &format!("{when} {nth}"));
            let lives = if killed { "killed" } else { "lives" };
            say(&format!("| {when} step {nth} | {lives} | {meanwhile} | {} |", change["state"]));
        }
    }
}

/// Whoever knocks at the first of these ports of a guest stops its agent, and at the second has it go on: by then there is
/// no agent to be asked for it.
const STOP: u16 = 7001;
const GO_ON: u16 = 7002;

fn stoppable(guest: &str) {
    let knock = |port| format!("nc -l -p {port} < /dev/null");
    let inside = format!("{}; kill -STOP $(pidof qemu-ga); {}; kill -CONT $(pidof qemu-ga)", knock(STOP), knock(GO_ON));
    let script = format!("setsid sh -c '{inside}' < /dev/null > /dev/null 2>&1 &");
    let started = Command::new(PROGRAM).args(["lab", "guest", guest, "--", "sh", "-c", &script]).status();
    assert!(started.expect("it runs").success());
}

fn knock(observed: &Value, guest: &str, port: u16) {
    let interfaces = observed["guests"][guest]["interfaces"].as_array().expect("interfaces");
    let addresses = interfaces.iter().flat_map(|own| own["addresses"].as_array().expect("addresses"));
    let address = addresses.filter_map(Value::as_str).find(|net| net.starts_with("192.168.122.")).expect("an address");
    let address = address.split('/').next().and_then(|address| address.parse().ok()).expect("an address");
    until("the guest listens", || TcpStream::connect(SocketAddr::new(address, port)).is_ok());
}

fn answers(guest: &str) -> bool {
    let ping = ["qemu-agent-command", "--timeout", "1", guest, r#"{"execute":"guest-ping"}"#];
    Command::new("virsh").args(ping).output().expect("virsh runs").status.success()
}

/// Has the agent of a guest hang at this point of a change, and gives what became of the change.
fn hung(server: &Server, guest: &str, order: &str, begin: impl FnOnce() -> (u16, Value)) -> Value {
    stoppable(guest);
    let observed = server.get("observed");
    server.order(order);
    let (status, change) = begin();
    assert_eq!(status, 202, "{change}");
    server.await_pause();
    knock(&observed, guest, STOP);
    until("the agent hangs", || !answers(guest));
    server.order("");
    let change = server.await_end();
    assert_eq!(change["state"], "rolled-back", "{change}");
    assert!(change["error"].as_str().is_some_and(|error| error.contains("agent")), "{change}");
    knock(&observed, guest, GO_ON);
    until("the agent answers", || answers(guest));
    change
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn a_guest_agent_hangs() {
    let _alone = alone();
    let server = Server::start("agent");
    for guest in ["master", "node1", "node2"] {
        server.hears(guest);
    }
    let start = net::settled(PROGRAM);
    say("| agent hangs | ended | left over |\n|---|---|---|");

    // What was done inside goes with the NIC.
    let point = format!("before {}", nth(&planned(&server, NIC), "add-guest-address"));
    let change = hung(&server, "node2", &format!("serve pause-{point}"), || server.begin(NIC));
    assert_eq!(change["left_over"], json!([]), "{change}");
    say(&format!("| node2, {point} | {} | nothing |", change["state"]));
    net::assert_settles(PROGRAM, &start, "the agent of node2 went on");

    // What was done to the gateway's system stays, is named, and goes with its next start.
    let wanted = json!({"bridge": "mybr0", "guest": "master", "members": ["node1"]});
    server.hears("master");
    let draft = server.post("drafts/gateway", &wanted).1;
    let point = format!("after {}", nth(&draft["plan"]["steps"], "set-guest-forwarding"));
    let cluster = serde_json::from_value(draft["cluster"].clone()).expect("a document");
    let change = hung(&server, "master", &format!("serve pause-{point}"), || server.begin_cluster(&cluster));
    let left = change["left_over"].as_array().expect("a list");
    assert!(left.iter().any(|left| left.as_str().is_some_and(|left| left.contains("ip_forward"))), "{change}");
    say(&format!("| master, {point} | {} | {} |", change["state"], change["left_over"]));
    net::virsh(&["reset", "master"]);
    net::assert_settles(PROGRAM, &start, "master was started again");
}

/// A small disk of its own for a state folder.
struct Disk(PathBuf);

impl Disk {
    fn mounted(folder: &Path) -> Self {
        let state = folder.join("state");
        let options = ["-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs"];
        assert!(Command::new("mount").args(options).arg(&state).status().expect("mount runs").success());
        Self(state)
    }

    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("filler")).expect("a file");
        while file.write_all(&[0; 512]).is_ok() {}
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).expect("removed");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
        let _ = fs::remove_dir_all(self.0.parent().expect("a folder"));
    }
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn the_disk_is_full() {
    let _alone = alone();
    let folder = folder("disk");
    let disk = Disk::mounted(&folder);
    let mut server = Server::on(folder);
    server.hears("node2");
    let start = net::settled(PROGRAM);

    disk.fill();
    let (status, refusal) = server.begin(NIC);
    assert_eq!(status, 502, "{refusal}");
    assert!(
        refusal["detail"].as_str().is_some_and(|why| why.starts_with("the journal cannot be written: ")),
        "{refusal}"
    );
    net::assert_same(&start, &net::settled(PROGRAM), "refused");
    disk.empty();

    server.order(&format!("serve pause-before {}", nth(&planned(&server, NIC), "attach-nic")));
    assert_eq!(server.begin(NIC).0, 202);
    server.await_pause();
    disk.fill();
    server.order("");
    let change = server.await_end();
    assert_eq!(change["state"], "rolled-back");
    assert!(change["error"].as_str().is_some_and(|why| why.starts_with("the journal cannot be written: ")), "{change}");
    assert_eq!(change["left_over"], json!([]));
    net::assert_settles(PROGRAM, &start, "rolled back");
    say(&format!("full before a change: {}\nfull in a change: rolled back, {}", refusal["detail"], change["error"]));

    // A change whose end could not be written is not taken back once more, from under those that came later.
    disk.empty();
    server.must(&["apply", &server.file(BRIDGE), "--yes"]);
    let new = net::settled(PROGRAM);
    server.kill();
    let server = server.served_again();
    net::assert_same(&new, &net::settled(PROGRAM), "served again");
    let log = String::from_utf8(server.run(&["history"]).stdout).expect("text");
    assert!(log.contains("rolled-back") && log.contains("the journal cannot be written"), "{log}");
    server.must(&["undo"]);
    net::assert_same(&start, &net::settled(PROGRAM), "undone");
}

/// Kills a server in the middle of the change that this document makes.
fn interrupt(server: &mut Server, document: &str) {
    server.hears("node2");
    server.order(&format!("serve pause-after {}", nth(&planned(server, document), "attach-nic")));
    assert_eq!(server.begin(document).0, 202);
    server.await_pause();
    server.kill();
    server.order("");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn the_clock_is_set_back() {
    let _alone = alone();
    let mut server = Server::start("clock");
    let start = net::settled(PROGRAM);
    server.must(&["apply", &server.file(BRIDGE), "--yes"]);
    let with_bridge = net::settled(PROGRAM);
    let session = net::session(&server.url, &server.token);
    interrupt(&mut server, NIC);
    // As if all that was written ten years from now.
    let later = "UPDATE change SET at = at + 315360000000; UPDATE version SET at = at + 315360000000;
        UPDATE session SET at = at + 315360000000";
    database(&server.state()).execute_batch(later).expect("an edit");

    let server = server.served_again();
    net::assert_settles(PROGRAM, &with_bridge, "taken back");
    assert_eq!(net::post(&server.url, &session, "changes/999/confirm"), 404, "the session is known");
    server.must(&["apply", &server.file(NIC), "--yes"]);
    let log = String::from_utf8(server.run(&["history", "--json"]).stdout).expect("text");
    let log: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ids: Vec<u64> = log.iter().map(|entry| entry["id"].as_u64().expect("a number")).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert!(log[1]["at"].as_u64() > log[2]["at"].as_u64(), "the clock was set back between the two");
    let versions = server.get("versions");
    assert_eq!((&versions[0]["version"], &versions[1]["version"]), (&json!(2), &json!(1)));
    // What must be confirmed in time still is taken back in time.
    assert_eq!(server.begin(&format!("{UPLINK}{NIC}")).0, 202);
    let change = server.await_state("rolled-back");
    assert!(change["error"].as_str().is_some_and(|error| error.contains("nobody confirmed")), "{change}");
    server.must(&["undo"]);
    net::assert_settles(PROGRAM, &with_bridge, "the last version was undone");
    server.must(&["undo"]);
    net::assert_settles(PROGRAM, &start, "the first version was undone");
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn the_database_cannot_be_used() {
    let _alone = alone();
    let mut server = Server::start("database");
    let start = net::settled(PROGRAM);
    server.must(&["apply", &server.file(BRIDGE), "--yes"]);
    interrupt(&mut server, NIC);
    let good = server.folder.join("good");
    database(&server.state()).execute("VACUUM INTO ?1", [good.to_str()]).expect("a copy");
    let half_done = net::settled(PROGRAM);

    let sql =
        |sql: &'static str| move |file: &Path| Connection::open(file).and_then(|it| it.execute_batch(sql)).expect(sql);
    let bytes = |edit: fn(&mut Vec<u8>)| {
        move |file: &Path| {
            let mut bytes = fs::read(file).expect("a file");
            edit(&mut bytes);
            fs::write(file, bytes).expect("a file");
        }
    };
    type Edit = Box<dyn Fn(&Path)>;
    let edits: [(&str, Edit, &str); 7] = [
        (
            "a step of an unknown kind",
            Box::new(sql("UPDATE change SET plan = replace(plan, 'attach-nic', 'paint-nic')")),
            "unknown variant `paint-nic`",
        ),
        (
            "a plan cut short",
            Box::new(sql("UPDATE change SET plan = substr(plan, 1, length(plan) / 2)")),
            "EOF while parsing",
        ),
        ("an unknown state", Box::new(sql("UPDATE change SET state = 'lost'")), "unknown variant `lost`"),
        (
            "an unknown field of the document",
            Box::new(sql("UPDATE version SET cluster = 'colour = 1' || char(10) || cluster")),
            "unknown field `colour`",
        ),
        ("a newer version", Box::new(sql("PRAGMA user_version = 99")), "a newer Bridgehead wrote it"),
        ("a file cut short", Box::new(bytes(|bytes| bytes.truncate(bytes.len() / 2))), "malformed"),
        ("garbage", Box::new(bytes(|bytes| bytes.fill(0xAB))), "file is not a database"),
    ];
    for (what, edit, words) in edits {
        let state = server.folder.join("edited");
        let _ = fs::remove_dir_all(&state);
        fs::create_dir(&state).expect("a folder");
        let file = state.join("bridgehead.sqlite");
        fs::copy(&good, &file).expect("a copy");
        edit(&file);
        let before = fs::read(&file).expect("a file");
        let refused = serve(&state).output().expect("it runs");
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(1), "{what}: {said}");
        for part in [file.to_str().expect("UTF-8"), "left as it is", "from a backup", words] {
            assert!(said.contains(part), "{what}: no {part:?} in {said}");
        }
        assert!(before == fs::read(&file).expect("a file"), "{what}: the file was changed");
        net::assert_same(&half_done, &net::settled(PROGRAM), what);
        say(&format!("{what}: {}", said.lines().last().unwrap_or_default()));
    }
    let server = server.served_again();
    server.must(&["undo"]);
    net::assert_settles(PROGRAM, &start, "taken back and undone");
}
