//! On trees of files as those programs write them.

use std::os::unix::fs::PermissionsExt;

use model::observed::ManagerKind::{self, Ifupdown, Netplan, NetworkManager, Networkd};
use proptest::prelude::*;

use super::*;

/// A folder with these files, which goes when it is dropped.
struct Tree(PathBuf);

impl Tree {
    fn of(files: &[(&str, &str)]) -> Self {
        let pattern = std::env::temp_dir().join("bridgehead-managers.XXXXXX");
        let tree = Self(nix::unistd::mkdtemp(&pattern).expect("a folder"));
        files.iter().for_each(|(path, text)| tree.write(path, text));
        tree
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn claims(&self) -> Claims {
        Managers::at(&self.0).read()
    }

    fn of_link(&self, index: u32, name: &str) -> Vec<Manager> {
        self.claims().of(&link(index, name))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("removed");
    }
}

fn link(index: u32, name: &str) -> Link {
    Link { index, name: name.to_owned(), ..Link::default() }
}

fn by(kind: ManagerKind, file: &str) -> Manager {
    Manager { kind, file: (!file.is_empty()).then(|| file.to_owned()) }
}

const LEFT_ALONE: &str = "# This is private data. Do not parse.\nADMIN_STATE=unmanaged\nOPER_STATE=routable\n";

#[test]
fn networkd_names_the_file_that_it_went_by() {
    let tree = Tree::of(&[
        (
            "run/systemd/netif/links/2",
            "# This is private data. Do not parse.\nADMIN_STATE=configured\nOPER_STATE=routable\nCARRIER_STATE=carrier\n\
             REQUIRED_FOR_ONLINE=yes\nNETWORK_FILE=/etc/systemd/network/10-wired.network\nNETWORK_FILE_DROPINS=\"\"\n",
        ),
        ("run/systemd/netif/links/3", LEFT_ALONE),
        ("run/systemd/netif/links/4", "ADMIN_STATE=pending\nNETWORK_FILE=/run/systemd/network/71-default.network\n"),
        ("run/systemd/netif/links/5", "ADMIN_STATE=initialized\n"),
    ]);
    assert_eq!(tree.of_link(2, "eno1"), [by(Networkd, "/etc/systemd/network/10-wired.network")]);
    assert_eq!(tree.of_link(3, "virbr0"), []);
    let booted = tree.of_link(4, "eno2");
    assert_eq!(booted, [by(Networkd, "/run/systemd/network/71-default.network")]);
    assert!(!booted[0].lasts());
    assert_eq!(tree.of_link(5, "wlan0"), []);
    assert_eq!(tree.of_link(6, "none"), []);
}

#[test]
fn netplan_is_named_instead_of_whom_it_tells() {
    let rendered = "ADMIN_STATE=configured\nNETWORK_FILE=/run/systemd/network/10-netplan-eno1.network\n";
    let yaml = "network:\n  version: 2\n  ethernets:\n    \"eno1\": {dhcp4: true}\n    eno10:\n      dhcp4: true\n";
    let tree = Tree::of(&[
        ("run/systemd/netif/links/2", rendered),
        (
            "run/systemd/netif/links/3",
            "ADMIN_STATE=configured\nNETWORK_FILE=/run/systemd/network/10-netplan-br7.network\n",
        ),
        ("etc/netplan/50-cloud-init.yaml", yaml),
        ("run/NetworkManager/devices/4", "[device]\nmanaged=true\nconnection-uuid=5c6e\n"),
        (
            "run/NetworkManager/system-connections/netplan-eno10.nmconnection",
            "[connection]\nid=netplan-eno10\nuuid=5c6e\ntype=ethernet\ninterface-name=eno10\n",
        ),
    ]);
    let cloud = by(Netplan, "/etc/netplan/50-cloud-init.yaml");
    assert_eq!(tree.of_link(2, "eno1"), std::slice::from_ref(&cloud));
    assert_eq!(tree.of_link(3, "br7"), [by(Netplan, "")], "its file is gone already");
    assert_eq!(tree.of_link(4, "eno10"), std::slice::from_ref(&cloud));
    assert!(cloud.lasts());

    tree.write("etc/netplan/00-before.yaml", "network:\n  bridges:\n    br7:\n      dhcp4: false\n");
    tree.write("etc/netplan/90-bridgehead.yaml", "network:\n  bridges:\n    \"br7\":\n      optional: true\n");
    assert_eq!(tree.of_link(3, "br7"), [by(Netplan, "/etc/netplan/00-before.yaml")], "somebody else's first");
    fs::remove_file(tree.0.join("etc/netplan/00-before.yaml")).expect("removed");
    assert!(tree.of_link(3, "br7")[0].is_ours());
}

#[test]
fn networkmanager_tells_by_device_and_by_profile() {
    let tree = Tree::of(&[
        (
            "run/NetworkManager/devices/2",
            "[device]\nmanaged=true\nconnection-uuid=5c6e\nroute-metric-default-aspired=100\n",
        ),
        ("run/NetworkManager/devices/3", "[device]\nmanaged=false\nperm-hw-addr-fake=02:00:00:00:00:01\n"),
        ("run/NetworkManager/devices/4", "[device]\nmanaged=true\nconnection-uuid=unknown\n"),
        (
            "etc/NetworkManager/system-connections/Wired.nmconnection",
            "# by hand\n[connection]\nid=Wired\nuuid=5c6e\ntype=ethernet\n\n[ipv4]\nuuid=not this one\nmethod=auto\n",
        ),
        (
            "etc/NetworkManager/system-connections/br0.nmconnection",
            "[connection]\nid=br0\nuuid=77aa\ntype=bridge\ninterface-name=br0\n",
        ),
        (
            "etc/NetworkManager/system-connections/br1.nmconnection",
            "[connection]\nid=br1\ntype=bridge\ninterface-name=br1\nautoconnect=false\n",
        ),
    ]);
    assert_eq!(
        tree.of_link(2, "eno1"),
        [by(NetworkManager, "/etc/NetworkManager/system-connections/Wired.nmconnection")]
    );
    let profile = by(NetworkManager, "/etc/NetworkManager/system-connections/br0.nmconnection");
    assert_eq!(tree.of_link(3, "br0"), [], "it was told to leave this device alone");
    assert_eq!(tree.of_link(9, "br0"), std::slice::from_ref(&profile), "it would make it");
    assert_eq!(tree.of_link(4, "br0"), [profile]);
    assert_eq!(tree.of_link(4, "eno2"), [by(NetworkManager, "")]);
    assert_eq!(tree.of_link(9, "br1"), [], "only if somebody asks it to");
}

#[test]
fn ifupdown_tells_by_state_and_by_stanza() {
    let tree = Tree::of(&[
        ("run/network/ifstate", "lo=lo\neno1=eno1\nbr9=br9\n"),
        (
            "etc/network/interfaces",
            "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\nallow-hotplug eno1\niface eno1 inet dhcp\n",
        ),
        ("etc/network/interfaces.d/br0", "auto br0 br1\niface br0 inet static\n    address 192.0.2.1/24\n    iface\n"),
        ("etc/network/interfaces.d/90-bridgehead", "auto br0\niface br0 inet manual\niface br2 inet manual\n"),
    ]);
    assert_eq!(tree.of_link(2, "eno1"), [by(Ifupdown, "/etc/network/interfaces")]);
    assert_eq!(tree.of_link(3, "br0"), [by(Ifupdown, "/etc/network/interfaces.d/br0")], "somebody else's first");
    assert_eq!(tree.of_link(4, "br1"), [by(Ifupdown, "")], "a stanza that is missing");
    assert_eq!(tree.of_link(5, "br2"), [], "only if somebody asks it to");
    assert_eq!(tree.of_link(6, "br9"), [by(Ifupdown, "")], "nobody knows why it is up");
}

#[test]
fn several_may_claim_one_link() {
    let tree = Tree::of(&[
        ("run/systemd/netif/links/2", "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/eno1.network\n"),
        ("run/NetworkManager/devices/2", "[device]\nmanaged=true\n"),
        ("run/network/ifstate", "eno1=eno1\n"),
    ]);
    let kinds: Vec<_> = tree.of_link(2, "eno1").iter().map(|manager| manager.kind).collect();
    assert_eq!(kinds, [Networkd, NetworkManager, Ifupdown]);
    assert_eq!(Tree::of(&[]).claims(), Claims::default());
}

#[test]
fn what_is_no_file_or_too_long_is_passed_over() {
    let long = format!("lo=lo\n{}eno1=eno1\n", "#\n".repeat(LIMIT as usize));
    let tree = Tree::of(&[("run/network/ifstate", &long), ("run/systemd/netif/links/2/in", "")]);
    nix::unistd::mkfifo(&tree.0.join("run/systemd/netif/links/3"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    assert_eq!(tree.of_link(2, "eno1"), []);
    assert_eq!(tree.of_link(3, "lo"), [by(Ifupdown, "")]);
}

#[test]
fn files_of_ours_are_written_whole_and_no_others() {
    let tree = Tree::of(&[
        ("etc/netplan/50-own.yaml", "network: {}\n"),
        ("etc/systemd/network/90-bridgehead-odd.link", "x"),
        ("etc/systemd/network/.90-bridgehead-br0.network.new", "half of it, from a crash"),
    ]);
    let managers = Managers::at(&tree.0);
    fs::write(tree.0.join("etc/systemd/network/90-bridgehead-odd.link"), [0xff]).expect("no text");
    let (netplan, networkd) = ("/etc/netplan/90-bridgehead.yaml", "/etc/systemd/network/90-bridgehead-br0.network");
    managers.write(netplan, Some("network:\n")).expect("written");
    managers.write(networkd, Some("no end of line")).expect("written");
    let mode = |path: &str| fs::metadata(tree.0.join(&path[1..])).expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode(netplan), mode(networkd)), (0o600, 0o644));
    managers.write(networkd, Some("anew\n")).expect("written");

    let mut observed = Observed::default();
    managers.read().put(&mut observed);
    assert_eq!(observed.folders.keys().collect::<Vec<_>>(), ["/etc/netplan", "/etc/systemd/network"]);
    assert_eq!(observed.file(netplan).map(String::as_str), Some("network:\n"));
    assert_eq!(observed.file("/etc/netplan/50-own.yaml"), None);
    let files = &observed.folders["/etc/systemd/network"].files;
    assert_eq!(files["90-bridgehead-br0.network"].as_deref(), Some("anew\n"));
    assert_eq!(files["90-bridgehead-odd.link"], None, "no text");
    assert_eq!(files.len(), 2, "nothing is left of the crash: {files:?}");

    for path in ["/etc/netplan/50-own.yaml", "/etc/netplan/../90-bridgehead", "/etc/90-bridgehead", "90-bridgehead", ""]
    {
        assert!(matches!(managers.write(path, None), Err(Error::NotOurs(_))), "{path}");
    }
    let missing = "/etc/NetworkManager/system-connections/90-bridgehead-br0.nmconnection";
    assert!(matches!(managers.write(missing, Some("")), Err(Error::Write { .. })), "no folder is made");
    managers.write(netplan, None).expect("removed");
    managers.write(netplan, None).expect("gone already");
    assert!(tree.0.join("etc/netplan/50-own.yaml").exists() && !tree.0.join(&netplan[1..]).exists());
}

#[tokio::test]
async fn folders_and_files_that_come_and_go_are_noticed() {
    let tree = Tree::of(&[("etc/hostname", "lab\n")]);
    let managers = Managers::at(&tree.0);
    let mut events = managers.events().expect("inotify");
    let mut named = Vec::new();
    let mut act = async |act: &dyn Fn()| {
        act();
        // One act may be several events: as long as nothing new is read, there are more to come.
        loop {
            let changed = tokio::time::timeout(std::time::Duration::from_secs(10), events.changed()).await;
            changed.expect("an event").expect("inotify");
            let claims = managers.read().of(&link(2, "eno1"));
            if claims != named {
                named = claims;
                return named.clone();
            }
        }
    };
    let state = tree.0.join("run/network/ifstate");
    assert_eq!(act(&|| tree.write("run/network/ifstate", "eno1=eno1\n")).await, [by(Ifupdown, "")]);
    assert_eq!(act(&|| fs::write(&state, "lo=lo\n").expect("a file")).await, []);
    let new = tree.0.join("run/network/.ifstate.tmp");
    fs::write(&new, "eno1=eno1\n").expect("a file");
    assert_eq!(act(&|| fs::rename(&new, &state).expect("moved")).await, [by(Ifupdown, "")]);
    assert_eq!(act(&|| fs::remove_dir_all(tree.0.join("run")).expect("removed")).await, []);
    let networkd = "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/a.network\n";
    let told = act(&|| tree.write("run/systemd/netif/links/2", networkd)).await;
    assert_eq!(told, [by(Networkd, "/etc/systemd/network/a.network")]);
}

proptest! {
    #[test]
    fn arbitrary_files_are_read(texts in prop::collection::vec("(?s)[\\[\\]=#;a-z/ \"\\PC\n]{0,200}|\\PC*", 8), uuid in "\\PC{0,4}") {
        let found = |name: &str, text: &str| Found { path: format!("/{name}"), text: text.to_owned() };
        let netplan = vec![found("a.yaml", &texts[0])];
        networkd::manager(&texts[1], &netplan);
        networkd::manager(&format!("ADMIN_STATE=configured\nNETWORK_FILE={}", texts[1]), &netplan);
        netplan::manager(&uuid, &netplan);
        let device = found("2", &format!("[device]\nmanaged=true\nconnection-uuid={uuid}\n{}", texts[2]));
        let profile = found("netplan-x", &format!("[connection]\nuuid={uuid}\n{}", texts[3]));
        let claims = networkmanager::Claims::of([device, found("3", &texts[4])].into_iter(), [profile].into_iter(), &netplan);
        claims.for_link(&link(2, &uuid));
        ifupdown::managers(&texts[5], &[found("interfaces", &texts[6]), found("90-bridgehead", &texts[7])]);
    }
}
