//! Changes that fail, are interrupted or are not confirmed: in a lab, with a server of their own that can be killed.
//!
//! After each, the network is as it was or as it was to be. What happened is printed as a table.

mod net;

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Mutex, MutexGuard},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bridgehead");
const GATEWAY: [&str; 7] = ["gateway", "mybr0", "--via", "master", "--members", "node1", "--yes"];
/// The host's NIC under a bridge: the change that could cut somebody off.
const UPLINK: &str =
    "[[bridge]]\nname = \"br0\"\naddress = \"10.0.0.1/24\"\nuplink = \"eno1\"\ndefault_route = \"10.0.0.9\"\n";

/// A bridge, and a NIC on it with an address inside the guest: steps of every kind.
const NIC: &str = "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n\
    [[nic]]\nguest = \"node2\"\nmac = \"52:54:00:48:00:30\"\nbridge = \"mybr0\"\naddress = \"192.168.48.30/24\"\n";

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    assert!(std::env::var_os("BRIDGEHEAD_URL").is_some(), "BRIDGEHEAD_URL is not set: this test runs in a lab only");
    ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[expect(clippy::print_stdout, reason = "the table is what is looked for")]
fn say(row: &str) {
    println!("{row}");
}

/// A server of a test's own, and its state folder.
struct Server {
    folder: PathBuf,
    child: Child,
    url: String,
    token: String,
}

impl Server {
    fn start(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("bridgehead-change-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        Self::on(folder)
    }

    /// Serves this folder, as soon as it listens.
    fn on(folder: PathBuf) -> Self {
        let running = folder.join("server.json");
        let _ = fs::remove_file(&running);
        let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).expect("a log");
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0", "--confirm-within", "5", "--state"])
            .arg(&folder)
            .env("BRIDGEHEAD_FAULTS", folder.join("faults"))
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let mut login = Value::Null;
        until("the server listens, or dies of its fault", || {
            login = fs::read(&running).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
            !login.is_null() || child.try_wait().expect("a child").is_some()
        });
        let text = |key: &str| login[key].as_str().unwrap_or_default().to_owned();
        Self { url: text("url"), token: text("token"), folder, child }
    }

    fn order(&self, fault: &str) {
        fs::write(self.folder.join("faults"), fault).expect("an order");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(PROGRAM)
            .args(arguments)
            .env("BRIDGEHEAD_URL", &self.url)
            .env("BRIDGEHEAD_TOKEN", &self.token)
            .stdin(Stdio::null())
            .output()
            .expect("the command runs")
    }

    fn api(&self, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().expect("a client");
            let request = client.request(method, format!("{}/api/v1/{path}", self.url)).bearer_auth(&self.token);
            let answer = request.json(body).send().await.expect("an answer");
            (answer.status().as_u16(), answer.json().await.unwrap_or_default())
        })
    }

    fn get(&self, path: &str) -> Value {
        self.api(reqwest::Method::GET, path, &Value::Null).1
    }

    fn document(&self) -> String {
        String::from_utf8(self.run(&["export"]).stdout).expect("text")
    }

    /// Asks for the change that must be confirmed, and does not wait for it.
    fn take_over_uplink(&self) -> Value {
        let (version, based_on) = (&self.get("document")["version"], &self.get("observed")["generation"]);
        let cluster = json!({"bridge": [{"name": "br0", "address": "10.0.0.1/24", "uplink": "eno1", "default_route": "10.0.0.9"}]});
        let plan = self.api(reqwest::Method::POST, "plan", &json!({ "cluster": cluster })).1;
        let wanted = json!({"cluster": cluster, "version": version, "based_on": based_on, "steps": plan["steps"]});
        let (status, change) = self.api(reqwest::Method::POST, "changes", &wanted);
        assert_eq!(status, 202, "{change}");
        assert!(change["confirm_by"].is_u64(), "{change}");
        change
    }

    fn await_state(&self, state: &str) -> Value {
        let mut change = Value::Null;
        until(&format!("the change is {state}"), || {
            change = self.get("changes");
            change["state"] == state
        });
        change
    }

    /// Waits until this guest has said what is inside.
    fn hears(&self, guest: &str) {
        until(&format!("{guest} answers"), || {
            self.get("observed")["guests"][guest]["interfaces"].as_array().is_some_and(|own| !own.is_empty())
        });
    }

    fn ended(&mut self) -> ExitStatus {
        let mut ended = None;
        until("the server ends", || {
            ended = self.child.try_wait().expect("a child");
            ended.is_some()
        });
        ended.expect("it has ended")
    }

    /// A server for the folder of one that has ended.
    fn served_again(mut self) -> Self {
        self.ended();
        let folder = std::mem::take(&mut self.folder);
        Self::on(folder)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.folder.as_os_str().is_empty() {
            return;
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            for log in ["log", "revert.log"] {
                say(&fs::read_to_string(self.folder.join(log)).unwrap_or_default());
            }
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(50));
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

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
    let file = server.folder.join("nic.toml");
    fs::write(&file, NIC).expect("a file");
    let file = file.to_str().expect("UTF-8").to_owned();
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
            let undo = server.run(&["undo"]);
            assert!(undo.status.success(), "{}", stderr(&undo));
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
    let file = server.folder.join("uplink.toml");
    fs::write(&file, UPLINK).expect("a file");
    let file = file.to_str().expect("UTF-8");
    let applied = server.run(&["apply", file, "--yes"]);
    assert!(applied.status.success(), "{}", stderr(&applied));
    assert!(net::ping("10.0.0.9"), "the way out leads through the bridge");
    assert!(server.run(&["undo"]).status.success());
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
    assert_eq!(server.api(reqwest::Method::POST, "changes/999/confirm", &Value::Null).0, 404);
    // A browser that is logged in with the same token is somebody else.
    let session = net::session(&server.url, &server.token);
    assert_eq!(net::post(&server.url, &session, &confirm), 403);
    assert_eq!(server.api(reqwest::Method::POST, &confirm, &Value::Null).0, 200);
    server.await_state("committed");
    assert!(server.document().contains("eno1"));
    assert!(server.run(&["undo"]).status.success());
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
        server.child.kill().expect("a kill");
        server.child.wait().expect("a child");
        let lock = |folder: &Path| {
            folder.read_dir().expect("a folder").flatten().find(|file| {
                file.file_name().to_string_lossy().starts_with("revert-")
                    && file.file_name().to_string_lossy().ends_with(".lock")
            })
        };
        if kill == 0 {
            until("the revert process is done", || lock(&server.folder).is_none());
            net::assert_same(&start, &net::settled(PROGRAM), "reverted");
        } else {
            let lock = lock(&server.folder).expect("its lock").path();
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
    let second = Command::new(PROGRAM)
        .args(["serve", "--listen", "127.0.0.1:0", "--state"])
        .arg(&server.folder)
        .output()
        .expect("it runs");
    assert_eq!(second.status.code(), Some(1));
    assert!(stderr(&second).contains("another Bridgehead serves"), "{}", stderr(&second));
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn drift_is_told_and_put_back() {
    let _alone = alone();
    let server = Server::start("drift");
    let start = net::settled(PROGRAM);
    let file = server.folder.join("bridge.toml");
    fs::write(&file, "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n").expect("a file");
    assert!(server.run(&["apply", file.to_str().expect("UTF-8"), "--yes"]).status.success());
    assert_eq!(server.get("drift"), json!([]));
    net::ip(&["addr", "del", "192.168.48.1/24", "dev", "mybr0"]);
    until("the drift is told", || {
        server.get("drift")[0]["text"]["en"] == "mybr0 lacks 192.168.48.1/24, which the document says."
    });
    let fix = server.get("drift")[0]["fix"]["draft"].clone();
    assert_eq!(fix, json!({"bridge": [{"name": "mybr0"}]}));
    assert!(server.run(&["put-back"]).status.success());
    until("nothing has drifted", || server.get("drift") == json!([]));
    assert_eq!(server.get("document")["version"], 1, "what is put back is no new version");
    net::ip(&["link", "delete", "mybr0"]);
    until("the bridge is missed", || server.get("drift")[0]["subject"] == json!({"kind": "link", "name": "mybr0"}));
    assert!(server.run(&["put-back"]).status.success());
    assert!(server.run(&["undo"]).status.success());
    net::assert_same(&start, &net::settled(PROGRAM), "put back and undone");
    assert!(server.run(&["redo"]).status.success());
    assert!(server.document().contains("mybr0"));
    let log = server.run(&["history"]);
    assert!(log.status.success());
    let whys = String::from_utf8(log.stdout).expect("text");
    for why in ["apply", "put back", "undo version 1", "redo version 1"] {
        assert!(whys.contains(why), "{whys}");
    }
    assert!(server.run(&["undo"]).status.success());
}
