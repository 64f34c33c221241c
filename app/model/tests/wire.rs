//! What is sent comes back: every frame, on the hosts, documents and steps of the golden folders.

mod world;

use std::{collections::BTreeMap, fmt::Debug, fs, path::Path};

use borsh::{BorshDeserialize, BorshSerialize};
use model::{
    Cluster, Language, Mac, Observed, RpFilter,
    draft::{Draft, Entry},
    event::{Document, Frame, Patch, Traffic, YouAreHere},
    observed::{
        Address, Attachment, ChannelMark, Counters, FdbEntry, Hits, HostnameMark, Link, Manager, ManagerKind, Marks,
        Neighbour, NicMark, RouteMark, Source, SourceState,
    },
    plan::{Change, ChangeState, plan},
    proof::{Promise, Proof},
    step::Step,
    wire::{Sealed, decode, encode},
};
use serde_json::json;
use world::{lab, mac};

/// Comes back as it was, in every byte; with a byte missing or one too many it does not come back at all.
fn travels<T: BorshSerialize + BorshDeserialize + PartialEq + Debug>(value: &T) {
    let mut bytes = encode(value);
    let back = decode::<T>(&bytes).unwrap_or_else(|| panic!("cannot be read: {value:?}"));
    assert_eq!(back, *value);
    // Where `==` looks away, as at the expiry of leases.
    assert!(encode(&back) == bytes, "{value:?}");
    assert_eq!(decode::<T>(&bytes[..bytes.len() - 1]), None);
    bytes.push(0);
    assert_eq!(decode::<T>(&bytes), None);
}

fn change(steps: Vec<Step>) -> Change {
    let hop = |text: &str| text.parse().expect("an address");
    let promise =
        Promise { guest: "node1".to_owned(), target: hop("10.0.0.9"), first_hop: hop("192.168.48.10"), refused: true };
    let proof = Proof {
        hops: vec![Some(promise.first_hop), None, Some(promise.target)],
        promise,
        trouble: Some("no traceroute".to_owned()),
        at: 1_900_000_000_000,
    };
    Change {
        id: 3,
        who: "session 2".to_owned(),
        why: "apply".to_owned(),
        state: ChangeState::RolledBack,
        done: steps.len(),
        steps: Sealed::of(&steps),
        error: Some("no slot is free".to_owned()),
        left_over: vec!["the bridge mybr0".to_owned()],
        proofs: vec![proof],
        version: Some(4),
        confirm_by: Some(1_900_000_000_000),
    }
}

/// The lab's host with what it lacks: IPv6, whatever moves by itself, marks, a silent source, objects that nft printed.
fn rich() -> Observed {
    let mut observed = lab(&["master", "node1"]);
    let silent = SourceState::Silent { reason: "permission denied".to_owned(), since: 1_900_000_000_000 };
    observed.sources.insert(Source::Firewall, silent);
    let address = Address { net: "fe80::1/64".parse().expect("a prefix"), scope: "link".to_owned(), dynamic: true };
    let managers = [(ManagerKind::Netplan, Some("/etc/netplan/a.yaml".to_owned())), (ManagerKind::Ifupdown, None)]
        .map(|(kind, file)| Manager { kind, file });
    let link = Link {
        index: 70,
        name: "wan".to_owned(),
        addresses: vec![address],
        managers: managers.into(),
        ..Link::default()
    };
    observed.links.insert(link.index, link);
    let address = "fe80::2".parse().expect("an address");
    observed.neighbours.push(Neighbour { link: 70, address, mac: None, state: "failed".to_owned() });
    observed.fdb.push(FdbEntry { bridge: None, port: 3, mac: mac(1), vlan: Some(7), state: "learned".to_owned() });
    let folder = observed.folders.get_mut("/etc/netplan").expect("a folder");
    folder.files = [("90-bridgehead.yaml", Some("network:\n".to_owned())), ("90-bridgehead-odd", None)]
        .map(|(name, text)| (name.to_owned(), text))
        .into();
    for table in observed.tables.values_mut() {
        table.raw.push(json!({"set": {"name": "ports", "elem": [22, -1, 1.5, "größer", null, true, {}]}}));
    }
    for domain in observed.domains.values_mut() {
        domain.marks = Sealed::of(&marks(domain.nics[0].mac));
    }
    observed
}

fn marks(mac: Mac) -> Marks {
    let found = NicMark::Found {
        attachment: Attachment::Direct { dev: "eno1".to_owned(), mode: "bridge".to_owned() },
        model: None,
        link_up: false,
        mtu: Some(9000),
        addresses: vec!["192.168.122.10/24".parse().expect("a prefix"), "fd00::1/128".parse().expect("a prefix")],
    };
    Marks {
        nics: BTreeMap::from([(mac, found), (Mac([2; 6]), NicMark::Made)]),
        routes: vec![RouteMark { mac, to: None, via: "192.168.122.1".parse().expect("an address"), metric: 0 }],
        mtus: [(mac, 1400)].into(),
        rp_filters: [(mac, RpFilter::Loose)].into(),
        dhcp: [mac].into(),
        accept_ra: [(mac, 1)].into(),
        ip_forward: Some(true),
        autostart: Some(true),
        channel: Some(ChannelMark::Saved),
        dns: Some(vec!["192.168.122.1".parse().expect("an address"), "fd00::9".parse().expect("an address")]),
        hostname: Some(HostnameMark { name: "node1".to_owned(), file: None }),
        files: true,
    }
}

#[test]
fn every_golden_folder_travels() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for case in fs::read_dir(&cases).expect("the cases") {
        let folder = case.expect("a case").path();
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let observed: Observed = serde_json::from_str(&read("observed.json")).expect("an observation");
        let cluster = |name: &str| Cluster::from_toml(&read(name)).expect("a document");
        let (committed, draft) = (cluster("committed.toml"), cluster("draft.toml"));
        let plan = plan(&observed, &committed, &draft);
        travels(&observed);
        travels(&committed);
        travels(&draft);
        travels(&change(plan.steps));
        travels(&change(plan.undo));
    }
}

#[test]
fn every_frame_travels() {
    let (observed, nothing) = (rich(), Observed::default());
    let document = Document::default();
    let you = YouAreHere { address: "::1".parse().expect("an address"), link: Some("eno1".to_owned()) };
    let counters = Counters { rx_bytes: u64::MAX, ..Counters::default() };
    let traffic = Traffic {
        at: 1_900_000_000_000,
        links: BTreeMap::from([(2, counters), (70, Counters::default())]),
        rules: BTreeMap::from([("ip filter 4".to_owned(), Hits { packets: 1, bytes: 84 })]),
    };
    let snapshot = Some(Box::new(observed.clone()));
    let draft = Draft {
        who: "session 1".to_owned(),
        page: "a1".to_owned(),
        at: 1_900_000_000_000,
        version: 3,
        cluster: Cluster::default(),
        conflicts: vec![
            Entry::Nic(Mac([2; 6])),
            Entry::Promise("node1 > 10.0.0.9".to_owned()),
            Entry::Lease { network: "default".parse().expect("a name"), mac: mac(1) },
        ],
    };
    for frame in [
        Frame::Hello { generation: 7, snapshot, document: document.clone(), you: Some(you), who: "token".to_owned() },
        Frame::Hello {
            generation: 7,
            snapshot: None,
            document: document.clone(),
            you: None,
            who: "session 1".to_owned(),
        },
        Frame::Patch(Patch::between(&nothing, &observed)),
        Frame::Patch(Patch::between(&observed, &nothing)),
        Frame::You(YouAreHere { address: "10.0.0.9".parse().expect("an address"), link: None }),
        Frame::Document(document),
        Frame::Drafts(vec![draft]),
        Frame::Change(change(Vec::new())),
        Frame::Counters(traffic),
        Frame::Alive,
    ] {
        travels(&frame);
    }
    for language in [Language::English, Language::Chinese] {
        travels(&language);
    }
}

#[test]
fn bytes_that_are_no_value_are_refused() {
    // A prefix of 33 bits, a truth that is 2, a list longer than its bytes.
    let mut address =
        encode(&Address { net: "10.0.0.1/24".parse().expect("a prefix"), scope: String::new(), dynamic: true });
    let last = address.len() - 1;
    address[last] = 2;
    assert_eq!(decode::<Address>(&address), None);
    (address[last], address[5]) = (1, 33);
    assert_eq!(decode::<Address>(&address), None);
    assert_eq!(decode::<Vec<Address>>(&[0xff; 4]), None);
}
