//! What the joins say of the lab's host, of the seed's network, and of what goes wrong with them.

mod world;

use model::{
    Cluster, Mac, Observed, Topology,
    diagram::Sketch,
    firewall::{Packet, walk},
    observed::{GuestFacts, Source, SourceState},
    plan::plan,
    topology::{Behind, Origin, Talk},
};
use serde_json::json;
use world::{filter, lab, mac, named};

fn seed() -> Observed {
    seed_and(&[], "")
}

/// The seed's network with more guests, and more of it in the document.
fn seed_and(guests: &[&str], more: &str) -> Observed {
    let mut observed = lab(&[&["master", "node1"][..], guests].concat());
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/seed-from-nothing/draft.toml"));
    let cluster = Cluster::from_toml(&(text.expect("the seed") + more)).expect("the seed");
    for step in plan(&observed, &Cluster::default(), &cluster).steps {
        step.simulate(&mut observed);
    }
    observed
}

#[test]
fn a_nic_under_a_bridge_is_still_the_way_out() {
    let mut observed = lab(&["master"]);
    let eno1 = "eno1".parse().expect("a name");
    let bridge = model::nic::bridge_over(&observed, &Default::default(), &eno1).expect("a bridge");
    let draft = model::nic::with_bridge(&Default::default(), bridge);
    for step in model::plan::plan(&observed, &Default::default(), &draft).steps {
        step.simulate(&mut observed);
    }
    let topology = Topology::of(&observed);
    let uplink = &topology.uplinks["eno1"];
    assert!(uplink.way_out && uplink.master.as_deref() == Some("br0"));
    assert_eq!(topology.outside.hops[0].link, "br0");
}

#[test]
fn the_lab_is_joined() {
    let topology = Topology::of(&lab(&["master", "node1"]));
    assert_eq!(topology.outside.hops[0].address.map(|hop| hop.to_string()).as_deref(), Some("10.0.0.9"));
    assert!(topology.uplinks["eno1"].way_out);
    let virbr0 = &topology.bridges["virbr0"];
    assert_eq!(virbr0.network.as_deref(), Some("default"));
    assert_eq!(virbr0.ports[0].behind, Behind::Guest { guest: "master".to_owned(), mac: mac(0) });
    assert_eq!(virbr0.talk, Talk::Yes, "libvirt lets the ports of its own bridge talk");
    let socket = &topology.guests["node1"].nics[0];
    assert_eq!((socket.bridge.as_deref(), socket.name.as_deref()), (Some("virbr0"), Some("eth0")));
    assert_eq!(socket.addresses[0].origin, Origin::Agent { leased: true });
    assert!(topology.others.is_empty());
    assert_eq!(topology.notes, []);
}

#[test]
fn a_served_bridge_is_drawn_once_as_the_bridge_that_it_is() {
    let mut observed = lab(&["master"]);
    let text = "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n\
        [bridge.dhcp]\nrange = \"192.168.48.100-192.168.48.199\"\n";
    let document = Cluster::from_toml(text).expect("a document");
    let names = |facts: &Topology, drafted: Option<&Topology>| {
        let rails = Sketch::of("host", facts, drafted).rails;
        rails.into_iter().filter(|rail| rail.name == "mybr0").collect::<Vec<_>>()
    };
    let before = Topology::of(&observed);
    for step in plan(&observed, &Cluster::default(), &document).steps {
        step.simulate(&mut observed);
    }
    let served = Topology::of(&observed);
    let drawn = names(&served, None);
    assert_eq!(drawn.len(), 1);
    assert!(drawn[0].ours && drawn[0].dhcp && !drawn[0].wired, "{drawn:?}");
    assert_eq!(names(&before, Some(&served)).len(), 1);
    // Stopped behind our back, it is the network's, until the draft starts it again.
    let mut stopped = observed.clone();
    let network = stopped.networks.get_mut("mybr0").expect("the network");
    network.active = false;
    stopped.links.retain(|_, link| link.name != "mybr0");
    let stopped = Topology::of(&stopped);
    assert_eq!(names(&stopped, None).len(), 1);
    assert_eq!(names(&stopped, Some(&served)).len(), 1);
}

#[test]
fn a_gateway_stands_between_two_bridges() {
    let topology = Topology::of(&seed());
    let role = topology.guests["master"].gateway.as_ref().expect("a gateway");
    assert_eq!((role.inside.as_slice(), role.outside.as_deref()), (&["mybr0".to_owned()][..], Some("virbr0")));
    assert!(role.ours);
    assert_eq!(topology.bridges["mybr0"].gateways, ["master"]);
    assert!(topology.bridges["mybr0"].let_through && topology.bridges["mybr0"].ours);
    assert_eq!(topology.bridges["mybr0"].talk, Talk::Yes);
    let route = &topology.guests["node1"].default_routes.as_ref().expect("routes")[0];
    assert_eq!(route.through.as_deref(), Some("master"));
}

/// node2, on the same bridges as the others.
const STRANGER: &str =
    "\n[[nic]]\nguest = \"node2\"\nmac = \"52:54:00:48:00:30\"\nbridge = \"mybr0\"\naddress = \"192.168.48.30/24\"\n";

#[test]
fn a_guest_that_claims_to_be_another_changes_only_its_own_picture() {
    let mut observed = seed_and(&["node2"], STRANGER);
    let without = |topology: &Topology| {
        let mut others = topology.clone();
        others.guests.remove("node2");
        others
    };
    let before = Topology::of(&observed);
    // Its interfaces have the MACs, addresses and routes of master, and it calls itself so.
    let claims = GuestFacts { ip_forward: Some(false), ..observed.guests["master"].clone() };
    observed.guests.insert("node2".to_owned(), claims);
    let after = Topology::of(&observed);
    assert_eq!(without(&after), without(&before));
    assert!(after.guests["node2"].nics.iter().all(|nic| nic.name.is_none()), "none of these interfaces is its own");
}

#[test]
fn an_address_that_two_guests_claim_is_nobodys() {
    let mut observed = seed_and(&["node2"], STRANGER);
    let through = |observed: &Observed| {
        Topology::of(observed).guests["node1"].default_routes.as_ref().expect("routes")[0].through.clone()
    };
    assert_eq!(through(&observed).as_deref(), Some("master"));
    let claimed = "192.168.48.10/24".parse().expect("an address");
    for interface in &mut observed.guests.get_mut("node2").expect("node2").interfaces {
        interface.addresses.push(claimed);
    }
    assert_eq!(through(&observed), None);
}

#[test]
fn what_a_guest_claims_of_the_world_takes_no_subnet_from_others() {
    let mut observed = lab(&["master"]);
    let free = model::nic::suggest_bridge(&observed, &Cluster::default()).map(|bridge| bridge.address);
    let master = observed.guests.get_mut("master").expect("master");
    master.interfaces[0].addresses.push("1.2.3.4/0".parse().expect("an address"));
    for half in ["0.0.0.0/1", "128.0.0.0/1"] {
        let mut route = master.routes.as_ref().expect("routes")[0].clone();
        route.destination = half.parse().expect("half of everything");
        master.routes.get_or_insert_default().push(route);
    }
    assert!(free.as_ref().is_some_and(|addresses| !addresses.is_empty()));
    assert_eq!(model::nic::suggest_bridge(&observed, &Cluster::default()).map(|bridge| bridge.address), free);
}

#[test]
fn conflicts_are_noted() {
    let mut observed = seed();
    let tap = observed.domains["node1"].nics[1].tap.clone();
    for link in observed.links.values_mut() {
        if Some(&link.name) == tap.as_ref() {
            link.master = None;
        }
        if link.name == "vnet0" {
            link.master = None;
        }
        if link.name == "eno1" {
            link.addresses[0].net = "192.168.48.7/16".parse().expect("a prefix");
        }
    }
    observed.domains.get_mut("node1").expect("node1").nics[0].mac = mac(0);
    observed.tables.insert("ip filter".to_owned(), filter("drop"));
    let silent = SourceState::Silent { reason: "permission denied".to_owned(), since: 0 };
    observed.sources.insert(Source::Firewall, silent);
    let notes = Topology::of(&observed).notes;
    for code in ["source-silent", "duplicate-mac", "subnets-overlap", "tap-without-master"] {
        assert!(notes.iter().any(|note| note.code == code), "{code} is missing in {notes:#?}");
    }
}

#[test]
fn a_packet_meets_the_rules_in_order() {
    let dropped =
        |table: &model::observed::Table, packet: Packet<'_>| walk(table, &table.chains[0], packet, &|_| false);
    let mut table = filter("drop");
    assert!(dropped(&table, Packet::within("mybr0")).by_policy);
    assert!(!dropped(&table, Packet::within("virbr0")).dropped);
    let mut back = Packet::within("virbr0");
    back.in_link = "eno1";
    assert!(dropped(&table, back).dropped && !dropped(&table, back).by_policy, "libvirt rejects what comes in");
    let accept = |statements: Vec<serde_json::Value>| {
        let mut statements = statements;
        statements.push(json!({"accept": null}));
        model::observed::Rule { handle: 99, comment: None, statements }
    };
    table.chains[0].rules.insert(0, accept(vec![named("iifname", "my*")]));
    assert!(!dropped(&table, Packet::within("mybr0")).dropped, "a wildcard");
    table.chains[0].rules[0] = accept(vec![json!({"xt": {"type": "match", "name": "physdev"}})]);
    assert!(dropped(&table, Packet::within("mybr0")).dropped, "what is not understood is no promise");
    table.chains[0].rules[0] = accept(vec![json!({"vmap": {}})]);
    assert_eq!(dropped(&table, Packet::within("mybr0")).unclear, [99]);
    table.chains[0].policy = Some("accept".to_owned());
    assert!(!dropped(&table, Packet::within("mybr0")).dropped);
    assert!(Mac([0xfe, 0, 0, 0, 0, 1]).is_unicast());
}
