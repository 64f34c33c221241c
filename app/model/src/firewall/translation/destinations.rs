//! What a gateway lets its members reach: our chain in the hook `forward`.
//!
//! What belongs to a known connection passes, and what a port forward led here. An accept only ends this chain of ours, as
//! RETURN does in iptables: it overrules nobody else's drop.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{
    super::{
        quoted,
        statement::{Field, Statement, Text},
    },
    equal, forwarded, meta, other, prefix, protocol, side,
};
use crate::{
    observed::{Rule, Table},
    step::TableEntry,
};

/// The chain and its hook.
pub const FORWARD: &str = "forward";
/// What is accepted before anything else, in nft's own language.
pub const EXEMPT: [&str; 2] = ["ct state established,related", "ct status dnat"];

/// The same as nft lists it.
pub fn exempt() -> Vec<Vec<Value>> {
    let known = json!({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}});
    [known, forwarded()].map(|passes| vec![passes, json!({"accept": null})]).into()
}

pub fn accepted(accept: &IpNet, from: &IpNet) -> Vec<Value> {
    vec![equal(side(from, "saddr"), prefix(from)), equal(side(accept, "daddr"), prefix(accept))]
}

pub fn rejected(reject: &IpNet, except: Option<&str>) -> Vec<Value> {
    let mut matches: Vec<Value> = except.map(|link| other(meta("oifname"), json!(link))).into_iter().collect();
    matches.push(equal(side(reject, "saddr"), prefix(reject)));
    matches.push(other(side(reject, "daddr"), prefix(reject)));
    matches
}

/// In nft's own language.
pub fn accept(accept: &IpNet, from: &IpNet) -> String {
    let protocol = protocol(from.addr());
    format!("{protocol} saddr {} {protocol} daddr {} counter accept", word(from), word(accept))
}

/// In nft's own language, as every version of it reads it.
pub fn reject(reject: &IpNet, except: Option<&str>) -> String {
    let (protocol, subnet) = (protocol(reject.addr()), word(reject));
    let except = except.map(|link| format!("oifname != {} ", quoted(link))).unwrap_or_default();
    format!(
        "{except}{protocol} saddr {subnet} {protocol} daddr != {subnet} counter reject with icmp type admin-prohibited"
    )
}

fn word(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.trunc().to_string() }
}

/// Our entries of this kind, in order.
pub fn read(table: &Table) -> impl Iterator<Item = TableEntry> {
    table.chain(FORWARD).into_iter().flat_map(|chain| chain.rules.iter().filter_map(entry))
}

fn entry(rule: &Rule) -> Option<TableEntry> {
    let (mut subnet, mut accept, mut except) = (None, None, None);
    for value in &rule.statements {
        match Statement::read(value) {
            Statement::Match { field, equal, values: Some(values) } => match (field, equal, values.first()) {
                (Field::Source, true, Some(Text::Net(net))) => subnet = Some(*net),
                (Field::Destination, true, Some(Text::Net(net))) => accept = Some(*net),
                (Field::OutLink, false, Some(Text::Word(link))) => except = Some((*link).to_owned()),
                _ => {}
            },
            Statement::Accept => return Some(TableEntry::Accept { accept: accept?, from: subnet? }),
            Statement::Drop => return Some(TableEntry::Reject { reject: subnet?, except }),
            _ => {}
        }
    }
    None
}
