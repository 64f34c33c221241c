//! What was exported in one lab makes the same network in another.
//!
//! One lab at a time: each of its guests wants a processor to itself.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use model::{Observed, Topology, firewall::narrow};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bridgehead");

/// A folder that outlives a lab, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("bridgehead-test-export-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The files of an export, as the command line prints several, one by one.
    fn split(&self, name: &str) {
        for file in self.read(name).split("==> ").skip(1) {
            let (path, text) = file.split_once(" <==\n").expect("a path and a text");
            fs::write(self.0.join(path), text).expect("a file is written");
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a script in a fresh lab, in this folder; what it printed.
fn lab(folder: &Path, script: &str) -> String {
    let script = format!("set -eu\ncd \"$FOLDER\"\n{script}");
    let mut command = Command::new(PROGRAM);
    command.args(["lab", "run", "--", "sh", "-c", &script]).env("PROGRAM", PROGRAM).env("FOLDER", folder);
    let output = command.stdin(Stdio::null()).output().expect("the lab starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// A network as far as two labs can be alike: the kernel and libvirt choose numbers and names of taps afresh.
fn facts(json: &str) -> BTreeSet<String> {
    let observed: Observed = serde_json::from_str(json).expect("an observation");
    let topology = Topology::of(&observed);
    let mut facts = BTreeSet::new();
    for link in observed.links.values().filter(|link| link.is_bridge()) {
        let addresses: Vec<String> = link
            .addresses
            .iter()
            .filter(|address| address.scope == "global")
            .map(|address| address.net.to_string())
            .collect();
        let stp = link.bridge.as_ref().map(|bridge| bridge.stp);
        facts.insert(format!(
            "bridge {} {addresses:?} up {} mtu {} stp {stp:?} ours {}",
            link.name,
            link.up,
            link.mtu,
            link.is_ours()
        ));
    }
    for guest in topology.guests.values() {
        let name = &guest.name;
        for nic in &guest.nics {
            let addresses: BTreeSet<String> = nic
                .addresses
                .iter()
                .map(|address| address.net.to_string())
                .filter(|net| !net.starts_with("fe80"))
                .collect();
            let place = (&nic.attachment, &nic.bridge, nic.live, nic.config, nic.cable, nic.up);
            facts.insert(format!("nic {name} {} {place:?} {addresses:?}", nic.mac));
        }
        for route in guest.default_routes.iter().flatten() {
            facts.insert(format!("route {name} {:?} {:?} {} {:?}", route.via, route.mac, route.metric, route.through));
        }
        facts.insert(format!("gateway {name} {:?} {:?} {:?}", guest.forwards, guest.gateway, guest.translations));
        facts.insert(format!("marks {name} {:?}", observed.domains[name].marks));
    }
    facts.extend(narrow::all(&observed).iter().map(|rule| format!("rule {rule:?}")));
    facts
}

const HERE: &str = r#"
    # The guests are up; the dashboard may hear of their leases a moment later.
    for second in 1 2 3 4 5 6 7 8 9 10; do
      "$PROGRAM" gateway mybr0 --via master --members node1 --subnet 192.168.48.0/24 --yes >&2 && break
      sleep 1
    done
    "$PROGRAM" observe --json > here.json
    for format in document shell libvirt nft netplan networkd ifupdown networkmanager; do
      "$PROGRAM" export --format $format > $format
    done
    "$PROGRAM" gateway mybr0 --remove --yes >&2
    nft -c -f nft
    "$PROGRAM" export --format shell --plan document > plan
    "$PROGRAM" export --format nothing 2>&1 | grep -o 'there is no such format'
    "$PROGRAM" observe --json > before.json
    "$PROGRAM" export --format shell --plan moved > move
    sh move >&2
    # libvirt has no event for a NIC that moved: the dashboard hears of it by another.
    virsh desc node2 --live --config --new-desc moved >&2
    for second in 1 2 3 4 5 6 7 8 9 10; do
      "$PROGRAM" plan moved | grep 'nothing to do' && break
      sleep 1
    done
    "$PROGRAM" apply moved --yes >&2
    "$PROGRAM" export --format shell --plan /dev/null > back
    sh back >&2
    "$PROGRAM" observe --json > after.json
    sed s/192.168.48.1/192.168.122.1/ document | "$PROGRAM" export --format shell --plan - 2>&1 | grep -o 'The plan is blocked'
"#;

/// A NIC moves, another comes with its cable out, a third goes.
const MOVED: &str = r#"
[[bridge]]
name = "mybr1"
address = ["192.168.49.1/24", "fd49::1/64"]
mtu = 1400
stp = true

[[nic]]
guest = "node2"
mac = "52:54:00:12:22:12"
bridge = "mybr1"
address = "192.168.49.22/24"

[[nic]]
guest = "master"
mac = "52:54:00:49:00:10"
bridge = "mybr1"
cable = false

[[nic]]
guest = "node1"
mac = "52:54:00:12:22:11"
network = "default"
plugged = false
"#;

const THERE: &str = r#"
    sh shell
    "$PROGRAM" observe --json > there.json
    "$PROGRAM" lab guest node1 -- traceroute -n -q 1 -w 2 10.0.0.9
    sh shell 2>&1 | grep 'mybr0 is there already'
    "$PROGRAM" plan document
    for file in 90-bridgehead-master-*.xml; do
      virsh detach-interface master bridge --mac "$(sed -n 's/.*mac address="\(.*\)".*/\1/p' "$file")" --config >&2
      virsh attach-device master "$file" --config >&2
    done
    virsh net-define 90-bridgehead-mybr0.xml >&2
    virsh net-start mybr0 >&2
"#;

#[test]
#[ignore = "needs root, namespaces and libvirt; `make test` runs it"]
fn a_script_from_one_lab_makes_the_network_in_another() {
    let folder = Folder::new();
    fs::write(folder.0.join("moved"), MOVED).expect("a document");
    let said = lab(&folder.0, HERE);
    folder.split("libvirt");
    assert!(said.contains("nothing to do") && said.contains("no such format") && said.contains("is blocked"), "{said}");
    assert_eq!(facts(&folder.read("before.json")), facts(&folder.read("after.json")), "there and back");
    assert_eq!(folder.read("plan"), folder.read("shell"), "a plan from nothing is the network");

    let said = lab(&folder.0, THERE);
    assert_eq!(facts(&folder.read("there.json")), facts(&folder.read("here.json")));
    let hops: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix(' ')?.split_whitespace().nth(1)).collect();
    assert_eq!(hops, ["192.168.48.10", "192.168.122.1", "10.0.0.9"], "{said}");
    assert!(said.contains("mybr0 is there already"), "{said}");
    // Only the document is missing there, and the host has all that it says.
    assert!(said.contains("nothing to do"), "{said}");
}
