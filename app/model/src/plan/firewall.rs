//! Narrow rules of ours in chains that would drop what a bridge needs.
//!
//! Only drops are final: an accept in a table of ours cannot overrule a drop in another. So where somebody's chain drops,
//! one rule stands in that chain, chosen by following a packet through it as if no rule of ours were there.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::{
    firewall::{Packet, narrow, walk},
    note::{Note, Sentence, Severity, Subject},
    observed::{Chain, Table},
    step::{NarrowRule, Step},
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
    /// Between ports of one bridge, rather than routed.
    bridged: bool,
}

pub(super) fn plan(planner: &mut Planner<'_>) {
    let ways = ways(planner);
    for way in &ways {
        open(planner, way);
    }
    let concerned: BTreeSet<String> = planner
        .draft
        .bridges
        .iter()
        .chain(&planner.committed.bridges)
        .map(|bridge| bridge.name.to_string())
        .chain(planner.old.host_ways.iter().chain(&planner.new.host_ways).map(|way| way.bridge.clone()))
        .collect();
    for rule in narrow::all(planner.observed).into_iter().filter(|rule| concerned.contains(&rule.serves)) {
        let of = |way: &Way| {
            way.serves == rule.serves
                && way.in_link == rule.in_link
                && way.out_link == rule.out_link
                && way.established == rule.established
        };
        if !ways.iter().any(of) {
            planner.push(Phase::RulesOff, Step::DeleteRule { rule });
        }
    }
}

fn ways(planner: &Planner<'_>) -> Vec<Way> {
    let mut ways = Vec::new();
    for bridge in planner.draft.bridges.iter().filter(|bridge| bridge.ports_talk) {
        let name = bridge.name.to_string();
        ways.push(Way {
            serves: name.clone(),
            in_link: name.clone(),
            out_link: name,
            established: false,
            source: None,
            destination: None,
            bridged: true,
        });
    }
    for host in &planner.new.host_ways {
        let subnet = host.subnets.first().copied();
        let (bridge, outside) = (host.bridge.clone(), host.outside.clone());
        ways.push(Way {
            serves: bridge.clone(),
            in_link: bridge.clone(),
            out_link: outside.clone(),
            established: false,
            source: subnet,
            destination: None,
            bridged: false,
        });
        ways.push(Way {
            serves: bridge.clone(),
            in_link: outside,
            out_link: bridge,
            established: true,
            source: None,
            destination: subnet,
            bridged: false,
        });
    }
    ways
}

fn open(planner: &mut Planner<'_>, way: &Way) {
    let observed = planner.observed;
    let packet = Packet {
        in_link: &way.in_link,
        out_link: &way.out_link,
        source: way.source,
        destination: way.destination,
        established: way.established,
    };
    for (table, chain) in narrow::forward_chains(observed, way.bridged.then_some(&*way.serves)) {
        // A routed way is IPv4's.
        if !way.bridged && table.family == "ip6" {
            continue;
        }
        let without = walk(table, chain, packet, &|rule| rule.serves() == Some(&*way.serves));
        if !without.unclear.is_empty() && !without.dropped {
            planner.notes.push(unclear(table, chain, &way.serves, &without.unclear));
        }
        if !without.dropped || !walk(table, chain, packet, &|_| false).dropped {
            continue;
        }
        let rule = NarrowRule {
            family: table.family.clone(),
            table: table.name.clone(),
            chain: chain.name.clone(),
            in_link: way.in_link.clone(),
            out_link: way.out_link.clone(),
            established: way.established,
            serves: way.serves.clone(),
        };
        if rule.stands(observed) {
            // It stands behind something that drops: to the head with it.
            planner.push(Phase::Rules, Step::DeleteRule { rule: rule.clone() });
        }
        if way.bridged {
            planner.notes.push(alternatives(table, chain, &way.serves, without.by_policy));
        }
        planner.push(Phase::Rules, Step::InsertRule { rule });
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
