//! What becomes of the lab's host, and of what is made on it, at a reboot.

mod world;

use model::{
    Cluster, Observed, Topology,
    note::Subject,
    observed::{Attachment, DomainState, Link, Manager, ManagerKind, NicMark},
    plan::plan,
    survival::{Keeper, Survival},
};
use world::{lab, mac};

const DOCUMENT: &str = r#"
    [[bridge]]
    name = "mybr0"
    address = "192.168.48.1/24"

    [[nic]]
    guest = "node1"
    mac = "52:54:00:48:00:20"
    bridge = "mybr0"
"#;

/// The lab's host with a bridge of ours and a NIC of ours on it.
fn ours() -> (Observed, Cluster) {
    let mut observed = lab(&["master", "node1"]);
    let document = Cluster::from_toml(DOCUMENT).expect("a document");
    for step in plan(&observed, &Cluster::default(), &document).steps {
        step.simulate(&mut observed);
    }
    (observed, document)
}

fn link<'a>(observed: &'a mut Observed, name: &str) -> &'a mut Link {
    observed.links.values_mut().find(|link| link.name == name).expect("the link")
}

fn manager(kind: ManagerKind, file: Option<&str>) -> Manager {
    Manager { kind, file: file.map(str::to_owned) }
}

fn of(observed: &Observed, document: &Cluster, subject: &str) -> Option<Survival> {
    Survival::of(observed, document, &subject.parse().expect("a subject"))
}

fn saved(by: Keeper) -> Option<Survival> {
    Some(Survival::Saved { by })
}

#[test]
fn what_the_document_names_is_put_back() {
    let (observed, document) = ours();
    assert_eq!(of(&observed, &document, "link:mybr0"), saved(Keeper::Document));
    assert_eq!(of(&observed, &document, "gateway:mybr0"), saved(Keeper::Document));
    assert_eq!(of(&observed, &document, "nic:52:54:00:48:00:20"), saved(Keeper::Document));
    let nothing = Cluster::default();
    assert_eq!(of(&observed, &nothing, "link:mybr0"), Some(Survival::Runtime), "ours, and no longer named");
    assert_eq!(observed.domains["node1"].marks.nics[&"52:54:00:48:00:20".parse().expect("a MAC")], NicMark::Made);
    assert_eq!(of(&observed, &nothing, "nic:52:54:00:48:00:20"), saved(Keeper::Guest("node1".to_owned())));
}

#[test]
fn links_are_kept_by_whoever_claims_them() {
    let (mut observed, document) = ours();
    let mut survives = |managers: &[Manager], subject: &str| {
        link(&mut observed, subject.trim_start_matches("link:")).managers = managers.to_vec();
        of(&observed, &document, subject)
    };
    let networkd = manager(ManagerKind::Networkd, Some("/etc/systemd/network/eno1.network"));
    let ifupdown = manager(ManagerKind::Ifupdown, None);
    let by = |manager: &Manager| Keeper::Manager(manager.clone());

    assert_eq!(survives(&[], "link:eno1"), Some(Survival::Runtime));
    assert_eq!(survives(std::slice::from_ref(&networkd), "link:eno1"), saved(by(&networkd)));
    let both = [networkd.clone(), ifupdown.clone()];
    assert_eq!(survives(&both, "link:eno1"), Some(Survival::Contested { by: both.iter().map(by).collect() }));
    let volatile = manager(ManagerKind::Networkd, Some("/run/systemd/network/eno1.network"));
    assert_eq!(survives(&[volatile], "link:eno1"), Some(Survival::Runtime));

    let contested = Survival::Contested { by: vec![Keeper::Document, by(&ifupdown)] };
    assert_eq!(survives(std::slice::from_ref(&ifupdown), "link:mybr0"), Some(contested));
    let told_by_us = manager(ManagerKind::Netplan, Some("/etc/netplan/90-bridgehead.yaml"));
    assert_eq!(survives(&[told_by_us], "link:mybr0"), saved(Keeper::Document));
    let network = Keeper::Definition { starts: true };
    assert_eq!(survives(&[], "link:virbr0"), saved(network.clone()));
    let contested = Survival::Contested { by: vec![by(&networkd), network] };
    assert_eq!(survives(&[networkd], "link:virbr0"), Some(contested));
}

#[test]
fn what_we_made_and_no_longer_name_is_kept_by_its_file_or_contested() {
    let (mut observed, _) = ours();
    let mut survives = |manager: Manager| {
        link(&mut observed, "mybr0").managers = vec![manager];
        of(&observed, &Cluster::default(), "link:mybr0")
    };
    let file = manager(ManagerKind::Networkd, Some("/etc/systemd/network/90-bridgehead-mybr0.network"));
    assert_eq!(survives(file.clone()), saved(Keeper::Manager(file)));
    let other = manager(ManagerKind::Ifupdown, Some("/etc/network/interfaces"));
    assert_eq!(survives(other.clone()), Some(Survival::Contested { by: vec![Keeper::Manager(other)] }));
}

#[test]
fn an_uplink_of_the_document_may_be_contested_too() {
    let mut observed = lab(&["master"]);
    let dhcp = manager(ManagerKind::Ifupdown, Some("/etc/network/interfaces"));
    link(&mut observed, "eno1").managers = vec![dhcp.clone()];
    let document = Cluster::from_toml("[[bridge]]\nname = \"br0\"\nuplink = \"eno1\"\n").expect("a document");
    let contested = Survival::Contested { by: vec![Keeper::Document, Keeper::Manager(dhcp)] };
    assert_eq!(of(&observed, &document, "link:eno1"), Some(contested));
}

#[test]
fn hardware_comes_back_bare() {
    let mut observed = lab(&[]);
    let document = Cluster::default();
    link(&mut observed, "eno1").kind = None;
    assert_eq!(of(&observed, &document, "link:eno1"), Some(Survival::Bare));
    link(&mut observed, "eno1").addresses.clear();
    assert_eq!(of(&observed, &document, "link:eno1"), saved(Keeper::Kernel));
    link(&mut observed, "eno1").master = Some(3);
    assert_eq!(of(&observed, &document, "link:eno1"), Some(Survival::Bare));
    assert_eq!(of(&observed, &document, "link:lo"), None);
    assert_eq!(of(&observed, &document, "link:gone"), None);
    assert_eq!(of(&observed, &document, "host"), None);
}

#[test]
fn libvirt_keeps_what_it_has_defined() {
    let mut observed = lab(&["master"]);
    let document = Cluster::default();
    let survives = |observed: &Observed, subject: &str| of(observed, &document, subject);
    let domain = observed.domains.get_mut("master").expect("master");
    (domain.persistent, domain.autostart) = (true, false);
    assert_eq!(survives(&observed, "guest:master"), saved(Keeper::Definition { starts: false }));
    observed.domains.get_mut("master").expect("master").autostart = true;
    assert_eq!(survives(&observed, "guest:master"), saved(Keeper::Definition { starts: true }));
    observed.domains.get_mut("master").expect("master").persistent = false;
    assert_eq!(survives(&observed, "guest:master"), Some(Survival::Runtime));

    let tap = observed.domains["master"].nics[0].tap.clone().expect("a tap");
    assert_eq!(survives(&observed, &format!("link:{tap}")), saved(Keeper::Guest("master".to_owned())));

    assert_eq!(survives(&observed, "network:default"), saved(Keeper::Definition { starts: true }));
    observed.networks.get_mut("default").expect("default").autostart = false;
    assert_eq!(survives(&observed, "link:virbr0"), saved(Keeper::Definition { starts: false }));
    observed.networks.get_mut("default").expect("default").persistent = false;
    assert_eq!(survives(&observed, "network:default"), Some(Survival::Runtime));
    assert_eq!(survives(&observed, "link:virbr0"), Some(Survival::Runtime));
    // A network over a bridge that somebody else made keeps nothing.
    let network = observed.networks.get_mut("default").expect("default");
    (network.persistent, network.forward) = (true, Some("bridge".to_owned()));
    assert_eq!(survives(&observed, "link:virbr0"), Some(Survival::Runtime));
}

#[test]
fn a_bridge_on_which_addresses_are_given_is_libvirts_to_make() {
    let mut observed = lab(&["master"]);
    let text = "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n\
        [bridge.dhcp]\nrange = \"192.168.48.100-192.168.48.199\"\n";
    let document = Cluster::from_toml(text).expect("a document");
    for step in plan(&observed, &Cluster::default(), &document).steps {
        step.simulate(&mut observed);
    }
    assert_eq!(of(&observed, &document, "link:mybr0"), saved(Keeper::Definition { starts: true }));
    let dhcpcd = manager(ManagerKind::Ifupdown, None);
    link(&mut observed, "mybr0").managers = vec![dhcpcd.clone()];
    let contested = vec![Keeper::Manager(dhcpcd), Keeper::Definition { starts: true }];
    assert_eq!(of(&observed, &document, "link:mybr0"), Some(Survival::Contested { by: contested }));
}

#[test]
fn a_nic_is_live_or_defined_or_both() {
    let mut observed = lab(&["master"]);
    let document = Cluster::default();
    let subject = format!("nic:{}", mac(0));
    let mut survives = |live: Option<&str>, config: Option<&str>, state: DomainState| {
        let place = |bridge: &str| Attachment::Bridge { bridge: bridge.to_owned() };
        let domain = observed.domains.get_mut("master").expect("master");
        domain.state = state;
        (domain.nics[0].live, domain.nics[0].config) = (live.map(place), config.map(place));
        of(&observed, &document, &subject)
    };
    let guest = saved(Keeper::Guest("master".to_owned()));
    assert_eq!(survives(Some("a"), Some("a"), DomainState::Running), guest);
    assert_eq!(survives(None, Some("a"), DomainState::Off), guest);
    assert_eq!(survives(None, Some("a"), DomainState::Running), saved(Keeper::NextStart));
    assert_eq!(survives(Some("a"), None, DomainState::Running), Some(Survival::Runtime));
    let contested = survives(Some("a"), Some("b"), DomainState::Paused);
    assert!(matches!(contested, Some(Survival::Contested { .. })), "{contested:?}");
}

#[test]
fn two_managers_of_one_link_are_a_note_that_names_both() {
    let mut observed = lab(&[]);
    link(&mut observed, "eno1").managers = vec![manager(ManagerKind::Networkd, Some("/etc/systemd/network/a.network"))];
    assert_eq!(Topology::of(&observed).notes, []);
    link(&mut observed, "eno1").managers.push(manager(ManagerKind::Ifupdown, None));
    let notes = Topology::of(&observed).notes;
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].code.as_str(), &notes[0].subject), ("managers-contend", &Subject::Link("eno1".to_owned())));
    let named = ["systemd-networkd (/etc/systemd/network/a.network)", "ifupdown"];
    assert!(named.iter().all(|name| notes[0].text.en.contains(name) && notes[0].text.zh.contains(name)));
}
