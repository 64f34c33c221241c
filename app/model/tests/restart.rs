//! A gateway's guest after a start of its own: what it has loaded by itself works, and is made what the document says as soon
//! as that is known.

mod world;

use std::net::IpAddr;

use model::{
    Cluster, Observed,
    cluster::Protocol,
    observed::ManagerKind,
    plan::plan,
    step::{DestinationTranslation, GuestTool, SourceTranslation, Step, TableEntry},
};
use world::{lab, mac};

const TABLE: &str = "/etc/nftables.d/90-bridgehead.nft";

const DOCUMENT: &str = r#"
[[bridge]]
name = "mybr0"
address = "192.168.48.1/24"

[[nic]]
guest = "master"
mac = "52:54:00:48:00:10"
bridge = "mybr0"
address = "192.168.48.10/24"

[[nic]]
guest = "node1"
mac = "52:54:00:48:00:20"
bridge = "mybr0"
address = "192.168.48.20/24"

[[gateway]]
bridge = "mybr0"
guest = "master"
outside = "default"
members = ["node1"]
destinations = ["10.0.0.0/24"]

[[gateway.forward]]
port = 8080
to = "192.168.48.20"
"#;

/// A lab whose guest `master` writes down what it is told for its next start, made what the document says.
fn built(text: &str) -> (Cluster, Observed) {
    let cluster = Cluster::from_toml(text).expect("a document");
    let mut observed = lab(&["master", "node1"]);
    let facts = observed.guests.get_mut("master").expect("its facts");
    facts.managers = [ManagerKind::Networkd].into();
    facts.systemd = true;
    let plan = plan(&observed, &Cluster::default(), &cluster);
    assert!(!plan.is_blocked(), "{:#?}", plan.notes);
    plan.steps.iter().for_each(|step| step.simulate(&mut observed));
    (cluster, observed)
}

fn stored(observed: &Observed) -> &str {
    observed.guests["master"].files[TABLE].as_deref().expect("the table")
}

/// What the table holds where addresses are known, and where they are not.
fn entries(outside: Option<&str>) -> Vec<TableEntry> {
    let subnet = "192.168.48.0/24".parse().expect("a prefix");
    let outside: Option<IpAddr> = outside.map(|address| address.parse().expect("an address"));
    vec![
        TableEntry::Source(SourceTranslation { subnet, to: outside, out_link: None }),
        TableEntry::Destination(DestinationTranslation {
            protocol: Protocol::Tcp,
            port: 8080,
            address: outside,
            except: None,
            to: "192.168.48.20:8080".parse().expect("a socket address"),
        }),
        TableEntry::Hairpin { hairpin: subnet },
        TableEntry::Accept { accept: "10.0.0.0/24".parse().expect("a prefix"), from: subnet },
        TableEntry::Reject { reject: subnet, except: None },
    ]
}

/// As the guest is when it has loaded its table.
fn started(mut observed: Observed) -> Observed {
    let (guest, tool) = ("master".to_owned(), GuestTool::Nft);
    Step::ReplaceGuestTable { guest, tool, translations: entries(None), was: Vec::new() }.simulate(&mut observed);
    observed
}

/// The address that `master` has on the network `default`; its lease says the same.
fn leased(observed: &mut Observed, address: Option<&str>) {
    let (mac, address) = (mac(0), address.map(|address| address.parse().expect("a prefix")));
    let facts = observed.guests.get_mut("master").expect("its facts");
    let own = facts.interfaces.iter_mut().filter(|own| own.mac == Some(mac));
    own.for_each(|own| own.addresses = address.into_iter().collect());
    for network in observed.networks.values_mut() {
        network.leases.retain(|lease| lease.mac != Some(mac) || address.is_some());
        let own = network.leases.iter_mut().filter(|lease| lease.mac == Some(mac));
        own.zip(address).for_each(|(lease, address)| lease.address = address);
    }
}

/// What the guest's table is made, if anything inside the guest is to be changed; nothing else inside it is.
fn made(observed: &Observed, cluster: &Cluster) -> Option<Vec<TableEntry>> {
    let plan = plan(observed, cluster, cluster);
    assert!(!plan.is_blocked(), "{:#?}", plan.notes);
    let mut inside: Vec<Step> = plan.steps.into_iter().filter(|step| step.inside() == Some("master")).collect();
    let step = inside.pop()?;
    let Step::ReplaceGuestTable { translations, .. } = step else { panic!("{step:#?}") };
    assert_eq!(inside, []);
    Some(translations)
}

#[test]
fn a_leased_address_is_not_written_down() {
    let (_, observed) = built(DOCUMENT);
    let text = stored(&observed);
    assert!(text.contains("counter masquerade") && text.contains("reject with icmp"), "{text}");
    assert!(text.contains("fib daddr type local tcp dport 8080"), "{text}");
    assert!(!text.contains("192.168.122."), "{text}");
}

#[test]
fn an_address_of_the_document_is_written_down() {
    let outside = format!(
        "{DOCUMENT}\n[[nic]]\nguest = \"master\"\nmac = \"{}\"\nnetwork = \"default\"\naddress = \"192.168.122.7/24\"\n",
        mac(0)
    );
    let (_, observed) = built(&outside);
    let text = stored(&observed);
    assert!(text.contains("snat to 192.168.122.7") && text.contains("ip daddr 192.168.122.7 tcp"), "{text}");
}

#[test]
fn a_start_is_made_what_the_document_says() {
    let (cluster, observed) = built(DOCUMENT);
    assert_eq!(made(&observed, &cluster), None);
    assert_eq!(made(&started(observed.clone()), &cluster), Some(entries(Some("192.168.122.202"))));
    let mut moved = started(observed);
    leased(&mut moved, Some("192.168.122.77/24"));
    assert_eq!(made(&moved, &cluster), Some(entries(Some("192.168.122.77"))));
}

#[test]
fn what_a_start_has_loaded_stays_until_there_is_a_lease() {
    let (cluster, observed) = built(DOCUMENT);
    let mut waiting = started(observed);
    leased(&mut waiting, None);
    assert_eq!(made(&waiting, &cluster), None);
}

#[test]
fn a_new_lease_leaves_what_is_written_down() {
    let (cluster, mut observed) = built(DOCUMENT);
    leased(&mut observed, Some("192.168.122.77/24"));
    assert_eq!(made(&observed, &cluster), Some(entries(Some("192.168.122.77"))));
}
