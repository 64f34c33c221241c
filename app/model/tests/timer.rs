//! The revert timer inside guests, golden in the folders of [`golden`](../golden.rs) that have a `timer.txt`; and run by a
//! real shell.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use model::{Cluster, Observed, plan::plan, step::Step, timer};

fn plan_of(folder: &Path) -> Vec<Step> {
    let text = |name: &str| fs::read_to_string(folder.join(name)).expect("a file of the case");
    let document = |name: &str| Cluster::from_toml(&text(name)).expect("a document");
    let observed: Observed = serde_json::from_str(&text("observed.json")).expect("an observation");
    plan(&observed, &document("committed.toml"), &document("draft.toml")).steps
}

fn cases() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<_> =
        fs::read_dir(cases).expect("the cases").map(|entry| entry.expect("a case").path()).collect();
    folders.retain(|folder| folder.join("timer.txt").exists());
    folders.sort();
    folders
}

#[test]
fn every_case_gives_its_timers() {
    assert!(!cases().is_empty());
    for folder in cases() {
        let steps = plan_of(&folder);
        let mut now = String::new();
        for guest in steps.iter().filter_map(Step::inside).collect::<BTreeSet<_>>() {
            let script = timer::script(&steps, guest).expect("steps inside");
            let _ = writeln!(now, "==> {guest} <==\n{script}");
        }
        let golden = folder.join("timer.txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&golden, &now).expect("timer.txt is written");
        }
        assert_eq!(fs::read_to_string(&golden).expect("timer.txt"), now, "{}", golden.display());
    }
}

fn address(guest: &str, address: &str) -> Step {
    Step::AddGuestAddress {
        guest: guest.to_owned(),
        mac: "52:54:00:48:00:10".parse().expect("a MAC"),
        address: address.parse().expect("an address"),
    }
}

#[test]
fn only_what_is_inside_this_guest_is_taken_back_newest_first() {
    let steps = [
        address("a", "10.0.0.1/24"),
        Step::SetLinkUp { link: "eth0".to_owned(), up: true },
        address("b", "10.0.0.2/24"),
        Step::SetGuestForwarding { guest: "a".to_owned(), on: true },
    ];
    let script = timer::script(&steps, "a").expect("a script");
    let back = script.find("sysctl -w net.ipv4.ip_forward=0").expect("forwarding");
    let first = script.find("ip addr del 10.0.0.1/24").expect("the address");
    assert!(back < first, "{script}");
    assert!(!script.contains("10.0.0.2") && !script.contains("eth0"), "{script}");
    assert_eq!(timer::script(&steps, "c"), None);
}

/// In a shell whose `ip` fails and whose `sysctl` says what it was told.
#[test]
fn it_goes_on_after_a_failure_and_says_when_it_ran() {
    let folder = std::env::temp_dir().join(format!("bridgehead-test-timer-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let steps = [Step::SetGuestForwarding { guest: "a".to_owned(), on: true }, address("a", "10.0.0.1/24")];
    let stubs = "ip() { false; }\nsysctl() { echo \"$*\"; }\n";
    let file = folder.join("revert-7");
    fs::write(&file, format!("{stubs}{}", timer::script(&steps, "a").expect("a script"))).expect("a file");
    let output = Command::new("sh").arg(&file).output().expect("a shell");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "-w net.ipv4.ip_forward=0\n");
    assert!(folder.join("revert-7.ran").exists() && !file.exists());
    let again = Command::new("sh").arg(&file).output().expect("a shell");
    assert!(!again.status.success() && again.stdout.is_empty());
    fs::remove_dir_all(&folder).expect("there");
}
