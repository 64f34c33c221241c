//! A server of a test's own in a lab, which can be given orders to fail, killed, and started again.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod ssh;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Mutex, MutexGuard},
    thread::sleep,
    time::{Duration, Instant},
};

use model::Cluster;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_bridgehead");
/// The host's NIC under a bridge: the change that could cut somebody off.
pub const UPLINK: &str =
    "[[bridge]]\nname = \"br0\"\naddress = \"10.0.0.1/24\"\nuplink = \"eno1\"\ndefault_route = \"10.0.0.9\"\n";
pub const BRIDGE: &str = "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n";
/// A bridge, and a NIC on it with an address inside the guest: steps of every kind.
pub const NIC: &str = "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n\
    [[nic]]\nguest = \"node2\"\nmac = \"52:54:00:48:00:30\"\nbridge = \"mybr0\"\naddress = \"192.168.48.30/24\"\n";

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub fn alone() -> MutexGuard<'static, ()> {
    assert!(std::env::var_os("BRIDGEHEAD_URL").is_some(), "BRIDGEHEAD_URL is not set: this test runs in a lab only");
    ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Halts the lab's own dashboard until it is dropped. By its document, which is another, it would give back what a test has
/// left in guests that start again.
pub struct Halted(Pid);

impl Halted {
    pub fn dashboard() -> Self {
        let running = fs::read("/run/bridgehead/server.json").expect("the lab's dashboard");
        let running: Value = serde_json::from_slice(&running).expect("JSON");
        let pid = Pid::from_raw(running["pid"].as_i64().and_then(|pid| pid.try_into().ok()).expect("a pid"));
        kill(pid, Signal::SIGSTOP).expect("halted");
        Self(pid)
    }
}

impl Drop for Halted {
    fn drop(&mut self) {
        kill(self.0, Signal::SIGCONT).expect("woken");
    }
}

#[expect(clippy::print_stdout, reason = "the table is what is looked for")]
pub fn say(row: &str) {
    println!("{row}");
}

pub struct Server {
    /// Its state is in a folder of its own in here, beside its log and its orders.
    pub folder: PathBuf,
    pub child: Child,
    pub url: String,
    pub token: String,
}

impl Server {
    pub fn start(name: &str) -> Self {
        Self::on(folder(name))
    }

    pub fn on(folder: PathBuf) -> Self {
        Self::with(folder, &[])
    }

    /// Serves this folder in such an environment, as soon as it listens.
    pub fn with(folder: PathBuf, environment: &[(&str, &str)]) -> Self {
        let running = folder.join("state/server.json");
        let _ = fs::remove_file(&running);
        let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).expect("a log");
        let mut child = serve(&folder.join("state"))
            .env("BRIDGEHEAD_FAULTS", folder.join("faults"))
            .envs(environment.iter().copied())
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

    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    pub fn order(&self, fault: &str) {
        fs::write(self.folder.join("faults"), fault).expect("an order");
    }

    /// Waits until it pauses at the step that it was ordered to pause at.
    pub fn await_pause(&self) {
        until("the server pauses", || self.folder.join("faults.paused").exists());
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the command runs")
    }

    /// A command line that speaks to this server.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env("BRIDGEHEAD_URL", &self.url).env("BRIDGEHEAD_TOKEN", &self.token);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command that must end well.
    pub fn must(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    }

    /// Writes a document to a file, for the command line.
    pub fn file(&self, document: &str) -> String {
        let file = self.folder.join("document.toml");
        fs::write(&file, document).expect("a file");
        file.to_str().expect("UTF-8").to_owned()
    }

    pub fn api(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().expect("a client");
            let request = client.request(method, format!("{}/api/v1/{path}", self.url)).bearer_auth(&self.token);
            let answer = request.json(body).send().await.expect("an answer");
            (answer.status().as_u16(), answer.json().await.unwrap_or_default())
        })
    }

    pub fn get(&self, path: &str) -> Value {
        self.api(Method::GET, path, &Value::Null).1
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.api(Method::POST, path, body)
    }

    pub fn document(&self) -> String {
        String::from_utf8(self.run(&["export"]).stdout).expect("text")
    }

    /// Asks for the change that this document makes, and does not wait for its end.
    pub fn begin(&self, document: &str) -> (u16, Value) {
        self.begin_cluster(&Cluster::from_toml(document).expect("a document"))
    }

    pub fn begin_cluster(&self, cluster: &Cluster) -> (u16, Value) {
        let version = &self.get("document")["version"];
        let plan = self.post("plan", &json!({ "cluster": cluster })).1;
        let wanted =
            json!({"cluster": cluster, "version": version, "based_on": plan["based_on"], "steps": plan["steps"]});
        self.post("changes", &wanted)
    }

    /// Asks for the change that must be confirmed.
    pub fn take_over_uplink(&self) -> Value {
        let (status, change) = self.begin(UPLINK);
        assert_eq!(status, 202, "{change}");
        assert!(change["confirm_by"].is_u64(), "{change}");
        change
    }

    pub fn await_state(&self, state: &str) -> Value {
        let mut change = Value::Null;
        until(&format!("the change is {state}"), || {
            change = self.get("changes");
            change["state"] == state
        });
        change
    }

    /// Waits for the end of the change, whichever it is.
    pub fn await_end(&self) -> Value {
        let mut change = Value::Null;
        until("the change ends", || {
            change = self.get("changes");
            is_final(&change)
        });
        change
    }

    /// Waits until this guest has said what is inside.
    pub fn hears(&self, guest: &str) {
        until(&format!("{guest} answers"), || {
            let facts = &self.get("observed")["guests"][guest];
            facts["trouble"].is_null() && facts["interfaces"].as_array().is_some_and(|own| !own.is_empty())
        });
    }

    pub fn ended(&mut self) -> ExitStatus {
        let mut ended = None;
        until("the server ends", || {
            ended = self.child.try_wait().expect("a child");
            ended.is_some()
        });
        ended.expect("it has ended")
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("a kill");
        self.child.wait().expect("a child");
    }

    /// A server for the folder of one that has ended.
    pub fn served_again(self) -> Self {
        self.served_again_with(&[])
    }

    pub fn served_again_with(mut self, environment: &[(&str, &str)]) -> Self {
        self.ended();
        let folder = std::mem::take(&mut self.folder);
        let _ = fs::remove_file(folder.join("faults.paused"));
        Self::with(folder, environment)
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
            for log in ["log", "state/revert.log"] {
                say(&fs::read_to_string(self.folder.join(log)).unwrap_or_default());
            }
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A folder for one server, with an empty one for its state.
pub fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("bridgehead-server-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("state")).expect("a folder");
    folder
}

/// Opens the database of a server that has ended.
pub fn database(state: &Path) -> Connection {
    Connection::open(state.join("bridgehead.sqlite")).expect("a database")
}

/// The command that serves this state folder.
pub fn serve(state: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--listen", "127.0.0.1:0", "--confirm-within", "5", "--state"]).arg(state);
    command.stdin(Stdio::null());
    command
}

pub fn is_final(change: &Value) -> bool {
    ["committed", "rolled-back"].iter().any(|state| change["state"] == *state)
}

pub fn until(what: &str, holds: impl FnMut() -> bool) {
    within(90, what, holds);
}

pub fn within(seconds: u64, what: &str, holds: impl FnMut() -> bool) {
    assert!(reached(seconds, holds), "not in time: {what}");
}

/// Whether it holds before so much time has passed.
pub fn reached(seconds: u64, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        match holds() {
            true => return true,
            false if Instant::now() >= deadline => return false,
            false => sleep(Duration::from_millis(50)),
        }
    }
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
