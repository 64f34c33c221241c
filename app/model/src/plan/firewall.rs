//! Narrow rules of ours in chains that would drop what a bridge needs.
//!
//! Only drops are final: an accept in a table of ours cannot overrule a drop in another. So where somebody's chain drops,
//! one rule stands in that chain, chosen by following a packet through it as if no rule of ours were there.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::{
    Cluster,
    firewall::{Packet, narrow, walk},
    note::{Note, Sentence, Severity, Subject},
    observed::{Chain, Rule, Table},
    step::{Forwarded, NarrowRule, Step},
};

use super::{Phase, Planner};

/// A way that has to be open.
struct Way {
    serves: String,
    in_link: String,
    out_link: String,
    established: bool,
    source: Option<IpNet>,
    destination: Option<IpNet>,
    /// One port alone, asked from wherever.
    to: Option<Forwarded>,
    /// Between ports of one bridge, rather than routed.
    bridged: bool,
}

impl Way {
    /// From one link to another.
    fn routed(serves: &str, in_link: &str, out_link: &str, established: bool) -> Self {
        Self {
            serves: serves.to_owned(),
            in_link: in_link.to_owned(),
            out_link: out_link.to_owned(),
            established,
            source: None,
            destination: None,
            to: None,
            bridged: false,
        }
    }

    /// What its rule says of the link: what asks one port may come by any.
    fn in_link(&self) -> &str {
        if self.to.is_some() { "" } else { &self.in_link }
    }

    /// Whether this rule is for it.
    fn is_served_by(&self, rule: &NarrowRule) -> bool {
        self.serves == rule.serves
            && self.in_link() == rule.in_link
            && self.out_link == rule.out_link
            && self.established == rule.established
            && self.to == rule.to
    }
}

pub(super) fn plan(planner: &mut Planner<'_>) {
    let ways = ways(planner);
    for way in &ways {
        open(planner, way, &ways);
    }
    let gateways = |cluster: &Cluster| cluster.gateways.iter().map(|own| own.bridge.to_string()).collect::<Vec<_>>();
    let concerned: BTreeSet<String> = planner
        .draft
        .bridges
        .iter()
        .chain(&planner.committed.bridges)
        .map(|bridge| bridge.name.to_string())
        .chain(gateways(planner.draft))
        .chain(gateways(planner.committed))
        .collect();
    for rule in narrow::all(planner.observed).into_iter().filter(|rule| concerned.contains(&rule.serves)) {
        if !ways.iter().any(|way| way.is_served_by(&rule)) {
            planner.push(Phase::RulesOff, Step::DeleteRule { rule });
        }
    }
}

fn ways(planner: &Planner<'_>) -> Vec<Way> {
    let mut ways = Vec::new();
    for bridge in planner.draft.bridges.iter().filter(|bridge| bridge.ports_talk) {
        let name = bridge.name.to_string();
        ways.push(Way { bridged: true, ..Way::routed(&name, &name, &name, false) });
    }
    for host in &planner.new.host_ways {
        let subnet = host.subnets.first().copied();
        let (bridge, outside) = (&host.bridge, &host.outside);
        ways.push(Way { source: subnet, ..Way::routed(bridge, bridge, outside, false) });
        ways.push(Way { destination: subnet, ..Way::routed(bridge, outside, bridge, true) });
        // Answers of members to members that asked by the host's address.
        if planner.new.doors.iter().any(|door| door.out_link == *bridge) {
            ways.push(Way { source: subnet, destination: subnet, ..Way::routed(bridge, bridge, bridge, true) });
        }
    }
    for door in &planner.new.doors {
        let destination = Some(IpNet::from(door.to.to.ip()));
        let way = Way::routed(&door.bridge, &door.in_link, &door.out_link, false);
        ways.push(Way { destination, to: Some(door.to), ..way });
    }
    ways
}

fn open(planner: &mut Planner<'_>, way: &Way, ways: &[Way]) {
    let observed = planner.observed;
    let packet = Packet {
        in_link: &way.in_link,
        out_link: &way.out_link,
        source: way.source,
        destination: way.destination,
        to: way.to,
        established: way.established,
    };
    for (table, chain) in narrow::forward_chains(observed, way.bridged.then_some(&*way.serves)) {
        // A routed way is IPv4's.
        if !way.bridged && table.family == "ip6" {
            continue;
        }
        let without = walk(table, chain, packet, &|rule| rule.serves() == Some(&*way.serves));
        if !without.unclear.is_empty() && !without.dropped {
            let note = unclear(table, chain, &way.serves, &without.unclear);
            if !planner.notes.contains(&note) {
                planner.notes.push(note);
            }
        }
        // A rule of ours that goes with this plan is no help.
        let goes = |rule: &Rule| {
            rule.serves() == Some(&*way.serves)
                && NarrowRule::read(table, chain, rule)
                    .is_some_and(|own| !ways.iter().any(|way| way.is_served_by(&own)))
        };
        if !without.dropped || !walk(table, chain, packet, &goes).dropped {
            continue;
        }
        let rule = NarrowRule {
            family: table.family.clone(),
            table: table.name.clone(),
            chain: chain.name.clone(),
            in_link: way.in_link().to_owned(),
            out_link: way.out_link.clone(),
            established: way.established,
            to: way.to,
            serves: way.serves.clone(),
        };
        let step = Step::InsertRule { rule: rule.clone() };
        if planner.steps.iter().any(|(_, planned)| *planned == step) {
            continue;
        }
        if rule.stands(observed) {
            // It stands behind something that drops: to the head with it.
            planner.push(Phase::Rules, Step::DeleteRule { rule });
        }
        if way.bridged {
            planner.notes.push(alternatives(table, chain, &way.serves, without.by_policy));
        }
        planner.push(Phase::Rules, step);
    }
}

/// Why the rule, and what else could be done: ranked as it is risky.
fn alternatives(table: &Table, chain: &Chain, bridge: &str, by_policy: bool) -> Note {
    let place = format!("{} {}", table.key(), chain.name);
    let (why, why_zh) =
        if by_policy { ("by its policy", "（默认策略）") } else { ("by a rule", "（某条规则）") };
    let (mut en, mut zh) = (
        format!(
            "{place} drops what goes between ports of {bridge} ({why}). The plan adds one accept for {bridge} alone, the \
             safest way. Riskier, and not done: making the chain's policy accept opens the host to all that is forwarded"
        ),
        format!(
            "{place} 会丢弃 {bridge} 端口之间的流量{why_zh}。本方案只为 {bridge} 加一条放行规则，最安全。风险更大、未采用的做法：\
             把该链默认策略改为 ACCEPT，会放行所有转发流量"
        ),
    );
    if table.family != "bridge" {
        en += "; net.bridge.bridge-nf-call-iptables=0 takes every bridge away from the firewall, and breaks what relies on it";
        zh += "；net.bridge.bridge-nf-call-iptables=0 会让所有网桥都绕过防火墙，并可能破坏依赖它的配置";
    }
    let text = Sentence::new(format!("{en}."), format!("{zh}。"));
    Note::new(Severity::Tell, Subject::Table(table.key()), "ports-talk", text)
}

fn unclear(table: &Table, chain: &Chain, bridge: &str, handles: &[u64]) -> Note {
    let place = format!("{} {}", table.key(), chain.name);
    let list = handles.iter().take(8).map(u64::to_string).collect::<Vec<_>>().join(", ");
    let text = Sentence::new(
        format!("{place} has rules that are not understood (handle {list}): they may drop traffic of {bridge}."),
        format!("{place} 中有无法理解的规则（handle {list}），可能会丢弃 {bridge} 的流量。"),
    );
    Note::new(Severity::Tell, Subject::Table(table.key()), "rules-unclear", text)
}
