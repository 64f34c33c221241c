//! `bridgehead lab` from the outside: real namespaces, libvirtd and guests, and nothing left of them afterwards.
//!
//! One lab at a time: each of its guests wants a processor to itself.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, MutexGuard},
    thread::sleep,
    time::{Duration, Instant},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bridgehead");

static ONE_LAB: Mutex<()> = Mutex::new(());

fn one_lab() -> MutexGuard<'static, ()> {
    ONE_LAB.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn lab(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("lab").args(arguments).stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> Output {
    let output = command.output().expect("the lab starts");
    tell(&String::from_utf8_lossy(&output.stderr));
    output
}

/// What a lab said, for whoever reads a failure.
#[expect(clippy::print_stderr, reason = "a test's output is shown when it fails")]
fn tell(said: &str) {
    eprintln!("{said}");
}

/// A state folder of one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bridgehead-test-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The namespaces that these processes are in, and this test is not.
fn namespaces<'a>(processes: impl IntoIterator<Item = &'a i32>) -> BTreeSet<PathBuf> {
    let of = |pid: &str| {
        let folder = Path::new("/proc").join(pid).join("ns");
        ["net", "mnt", "pid"].into_iter().flat_map(|kind| fs::read_link(folder.join(kind))).collect::<BTreeSet<_>>()
    };
    let inside: BTreeSet<PathBuf> = processes.into_iter().flat_map(|pid| of(&pid.to_string())).collect();
    &inside - &of("self")
}

/// Waits until these processes are gone, and nobody is in their namespaces.
fn wait_until_gone(tree: &[i32], theirs: &BTreeSet<PathBuf>) {
    assert!(theirs.len() >= 3, "a lab has namespaces: {theirs:?}");
    wait_until("no process left", || tree.iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists()));
    wait_until("no namespace left", || {
        let all: Vec<i32> = processes().into_iter().map(|(pid, _)| pid).collect();
        namespaces(&all).is_disjoint(theirs)
    });
}

/// The processes that have this folder in their command line, or are below one that has.
fn processes_of(folder: &str) -> Vec<i32> {
    let all = processes();
    let named = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(folder)
    };
    let mut found: BTreeSet<i32> = all.iter().map(|(pid, _)| *pid).filter(named).collect();
    loop {
        let below: Vec<i32> =
            all.iter().filter(|(pid, parent)| found.contains(parent) && !found.contains(pid)).map(|p| p.0).collect();
        if below.is_empty() {
            return found.into_iter().collect();
        }
        found.extend(below);
    }
}

/// All processes with their parents.
fn processes() -> Vec<(i32, i32)> {
    fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // Behind the name, which may hold anything: state, parent.
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((pid, parent))
        })
        .collect()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < until, "not in time: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// A lab in the foreground with one guest, ready.
struct Foreground {
    child: Child,
    link: String,
    listen: String,
    said: String,
}

impl Foreground {
    fn start(folder: &Folder) -> Self {
        let listen =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").to_string();
        let mut child = lab(&["--state", folder.path(), "--listen", &listen, "--guests", "1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the lab starts");
        let mut link = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut link).expect("a line");
        let mut said = String::new();
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        while !said.contains("Ctrl-C") && stderr.read_line(&mut said).expect("a line") > 0 {}
        // The rest may be said to nobody, but not to a closed pipe.
        std::thread::spawn(move || stderr.read_to_end(&mut Vec::new()));
        tell(&said);
        Self { child, link, listen, said }
    }
}

#[test]
#[ignore = "needs root, namespaces and libvirt; `make test` runs it"]
fn a_command_sees_the_lab_and_its_status_comes_back() {
    let _one = one_lab();
    let script = r#"
        set -e
        readlink /proc/self/ns/net >&2
        virsh --quiet list --name
        iptables -S FORWARD | head -n 1
        cat /proc/sys/net/bridge/bridge-nf-call-iptables /proc/sys/net/ipv4/ip_forward
        virsh --quiet net-dhcp-leases default | wc -l
        ip route show default
        ping -c 1 -W 2 10.0.0.9 > /dev/null && echo outside answers
        ls /sys/class/net | grep -c eno1
        [ -n "$BRIDGEHEAD_URL" ] && [ -n "$BRIDGEHEAD_TOKEN" ] && echo dashboard named
        [ ! -e /dev/mem ] && echo own dev
        "$PROGRAM" lab guest node1 -- ip route show default
        "$PROGRAM" lab guest node1 -- sh -c 'echo said; exit 9' || echo "guest said $?"
        exit 42
    "#;
    let output = output(lab(&["run", "--", "sh", "-c", script]).env("PROGRAM", PROGRAM));
    assert_eq!(output.status.code(), Some(42));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(
        lines,
        [
            "master",
            "node1",
            "node2",
            "-P FORWARD DROP",
            "1",
            "1",
            "3",
            "default via 10.0.0.9 dev eno1",
            "outside answers",
            "1",
            "dashboard named",
            "own dev",
            "default via 192.168.122.1 dev eth0",
            "said",
            "guest said 9",
        ]
    );
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let network = stderr.lines().find(|line| line.starts_with("net:[")).map(PathBuf::from).expect("its namespace");
    let all: Vec<i32> = processes().into_iter().map(|(pid, _)| pid).collect();
    assert!(!namespaces(&all).contains(&network), "its namespace is left");
}

#[test]
#[ignore = "needs root, namespaces and libvirt; `make test` runs it"]
fn the_trap_can_be_left_out_and_guests_named() {
    let _one = one_lab();
    let folder = Folder::new("named");
    let arguments = ["run", "--state", folder.path(), "--forward-policy", "accept", "--guests", "web"];
    let script = "iptables -S FORWARD | head -n 1; virsh --quiet list --name";
    let output = output(lab(&arguments).args(["--", "sh", "-c", script]));
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said.split_whitespace().collect::<Vec<_>>(), ["-P", "FORWARD", "ACCEPT", "web"]);
    for name in ["run", "lib", "cache", "dev", "lab.pid"] {
        assert!(!folder.0.join(name).exists(), "{name} is left");
    }
    assert!(folder.0.join("etc/qemu/web.xml").exists(), "the next lab on this folder has its guest as it was");
}

#[test]
#[ignore = "needs root, namespaces and libvirt; `make test` runs it"]
fn nothing_outlives_a_killed_lab() {
    let _one = one_lab();
    let folder = Folder::new("killed");
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    // The lab itself, unshare, PID 1 and the world, by their place in the tree.
    for (place, left) in [(0, true), (1, false), (2, false), (3, false)] {
        let mut lab_ = Foreground::start(&folder);
        assert!(lab_.link.starts_with(&format!("http://{}/?token=", lab_.listen)), "{}", lab_.link);
        assert_eq!(lab_.said.contains("was killed; cleaning up"), place == 1, "{}", lab_.said);
        let second = output(&mut lab(&["run", "--state", folder.path(), "--", "true"]));
        assert!(String::from_utf8_lossy(&second.stderr).contains("is running in"));
        let guest = output(&mut lab(&["guest", "master", "--state", folder.path(), "--", "hostname"]));
        assert_eq!(String::from_utf8_lossy(&guest.stdout), "master\n");

        let tree = processes_of(folder.path());
        let theirs = namespaces(&tree);
        kill("-9", chain(lab_.child.id())[place]);
        lab_.child.wait().expect("the lab ends");
        wait_until_gone(&tree, &theirs);
        assert_eq!(fs::read_to_string("/proc/self/mountinfo").expect("mounts"), mounts);
        TcpListener::bind(&lab_.listen).expect("the socket is free");
        assert_eq!(folder.0.join("lab.pid").exists(), left);
    }
}

#[test]
#[ignore = "needs root, namespaces and libvirt; `make test` runs it"]
fn ctrl_c_ends_it_well_even_without_its_daemons() {
    let _one = one_lab();
    let folder = Folder::new("signal");
    let mut lab_ = Foreground::start(&folder);
    let tree = processes_of(folder.path());
    let theirs = namespaces(&tree);
    for pid in &tree {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        if ["libvirtd", "virtlogd", "dnsmasq", "qemu-system-x86"].contains(&name.trim()) {
            // One may have ended with another that was killed before it.
            signal("-9", pid.unsigned_abs());
        }
    }
    kill("-INT", lab_.child.id());
    assert!(lab_.child.wait().expect("the lab ends").success());
    wait_until_gone(&tree, &theirs);
    assert!(!folder.0.join("run").exists() && !folder.0.join("lab.pid").exists());
}

/// Everything that kernel, libvirt and guests remember is gone with the first lab; the state folder is not.
#[test]
#[ignore = "needs root, namespaces and libvirt; `make test` runs it"]
fn a_reboot_forgets_nothing() {
    let _one = one_lab();
    let folder = Folder::new("reboot");
    let script = r#"
        set -e
        # Blocked until the dashboard has heard of what is inside the guests.
        until "$PROGRAM" gateway mybr0 --via master --members node1 --subnet 192.168.48.0/24 --yes > /dev/null; do
            [ $((tries = tries + 1)) -lt 60 ] || exit 1
            sleep 0.5
        done
        "$PROGRAM" export
    "#;
    let inside = |script: &str| {
        let output = output(lab(&["run", "--state", folder.path(), "--", "sh", "-c", script]).env("PROGRAM", PROGRAM));
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let before = inside(script);
    // Nobody asks for anything but the proof.
    let script = r#"
        hops() { "$PROGRAM" lab guest node1 -- traceroute -n -q 1 -w 1 -m 4 10.0.0.9 2> /dev/null | awk 'NR > 1 { print $2 }'; }
        until found=$(hops); [ "$(echo $found)" = '192.168.48.10 192.168.122.1 10.0.0.9' ]; do
            [ $((tries = tries + 1)) -lt 100 ] || break
        done
        echo "$found"
        "$PROGRAM" export
        "$PROGRAM" history | grep -c 'put back after a start' >&2
    "#;
    let after = inside(script);
    let hops = after.strip_suffix(&before).expect("the same document");
    assert_eq!(hops.split_whitespace().collect::<Vec<_>>(), ["192.168.48.10", "192.168.122.1", "10.0.0.9"]);
}

fn kill(name: &str, pid: u32) {
    assert!(signal(name, pid));
}

/// Whether the process was still there to get it.
fn signal(name: &str, pid: u32) -> bool {
    Command::new("kill").args([name, &pid.to_string()]).status().expect("kill").success()
}

/// A process, its only child, and so on: the lab, unshare, PID 1, the world.
fn chain(first: u32) -> Vec<u32> {
    let mut chain = vec![first];
    while chain.len() < 4 {
        let last = chain[chain.len() - 1];
        let children = fs::read_to_string(format!("/proc/{last}/task/{last}/children")).expect("children");
        // PID 1 also has what the world left to it; the world was first.
        chain.push(children.split_whitespace().next().expect("a child").parse().expect("a number"));
    }
    chain
}

#[test]
fn refuses_to_listen_elsewhere() {
    let output = output(&mut lab(&["--listen", "0.0.0.0:3000"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not loopback"));
}

#[test]
fn refuses_the_machines_own_namespace() {
    let spec = serde_json::json!({"state": "/nowhere", "guests": ["master"], "forward_policy": "drop", "site": null,
        "image": {"kernel": "/k", "initramfs": "/i", "accelerator": "Emulation"},
        "machine": ["", ""], "listen_fd": null, "command": null});
    let output = output(&mut lab(&["world", &spec.to_string()]));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("refusing to build a world here"));
}

#[test]
#[ignore = "needs root, to make a process namespace; `make test` runs it"]
fn refuses_the_machines_own_network() {
    let own = |kind| fs::read_link(format!("/proc/self/ns/{kind}")).expect("a namespace").display().to_string();
    let spec = serde_json::json!({"state": "/nowhere", "guests": ["master"], "forward_policy": "drop", "site": null,
        "image": {"kernel": "/k", "initramfs": "/i", "accelerator": "Emulation"},
        "machine": [own("net"), own("mnt")], "listen_fd": null, "command": null});
    let mut command = Command::new("unshare");
    command.args(["--pid", "--mount", "--fork", "--kill-child", "--mount-proc", "--", PROGRAM, "lab", "world"]);
    let output = output(command.arg(spec.to_string()));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the machine's own net namespace"));
}

#[test]
fn refuses_odd_guests() {
    for odd in ["0", "a,a", "a<b", "", "1000", "a=windows", "a=", "a,a=netplan"] {
        let output = output(&mut lab(&["run", "--guests", odd, "--", "true"]));
        assert_eq!(output.status.code(), Some(2), "{odd}");
    }
}
