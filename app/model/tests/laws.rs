//! The laws of plans, on hosts and documents made at random.

mod world;

use std::collections::BTreeSet;

use model::{
    Cluster, Language, Mac, Observed, autostart,
    cluster::Translation,
    firewall::translation,
    gateway::{self, GatewayRequest},
    nic::{self, Place},
    note::Subject,
    observed::{AgentChannel, Attachment, DomainState, Link, ManagerKind},
    plan::{Plan, plan},
    step::Step,
    topology::{Topology, bridge_of},
};
use proptest::prelude::*;
use world::{filter, lab, settled};

const GUESTS: [&str; 4] = ["master", "node1", "node2", "node3"];
const BRIDGES: [&str; 3] = ["mybr0", "mybr1", "br0"];

/// One edit of a document, as a person would make it.
#[derive(Debug, Clone)]
enum Edit {
    AddBridge(usize),
    TakeOver(usize),
    RemoveBridge(usize),
    Silent(usize),
    Renumber(usize, u8),
    Attach { guest: usize, place: usize },
    Move { nic: usize, place: usize },
    Unplug(usize),
    Cable(usize, bool),
    Inside(usize, u8),
    Gateway { bridge: usize, guest: Option<usize>, members: usize, masquerade: bool, detach: bool },
    RemoveGateway(usize),
    Autostart { guest: Option<usize>, on: bool },
    Keep(Option<ManagerKind>),
}

fn edit() -> impl Strategy<Value = Edit> {
    let (guest, bridge, nic) = (0..GUESTS.len(), 0..BRIDGES.len(), 0..8usize);
    prop_oneof![
        bridge.clone().prop_map(Edit::AddBridge),
        bridge.clone().prop_map(Edit::TakeOver),
        bridge.clone().prop_map(Edit::RemoveBridge),
        bridge.clone().prop_map(Edit::Silent),
        (bridge.clone(), 1..9u8).prop_map(|(bridge, last)| Edit::Renumber(bridge, last)),
        (guest.clone(), 0..4usize).prop_map(|(guest, place)| Edit::Attach { guest, place }),
        (nic.clone(), 0..4usize).prop_map(|(nic, place)| Edit::Move { nic, place }),
        nic.clone().prop_map(Edit::Unplug),
        (nic.clone(), any::<bool>()).prop_map(|(nic, cable)| Edit::Cable(nic, cable)),
        (nic, 100..140u8).prop_map(|(nic, last)| Edit::Inside(nic, last)),
        (bridge.clone(), proptest::option::weighted(0.8, guest), 0..16usize, any::<bool>(), any::<bool>()).prop_map(
            |(bridge, guest, members, masquerade, detach)| Edit::Gateway { bridge, guest, members, masquerade, detach }
        ),
        bridge.prop_map(Edit::RemoveGateway),
        (proptest::option::of(0..GUESTS.len()), any::<bool>()).prop_map(|(guest, on)| Edit::Autostart { guest, on }),
        proptest::option::weighted(0.8, 0..4usize).prop_map(|kind| Edit::Keep(kind.map(|kind| ManagerKind::ALL[kind]))),
    ]
}

fn place(n: usize) -> Place {
    match BRIDGES.get(n) {
        Some(name) => Place::Bridge(name.parse().expect("a name")),
        None => Place::Network("default".parse().expect("a name")),
    }
}

/// The document after one edit; as it was if the edit makes no sense.
fn edited(observed: &Observed, cluster: &Cluster, edit: &Edit) -> Cluster {
    let mut macs: Vec<Mac> = observed.domains.values().flat_map(|domain| &domain.nics).map(|nic| nic.mac).collect();
    macs.extend(cluster.nics.iter().map(|nic| nic.mac));
    let mac = |n: usize| macs.get(n % macs.len().max(1)).copied().unwrap_or(world::mac(0));
    let result = match edit {
        Edit::AddBridge(n) => {
            let mut bridge = nic::suggest_bridge(observed, cluster).expect("a bridge");
            bridge.name = BRIDGES[*n].parse().expect("a name");
            Ok(if cluster.bridge(BRIDGES[*n]).is_some() { cluster.clone() } else { nic::with_bridge(cluster, bridge) })
        }
        Edit::TakeOver(n) => {
            let uplink = "eno1".parse().expect("a name");
            let bridge = nic::bridge_over(observed, cluster, &uplink);
            let taken = cluster.bridge(BRIDGES[*n]).is_some() || cluster.bridges.iter().any(|own| own.uplink.is_some());
            Ok(match bridge {
                Some(mut bridge) if !taken && !bridge.address.is_empty() => {
                    bridge.name = BRIDGES[*n].parse().expect("a name");
                    nic::with_bridge(cluster, bridge)
                }
                _ => cluster.clone(),
            })
        }
        Edit::RemoveBridge(n) => Ok(gateway::remove_bridge(cluster, BRIDGES[*n])),
        Edit::Silent(n) => {
            let mut draft = cluster.clone();
            draft.bridges.iter_mut().filter(|bridge| &*bridge.name == BRIDGES[*n]).for_each(|bridge| {
                bridge.ports_talk = !bridge.ports_talk;
                bridge.stp = !bridge.stp;
                bridge.mtu = if bridge.mtu.is_some() { None } else { Some(1400) };
            });
            Ok(draft)
        }
        Edit::Renumber(n, last) => {
            let mut draft = cluster.clone();
            for bridge in draft.bridges.iter_mut().filter(|bridge| &*bridge.name == BRIDGES[*n]) {
                let text = bridge.address.first().map(|net| net.network().to_string()).unwrap_or_default();
                let prefix = text.strip_suffix('0').unwrap_or("192.168.77.").to_owned();
                bridge.address = vec![format!("{prefix}{last}/24").parse().expect("a prefix")];
            }
            Ok(draft)
        }
        Edit::Attach { guest, place: at } => {
            nic::attach(observed, cluster, &GUESTS[*guest].parse().expect("a name"), &place(*at))
        }
        Edit::Move { nic, place: at } => nic::move_nic(observed, cluster, mac(*nic), &place(*at)),
        Edit::Unplug(nic) => nic::unplug(observed, cluster, mac(*nic)),
        Edit::Cable(nic, cable) => nic::set_cable(observed, cluster, mac(*nic), *cable),
        Edit::Inside(nic, last) => {
            let address = format!("192.168.99.{last}/24").parse().expect("a prefix");
            nic::set_inside(observed, cluster, mac(*nic), vec![address], None)
        }
        Edit::Gateway { bridge, guest, members, masquerade, detach } => {
            let member = |(n, _): &(usize, &&str)| members >> n & 1 == 1 && Some(*n) != *guest;
            let request = GatewayRequest {
                bridge: BRIDGES[*bridge].parse().expect("a name"),
                guest: guest.map(|guest| GUESTS[guest].parse().expect("a name")),
                host: guest.is_none(),
                subnet: None,
                members: GUESTS
                    .iter()
                    .enumerate()
                    .filter(member)
                    .map(|(_, name)| name.parse().expect("a name"))
                    .collect(),
                outside: None,
                translation: if *masquerade { Translation::Masquerade } else { Translation::Snat },
                detach_outside: *detach,
                probe: None,
            };
            gateway::draft(observed, cluster, &request)
        }
        Edit::Keep(manager) => Ok(Cluster { manager: *manager, ..cluster.clone() }),
        Edit::RemoveGateway(n) => Ok(gateway::remove_gateway(cluster, BRIDGES[*n])),
        Edit::Autostart { guest, on } => {
            let guest = guest.map(|guest| Subject::Guest(GUESTS[guest].to_owned()));
            let subject = guest.unwrap_or_else(|| Subject::Network("default".to_owned()));
            Ok(autostart::set(observed, cluster, cluster, &subject, *on))
        }
    };
    result.unwrap_or_else(|_| cluster.clone())
}

/// A host, with what differs from one to the next.
fn host() -> impl Strategy<Value = Observed> {
    let accept = proptest::bool::weighted(0.3);
    (1..=GUESTS.len(), accept, any::<bool>(), any::<bool>(), proptest::option::of(0..4usize), any::<bool>()).prop_map(
        |(guests, accept, filtered, forwards, off, spare)| {
            let mut observed = lab(&GUESTS[..guests]);
            if accept {
                observed.tables.insert("ip filter".to_owned(), filter("accept"));
            }
            let set = |on: bool| if on { "1" } else { "0" }.to_owned();
            observed.sysctls.insert("net.bridge.bridge-nf-call-iptables".to_owned(), set(filtered));
            observed.sysctls.insert("net.ipv4.ip_forward".to_owned(), set(forwards));
            for (nth, facts) in observed.guests.values_mut().enumerate() {
                let managers = [None, Some(ManagerKind::Networkd), Some(ManagerKind::Ifupdown)];
                facts.managers = managers[nth % managers.len()].into_iter().collect();
                facts.systemd = nth == 1;
            }
            if let Some(off) = off.and_then(|n| GUESTS[..guests].get(n)) {
                switch_off(&mut observed, off);
            }
            if spare {
                let link = Link {
                    index: 40,
                    name: "br0".to_owned(),
                    kind: Some("bridge".to_owned()),
                    mtu: 1500,
                    up: true,
                    bridge: Some(Default::default()),
                    ..Link::default()
                };
                observed.links.insert(40, link);
            }
            observed
        },
    )
}

fn switch_off(observed: &mut Observed, guest: &str) {
    observed.guests.remove(guest);
    let domain = observed.domains.get_mut(guest).expect("a guest");
    domain.state = DomainState::Off;
    domain.agent = AgentChannel::Disconnected;
    for nic in &mut domain.nics {
        nic.live = None;
        nic.alias = None;
        let tap = nic.tap.take();
        observed.links.retain(|_, link| Some(&link.name) != tap.as_ref());
    }
}

fn run(observed: &Observed, steps: &[Step]) -> Observed {
    let mut after = observed.clone();
    for step in steps {
        step.simulate(&mut after);
    }
    after
}

/// Everything of a host that is not ours and that no plan may change.
fn foreign(observed: &Observed, named: &BTreeSet<Mac>, documents: &[&Cluster]) -> Observed {
    let mut rest = observed.clone();
    let uplinks = documents.iter().flat_map(|cluster| &cluster.bridges);
    let uplinks: BTreeSet<String> = uplinks.filter_map(|bridge| Some(bridge.uplink.as_ref()?.to_string())).collect();
    for cluster in documents {
        for domain in rest.domains.values_mut().filter(|domain| cluster.guest(&domain.name).is_some()) {
            domain.autostart = false;
        }
        for network in rest.networks.values_mut().filter(|network| cluster.network(&network.name).is_some()) {
            network.autostart = false;
        }
    }
    for link in rest.links.values_mut().filter(|link| uplinks.contains(&link.name)) {
        (link.master, link.port) = (None, None);
        link.addresses.clear();
        rest.routes.retain(|route| route.link != Some(link.index));
    }
    let taps: BTreeSet<String> = observed
        .domains
        .values()
        .flat_map(|domain| &domain.nics)
        .filter(|nic| named.contains(&nic.mac))
        .filter_map(|nic| nic.tap.clone())
        .collect();
    let ours: BTreeSet<u32> = observed.links.values().filter(|link| link.is_ours()).map(|link| link.index).collect();
    rest.links.retain(|_, link| !link.is_ours() && !taps.contains(&link.name));
    rest.routes.retain(|route| !route.link.is_some_and(|link| ours.contains(&link)));
    rest.folders.values_mut().for_each(|folder| folder.files.clear());
    rest.sysctls.remove("net.ipv4.ip_forward");
    rest.tables.remove("inet bridgehead");
    for chain in rest.tables.values_mut().flat_map(|table| &mut table.chains) {
        chain.rules.retain(|rule| rule.serves().is_none());
    }
    for domain in rest.domains.values_mut() {
        domain.nics.retain(|nic| !named.contains(&nic.mac));
        (domain.marks, domain.free_slots) = (Default::default(), None);
    }
    for facts in rest.guests.values_mut() {
        let own: BTreeSet<String> = facts
            .interfaces
            .iter()
            .filter(|interface| interface.mac.is_some_and(|mac| named.contains(&mac)))
            .map(|interface| interface.name.clone())
            .collect();
        facts.interfaces.retain(|interface| !own.contains(&interface.name));
        let moved = |name: &Option<String>| name.as_ref().is_some_and(|name| own.contains(name));
        if let Some(routes) = &mut facts.routes {
            routes.retain(|route| !route.is_default() && !moved(&route.interface));
        }
        facts.ip_forward = None;
        facts.files.clear();
        if let Some(tables) = &mut facts.tables {
            tables.retain(|table| table.name != translation::TABLE);
        }
    }
    rest
}

/// NICs that a plan may change: those that a document names, and those that a gateway unplugs.
fn named(observed: &Observed, documents: &[&Cluster]) -> BTreeSet<Mac> {
    let mut named: BTreeSet<Mac> = documents.iter().flat_map(|cluster| &cluster.nics).map(|nic| nic.mac).collect();
    for gateway in documents.iter().flat_map(|cluster| &cluster.gateways).filter(|gateway| gateway.detach_outside) {
        for member in &gateway.members {
            let domain = observed.domains.get(&**member);
            named.extend(domain.into_iter().flat_map(|domain| &domain.nics).map(|nic| nic.mac));
            named.extend(domain.into_iter().flat_map(|domain| domain.marks.nics.keys()));
        }
    }
    named
}

/// Nothing goes before what depends on it, and nothing comes before what it needs.
fn in_order(start: &Observed, plan: &Plan) -> Result<(), TestCaseError> {
    let mut now = start.clone();
    for step in &plan.steps {
        match step {
            Step::DeleteBridge { bridge } => {
                let link = now.link(&bridge.name).cloned();
                prop_assert!(link.is_some(), "{step:?} deletes what is not there");
                let index = link.as_ref().map(|link| link.index);
                prop_assert!(link.is_some_and(|link| link.is_ours() && link.addresses.is_empty() && !link.up));
                prop_assert!(now.links.values().all(|link| link.master != index), "{step:?} has ports");
            }
            Step::AttachNic { nic, live, .. } | Step::UpdateNic { nic, live, .. } => {
                let bridge = bridge_of(&now, &nic.attachment);
                let up = bridge.as_deref().and_then(|name| now.link(name)).is_some_and(|link| link.up);
                let direct = matches!(nic.attachment, Attachment::Direct { .. });
                prop_assert!(!live || up || direct, "{step:?} plugs into nothing");
            }
            Step::DetachNic { guest, nic, live, .. } => {
                let facts = now.guests.get(guest).filter(|_| *live);
                let interface = facts.and_then(|facts| facts.interface(nic.mac));
                prop_assert!(interface.is_none_or(|own| own.addresses.is_empty()), "{step:?} takes addresses along");
            }
            Step::AddGuestAddress { guest, mac, .. } => {
                let facts = now.guests.get(guest);
                prop_assert!(facts.is_some_and(|facts| facts.interface(*mac).is_some()), "{step:?} finds no NIC");
            }
            Step::AddGuestRoute { guest, route } => {
                let interface = now.guests.get(guest).and_then(|facts| facts.interface(route.mac));
                let reached = interface.is_some_and(|own| {
                    own.up == Some(true) && own.addresses.iter().any(|net| net.contains(&route.via))
                });
                prop_assert!(reached, "{step:?} has a next hop that is not reached");
                let holder = now.guests.values().find(|facts| {
                    let nets = facts.interfaces.iter().flat_map(|own| &own.addresses);
                    nets.map(|net| net.addr()).any(|address| address == route.via)
                });
                prop_assert!(holder.is_none_or(|facts| facts.ip_forward == Some(true)), "{step:?} leads nowhere");
            }
            Step::RemoveGuestRoute { guest, route } => {
                let there = now.guests.get(guest).is_some_and(|facts| facts.interface(route.mac).is_some());
                prop_assert!(there, "{step:?} is too late");
            }
            _ => {}
        }
        step.simulate(&mut now);
    }
    Ok(())
}

/// However far a plan got, and whether or not its last step had its effect, what remains of the undo gives back the start;
/// and so it does when the undo itself is begun again.
fn interrupted(start: &Observed, plan: &Plan) -> Result<(), TestCaseError> {
    let mut now = start.clone();
    for (begun, step) in (1..).zip(&plan.steps) {
        let before = now.clone();
        step.simulate(&mut now);
        prop_assert_eq!(step.remaining(&now), None, "done, and yet something remains");
        let undo = &plan.undo[plan.steps.len() - begun..];
        for stopped in [&before, &now] {
            let back = take_back(stopped, undo);
            prop_assert_eq!(settled(&back), settled(start), "interrupted at {:#?}", step);
            let half = take_back(stopped, &undo[..begun / 2]);
            prop_assert_eq!(settled(&take_back(&half, undo)), settled(start), "interrupted twice at {:#?}", step);
        }
    }
    Ok(())
}

fn take_back(from: &Observed, undo: &[Step]) -> Observed {
    let mut now = from.clone();
    for step in undo {
        if let Some(step) = step.remaining(&now) {
            step.simulate(&mut now);
        }
    }
    now
}

fn laws(start: &Observed, committed: &Cluster, draft: &Cluster) -> Result<Option<Observed>, TestCaseError> {
    let plan = plan(start, committed, draft);
    if plan.is_blocked() {
        prop_assert!(plan.steps.is_empty() && plan.undo.is_empty());
        return Ok(None);
    }
    in_order(start, &plan)?;
    let after = run(start, &plan.steps);
    let again = model::plan::plan(&after, draft, draft);
    prop_assert!(
        again.is_empty(),
        "not satisfied: {:#?}\nafter {:#?}\nnotes {:#?}",
        again.steps,
        plan.steps,
        again.notes
    );
    let back = run(&after, &plan.undo);
    prop_assert_eq!(settled(&back), settled(start), "undo of {:#?}", plan.steps);
    interrupted(start, &plan)?;
    let documents = [committed, draft];
    let named = named(start, &documents);
    prop_assert_eq!(
        settled(&foreign(&after, &named, &documents)),
        settled(&foreign(start, &named, &documents)),
        "touched by {:#?}",
        plan.steps
    );
    for step in plan.steps.iter().chain(&plan.undo) {
        prop_assert!(!step.sentence(Language::Chinese).is_empty() && !step.command_on(start).is_empty());
        prop_assert_eq!(step.inverse().inverse(), step.clone());
        prop_assert!(!step.touches().is_empty());
    }
    let topology = Topology::of(&after);
    prop_assert_eq!(topology.guests.len(), after.domains.len());
    Ok(Some(after))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plans_keep_the_laws(
        start in host(),
        first in proptest::collection::vec(edit(), 0..6),
        second in proptest::collection::vec(edit(), 0..5),
    ) {
        let nothing = Cluster::default();
        let committed = first.iter().fold(nothing.clone(), |cluster, edit| edited(&start, &cluster, edit));
        let Some(middle) = laws(&start, &nothing, &committed)? else { return Ok(()) };
        let draft = second.iter().fold(committed.clone(), |cluster, edit| edited(&middle, &cluster, edit));
        let Some(after) = laws(&middle, &committed, &draft)? else { return Ok(()) };
        if let Some(end) = laws(&after, &draft, &nothing)? {
            // A NIC that was taken over gets back what the bridge has then.
            let renumbered = |bridge: &model::cluster::Bridge| {
                let uplink = bridge.uplink.as_deref().and_then(|uplink| start.link(uplink));
                uplink.is_some_and(|link| link.addresses.iter().any(|address| !bridge.address.contains(&address.net)))
            };
            if committed.bridges.iter().chain(&draft.bridges).any(renumbered) {
                return Ok(());
            }
            let mut start = start;
            // Who turned forwarding on cannot be told afterwards, so it stays on.
            if end.sysctls != start.sysctls {
                start.sysctls.insert("net.ipv4.ip_forward".to_owned(), "1".to_owned());
            }
            prop_assert_eq!(settled(&end), settled(&start));
        }
    }

    #[test]
    fn no_text_breaks_the_document(text in ".*") {
        let _ = Cluster::from_toml(&text);
    }

    #[test]
    fn no_odd_document_breaks_a_check(
        start in host(),
        name in "[a-z0-9]{1,12}",
        address in any::<[u8; 4]>(),
        length in 0..=32u8,
        mac in any::<[u8; 6]>(),
        via in any::<[u8; 4]>(),
    ) {
        let [a, b, c, d] = address;
        let [e, f, g, h] = via;
        let text = format!(
            "[[bridge]]\nname = {name:?}\naddress = \"{a}.{b}.{c}.{d}/{length}\"\nmtu = {b}\n\
             [[nic]]\nguest = \"master\"\nmac = \"{}\"\nbridge = {name:?}\naddress = \"{e}.{f}.{g}.{h}/{length}\"\n\
             default_route = \"{a}.{b}.{c}.{h}\"\n\
             [[gateway]]\nbridge = {name:?}\nguest = \"master\"\noutside = \"default\"\nmembers = [\"node1\"]\n",
            Mac(mac)
        );
        if let Ok(cluster) = Cluster::from_toml(&text) {
            laws(&start, &Cluster::default(), &cluster)?;
        }
    }
}
