//! The laws of plans, on hosts and documents made at random.

mod explain;
mod random;
#[path = "../world.rs"]
mod world;

use std::collections::BTreeSet;

use model::{
    Cluster, Language, Mac, Observed,
    firewall::translation,
    lease::collide,
    observed::{AgentChannel, Attachment, DhcpHost},
    plan::{Plan, plan},
    step::Step,
    topology::{Topology, bridge_of},
};
use proptest::prelude::*;
use random::{edit, edited, host};
use world::settled;

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
            if cluster.guest(&domain.name).is_some_and(|guest| guest.agent) {
                (domain.agent, domain.agent_config) = (AgentChannel::Missing, false);
            }
        }
        for (_, facts) in rest.guests.iter_mut().filter(|(name, _)| cluster.guest(name).is_some()) {
            (facts.hostname, facts.static_hostname) = (None, None);
            (facts.nameservers, facts.dns) = (None, None);
        }
        for network in rest.networks.values_mut().filter(|network| cluster.network(&network.name).is_some()) {
            network.autostart = false;
        }
        for network in rest.networks.values_mut() {
            let leased = |host: &DhcpHost| host.mac.is_some_and(|mac| cluster.lease(&network.name, mac).is_some());
            network.subnets.iter_mut().for_each(|subnet| subnet.hosts.retain(|host| !leased(host)));
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
    let ours: BTreeSet<u32> =
        observed.links.values().filter(|link| observed.is_ours(link)).map(|link| link.index).collect();
    rest.networks.retain(|_, network| !network.ours);
    rest.links.retain(|_, link| !observed.is_ours(link) && !taps.contains(&link.name));
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
            Step::StopNetwork { network } => {
                let own: Vec<_> = now.link(&network.name).into_iter().flat_map(|link| &link.addresses).collect();
                prop_assert!(
                    own.iter().all(|address| address.net == network.address),
                    "{step:?} takes addresses along"
                );
                let index = now.link(&network.name).map(|link| link.index);
                prop_assert!(
                    index.is_none() || now.links.values().all(|link| link.master != index),
                    "{step:?} has ports"
                );
            }
            Step::StartNetwork { network } => {
                prop_assert!(now.link(&network.name).is_none(), "{step:?} finds its bridge");
                prop_assert!(
                    now.served(&network.name).is_some_and(|there| !there.active),
                    "{step:?} has no definition"
                );
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
            Step::SetLease { network, lease: Some(lease), .. } => {
                let mut hosts = now.networks[network].subnets.iter().flat_map(|subnet| &subnet.hosts);
                prop_assert!(!hosts.any(|host| collide(lease, host)), "{step:?} takes what another has");
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
        let committed = first.iter().fold(nothing.clone(), |cluster, edit| edited(&start, &nothing, &cluster, edit));
        let Some(middle) = laws(&start, &nothing, &committed)? else { return Ok(()) };
        let draft = second.iter().fold(committed.clone(), |cluster, edit| edited(&middle, &committed, &cluster, edit));
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
