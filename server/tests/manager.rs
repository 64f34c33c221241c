//! The document's manager, in a lab, whose `/etc` is its own: its files are written, put back and given back, byte for byte.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bridgehead");
const BRIDGE: &str = "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n";
const FOLDERS: [&str; 4] =
    ["/etc/netplan", "/etc/systemd/network", "/etc/network/interfaces.d", "/etc/NetworkManager/system-connections"];

/// Every file of the managers' folders: its text and who may read it.
type Files = BTreeMap<String, (String, u32)>;

fn files() -> Files {
    let entries = FOLDERS.iter().flat_map(|folder| fs::read_dir(folder).expect("a folder of the lab"));
    let file = |path: &Path| {
        let mode = fs::metadata(path).expect("a file").permissions().mode() & 0o777;
        (path.display().to_string(), (fs::read_to_string(path).expect("a text"), mode))
    };
    entries.map(|entry| file(&entry.expect("an entry").path())).collect()
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().expect("the command runs")
}

fn done(arguments: &[&str]) -> String {
    let output = run(arguments);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

/// Makes the network what this document says.
struct Document(std::path::PathBuf);

impl Document {
    fn of(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bridgehead-manager-{}.toml", std::process::id()));
        fs::write(&path, text).expect("a document");
        Self(path)
    }

    fn apply(text: &str) {
        let document = Self::of(text);
        done(&["apply", "--yes", document.0.to_str().expect("a path")]);
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        fs::remove_file(&self.0).expect("removed");
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "waited too long for {what}");
        sleep(Duration::from_millis(50));
    }
}

fn text<'a>(files: &'a Files, path: &str) -> &'a str {
    files.get(path).map_or("", |(text, _)| text)
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn files_of_a_manager_are_written_put_back_and_given_back() {
    assert!(std::env::var_os("BRIDGEHEAD_URL").is_some(), "BRIDGEHEAD_URL is not set: this test runs in a lab only");
    let mounts = fs::read_to_string("/proc/self/mounts").expect("the mounts");
    assert!(mounts.lines().any(|line| line.starts_with("tmpfs /etc ")), "this /etc is the machine's own");
    let (network, netdev) =
        ("/etc/systemd/network/90-bridgehead-mybr0.network", "/etc/systemd/network/90-bridgehead-mybr0.netdev");
    fs::write("/etc/systemd/network/50-own.network", "[Match]\nName=eno1\n").expect("somebody's file");
    let start = files();

    Document::apply(BRIDGE);
    assert_eq!(files(), start, "nobody asked for files yet");
    Document::apply(&format!("manager = \"networkd\"\n{BRIDGE}"));
    let kept = files();
    assert!(text(&kept, network).contains("Address=192.168.48.1/24\n"));
    assert!(text(&kept, netdev).contains("Kind=bridge\n"));
    assert_eq!(kept[netdev].1, 0o644);
    assert_eq!(kept.len(), start.len() + 3, "{kept:#?}");

    fs::write(netdev, "[NetDev]\nName=mybr0\n").expect("edited by somebody");
    fs::remove_file(network).expect("removed by somebody");
    let document = Document::of(&format!("manager = \"networkd\"\n{BRIDGE}"));
    until("the server to notice both", || {
        let plan = done(&["plan", document.0.to_str().expect("a path")]);
        plan.contains(network) && plan.contains(netdev)
    });
    drop(document);
    done(&["put-back"]);
    assert_eq!(files(), kept);

    Document::apply(&format!("manager = \"networkmanager\"\n{BRIDGE}"));
    let moved = files();
    let connection = "/etc/NetworkManager/system-connections/90-bridgehead-mybr0.nmconnection";
    assert_eq!(moved[connection].1, 0o600);
    assert!(!moved.contains_key(netdev));
    done(&["undo"]);
    assert_eq!(files(), kept);

    done(&["undo"]);
    assert_eq!(files(), start);
    Document::apply("");
    fs::remove_file("/etc/systemd/network/50-own.network").expect("removed");
}
