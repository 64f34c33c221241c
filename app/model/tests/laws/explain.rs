//! The laws of explanations, on hosts, documents and rulesets made at random.

use model::{
    Language, Observed,
    explain::{Explanation, Origin, Place, Probe, Question, Target, Verdict, explain},
    observed::{Chain, Rule, Table},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::random::{edit, edited, host};
use model::{Cluster, plan::plan};

fn origin() -> impl Strategy<Value = Origin> {
    let interface = proptest::option::weighted(0.2, prop_oneof![Just("eth0".to_owned()), Just("eth1".to_owned())]);
    prop_oneof![
        4 => ("(master|node1|node2|node3)", interface).prop_map(|(guest, interface)| Origin::Guest { guest, interface }),
        1 => Just(Origin::Host),
        1 => Just(Origin::Outside { uplink: None, address: None }),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    let addresses =
        ["10.0.0.9", "192.168.48.10", "192.168.48.77", "192.168.122.203", "fd00::1", "255.255.255.255", "127.0.0.1"];
    prop_oneof![
        2 => "(master|node1|node2|node3)".prop_map(|guest| Target::Guest { guest }),
        1 => Just(Target::Host),
        3 => proptest::sample::select(addresses.to_vec())
            .prop_map(|text| Target::Address { address: text.parse().expect("an address") }),
    ]
}

fn question() -> impl Strategy<Value = Question> {
    let probe = prop_oneof![
        Just(Probe::Echo),
        (79..82u16).prop_map(|port| Probe::Tcp { port }),
        (53..55u16).prop_map(|port| Probe::Udp { port })
    ];
    (origin(), target(), probe).prop_map(|(from, to, probe)| Question { from, to, probe, v6: false })
}

fn statement() -> impl Strategy<Value = Value> {
    let one = |left: Value| json!({"match": {"op": "==", "left": left, "right": "virbr0"}});
    prop_oneof![
        3 => Just(json!({"accept": null})),
        1 => Just(json!({"drop": null})),
        1 => Just(json!({"return": null})),
        2 => "(one|two|three|none)".prop_map(|target| json!({"jump": {"target": target}})),
        1 => "(one|two|three)".prop_map(|target| json!({"goto": {"target": target}})),
        1 => Just(json!({"reject": null})),
        1 => Just(json!({"masquerade": null})),
        1 => Just(json!({"snat": {"addr": "192.0.2.7"}})),
        1 => Just(json!({"dnat": {"addr": {"map": {"key": {"meta": {"key": "l4proto"}}, "data": "@nowhere"}}}})),
        1 => Just(json!({"mangle": {"key": {"meta": {"key": "mark"}}, "value": 7}})),
        1 => Just(json!({"vmap": {"key": {"meta": {"key": "iifname"}}, "data": {"set": [["virbr0", {"jump": {"target": "one"}}]]}}})),
        1 => Just(json!({"limit": {"rate": 1}})),
        1 => Just(json!({"queue": null})),
        1 => Just(json!(7)),
        3 => "(iifname|oifname|skuid|mark)".prop_map(move |key| one(json!({"meta": {"key": key}}))),
        1 => Just(json!({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}})),
        1 => Just(json!({"match": {"op": "!=", "left": {"payload": {"protocol": "ip", "field": "saddr"}},
            "right": {"prefix": {"addr": "192.168.48.0", "len": 24}}}})),
    ]
}

fn table() -> impl Strategy<Value = Table> {
    let rules = || proptest::collection::vec(proptest::collection::vec(statement(), 1..4), 0..4);
    let hook = "(prerouting|input|forward|output|postrouting)";
    ("(ip|inet|bridge)", "(filter|nat)", hook, any::<bool>(), rules(), rules(), rules(), rules()).prop_map(
        |(family, kind, hook, drops, base, one, two, three)| {
            let rules = |all: Vec<Vec<Value>>| -> Vec<Rule> {
                (1..).zip(all).map(|(handle, statements)| Rule { handle, comment: None, statements }).collect()
            };
            let chain = |name: &str, all| Chain { name: name.to_owned(), rules: rules(all), ..Chain::default() };
            let base = Chain {
                kind: Some(kind),
                hook: Some(hook),
                priority: Some(0),
                policy: Some(if drops { "drop" } else { "accept" }.to_owned()),
                ..chain("base", base)
            };
            let chains = vec![base, chain("one", one), chain("two", two), chain("three", three)];
            Table { family, name: "wild".to_owned(), handle: 1, chains, raw: Vec::new() }
        },
    )
}

/// Whether a place is where the asker is.
fn is_home(place: &Place, origin: &Origin) -> bool {
    match (place, origin) {
        (Place::Guest { guest, .. }, Origin::Guest { guest: asker, .. }) => guest == asker,
        (Place::Host { .. }, Origin::Host) | (Place::Outside { .. }, Origin::Outside { .. }) => true,
        _ => false,
    }
}

fn keeps_the_laws(observed: &Observed, question: &Question) -> Result<Explanation, TestCaseError> {
    let explanation = explain(observed, question);
    prop_assert_eq!(&explanation, &explain(observed, question), "it is a function");
    let Explanation { verdict, hops, finding, .. } = &explanation;
    prop_assert_eq!(*verdict == Verdict::Yes, finding.is_none());
    if let Some(finding) = finding {
        prop_assert!(!finding.text.en.is_empty() && !finding.text.zh.is_empty());
        prop_assert!(finding.at <= hops.len());
    }
    prop_assert!(hops.windows(2).all(|pair| pair[0].packet.reply <= pair[1].packet.reply), "there, then back");
    if *verdict == Verdict::Yes {
        let (first, last) = (hops.first().expect("a hop"), hops.last().expect("a hop"));
        prop_assert!(is_home(&first.place, &question.from) && !first.packet.reply);
        prop_assert!(is_home(&last.place, &question.from) && last.packet.reply);
        let end = hops.iter().rfind(|hop| !hop.packet.reply).expect("the question's last hop");
        match (&question.to, &end.place) {
            (Target::Guest { guest }, Place::Guest { guest: there, .. }) => prop_assert_eq!(guest, there),
            (Target::Guest { .. }, place) => prop_assert!(false, "it ends at {}", place),
            _ => {}
        }
    }
    for language in [Language::English, Language::Chinese] {
        prop_assert!(explanation.text(language).lines().count() >= hops.len());
    }
    Ok(explanation)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn explanations_keep_the_laws(
        start in host(),
        edits in proptest::collection::vec(edit(), 0..10),
        wild in proptest::option::of(table()),
        inside in proptest::option::of(table()),
        questions in proptest::collection::vec(question(), 1..6),
    ) {
        let document = edits.iter().fold(Cluster::default(), |now, edit| edited(&start, &Cluster::default(), &now, edit));
        let mut observed = start;
        let made = plan(&observed, &Cluster::default(), &document);
        if !made.is_blocked() {
            made.steps.iter().for_each(|step| step.simulate(&mut observed));
        }
        observed.tables.extend(wild.map(|table| (table.key(), table)));
        for facts in observed.guests.values_mut() {
            facts.tables.get_or_insert_default().extend(inside.clone());
        }
        for question in &questions {
            keeps_the_laws(&observed, question)?;
        }
    }

    /// Who drops all that is forwarded routes nothing, and bridges nothing where frames pass its firewall.
    #[test]
    fn nothing_gets_through_a_closed_door(
        start in host(),
        edits in proptest::collection::vec(edit(), 0..10),
        questions in proptest::collection::vec(question(), 1..6),
    ) {
        let document = edits.iter().fold(Cluster::default(), |now, edit| edited(&start, &Cluster::default(), &now, edit));
        let mut observed = start;
        let made = plan(&observed, &Cluster::default(), &document);
        if !made.is_blocked() {
            made.steps.iter().for_each(|step| step.simulate(&mut observed));
        }
        observed.sysctls.insert("net.bridge.bridge-nf-call-iptables".to_owned(), "1".to_owned());
        let door = Chain {
            name: "door".to_owned(),
            kind: Some("filter".to_owned()),
            hook: Some("forward".to_owned()),
            priority: Some(-300),
            policy: Some("drop".to_owned()),
            ..Chain::default()
        };
        let table = Table { family: "inet".to_owned(), name: "closed".to_owned(), chains: vec![door], ..Table::default() };
        observed.tables.insert(table.key(), table);
        for question in &questions {
            let explanation = keeps_the_laws(&observed, question)?;
            let guests = explanation.hops.iter().filter_map(|hop| match &hop.place {
                Place::Guest { guest, .. } => Some(guest),
                _ => None,
            });
            let guests: std::collections::BTreeSet<_> = guests.collect();
            prop_assert!(guests.len() < 2, "{}", explanation.text(Language::English));
        }
    }
}
