//! Our table, on the host (`inet bridgehead`) and in guests (`ip bridgehead`, or chains of ours in iptables' tables where a
//! guest has no nft): what gateways translate, and what they let their members reach.

mod destinations;
mod iptables;
mod script;

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde_json::{Value, json};

use crate::{
    cluster::Protocol,
    observed::{Chain, Rule, Table},
    step::{DestinationTranslation, SourceTranslation, TableEntry},
};

use super::statement::{Field, Statement, Text};

pub use iptables::{IPTABLES_CHAINS, iptables, iptables_lines, iptables_rules, read_iptables};
pub use script::script;

/// The name of every table of ours.
pub const TABLE: &str = "bridgehead";
/// Our table on the host, as it is observed.
pub const HOST: &str = "inet bridgehead";
/// Its chain of source translations, which is always there.
const POSTROUTING: &str = "postrouting";
/// Its chains by their hooks, after which they are named, each with its type and priority.
const CHAINS: [(&str, &str, i32); 3] =
    [(POSTROUTING, "nat", 100), ("prerouting", "nat", -100), (destinations::FORWARD, "filter", 0)];

/// All of our entries in a table of ours, in order.
pub fn entries(table: &Table) -> Vec<TableEntry> {
    let mut entries = read(table);
    entries.extend(destinations::read(table));
    entries
}

/// Those that translate. Rules that are not a translation are passed over.
pub fn read(table: &Table) -> Vec<TableEntry> {
    table.chains.iter().flat_map(|chain| chain.rules.iter().filter_map(entry)).collect()
}

/// What the matches of a rule say.
#[derive(Default)]
struct Found {
    subnet: Option<IpNet>,
    out_link: Option<String>,
    address: Option<IpAddr>,
    local: bool,
    except: Option<String>,
    asked: Option<(Protocol, u16)>,
    forwarded: bool,
}

impl Found {
    fn matches(&mut self, field: Field, equal: bool, value: &Text<'_>) {
        match (field, equal, value) {
            (Field::Source, true, Text::Net(net)) => self.subnet = Some(*net),
            (Field::Destination, true, Text::Net(net)) => self.address = Some(net.addr()),
            (Field::DestinationType, true, Text::Word("local")) => self.local = true,
            (Field::OutLink, true, Text::Word(word)) => self.out_link = Some((*word).to_owned()),
            (Field::InLink, false, Text::Word(word)) => self.except = Some((*word).to_owned()),
            (Field::ConnectionStatus, true, Text::Word("dnat")) => self.forwarded = true,
            (Field::DestinationPort(protocol), true, Text::Number(number)) => {
                self.asked = u16::try_from(*number).ok().map(|port| (protocol, port));
            }
            _ => {}
        }
    }

    fn source(self, to: Option<IpAddr>) -> Option<TableEntry> {
        let subnet = self.subnet?;
        Some(if self.forwarded {
            TableEntry::Hairpin { hairpin: subnet }
        } else {
            TableEntry::Source(SourceTranslation { subnet, to, out_link: self.out_link })
        })
    }

    fn destination(self, to: SocketAddr) -> Option<TableEntry> {
        let (protocol, port) = self.asked?;
        let (address, except) = (self.address, self.except);
        let whole = self.local != address.is_some();
        whole.then_some(TableEntry::Destination(DestinationTranslation { protocol, port, address, except, to }))
    }
}

fn entry(rule: &Rule) -> Option<TableEntry> {
    let mut found = Found::default();
    for value in &rule.statements {
        match Statement::read(value) {
            Statement::Match { field, equal, values: Some(values) } => {
                values.first().iter().for_each(|value| found.matches(field, equal, value));
            }
            Statement::Snat(to) => return found.source(to),
            Statement::Masquerade => return found.source(None),
            Statement::Dnat(to) => return found.destination(to?),
            _ => {}
        }
    }
    None
}

/// The table that holds exactly these entries, as nft would list it (handles aside).
pub fn table(family: &str, entries: &[TableEntry]) -> Table {
    let mut chains = Vec::new();
    for (hook, kind, priority) in CHAINS {
        let mut own = entries.iter().filter(|entry| entry.hook() == hook).peekable();
        if hook == POSTROUTING || own.peek().is_some() {
            let rules = exempt(hook).into_iter().chain(own.map(|entry| statements(family, entry))).collect();
            chains.push(chain(hook, kind, priority, rules));
        }
    }
    let rules = chains.iter_mut().flat_map(|chain| &mut chain.rules);
    (2..).zip(rules).for_each(|(handle, rule)| rule.handle = handle);
    Table { family: family.to_owned(), name: TABLE.to_owned(), handle: 1, chains, raw: Vec::new() }
}

/// What is let through before any entry is asked.
fn exempt(hook: &str) -> Vec<Vec<Value>> {
    match hook {
        POSTROUTING => vec![vec![equal(type_of("saddr"), json!("local")), json!({"accept": null})]],
        destinations::FORWARD => destinations::exempt(),
        _ => Vec::new(),
    }
}

fn chain(hook: &str, kind: &str, priority: i32, rules: Vec<Vec<Value>>) -> Chain {
    Chain {
        name: hook.to_owned(),
        handle: 1,
        kind: Some(kind.to_owned()),
        hook: Some(hook.to_owned()),
        priority: Some(priority),
        policy: Some("accept".to_owned()),
        device: None,
        rules: rules.into_iter().map(|statements| Rule { statements, ..Rule::default() }).collect(),
    }
}

fn protocol(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "ip" } else { "ip6" }
}

pub(super) fn equal(left: Value, right: Value) -> Value {
    json!({"match": {"op": "==", "left": left, "right": right}})
}

pub(super) fn field(protocol: &str, name: &str) -> Value {
    json!({"payload": {"protocol": protocol, "field": name}})
}

fn type_of(flag: &str) -> Value {
    json!({"fib": {"result": "type", "flags": [flag]}})
}

fn meta(key: &str) -> Value {
    json!({"meta": {"key": key}})
}

fn other(left: Value, right: Value) -> Value {
    json!({"match": {"op": "!=", "left": left, "right": right}})
}

/// As nft lists it: a network of one address is that address.
fn prefix(net: &IpNet) -> Value {
    if net.prefix_len() == net.max_prefix_len() {
        return json!(net.addr());
    }
    json!({"prefix": {"addr": net.network(), "len": net.prefix_len()}})
}

/// Where a packet comes from (`saddr`) or goes to (`daddr`).
fn side(net: &IpNet, name: &str) -> Value {
    field(protocol(net.addr()), name)
}

/// What came by a port forward.
fn forwarded() -> Value {
    json!({"match": {"op": "in", "left": {"ct": {"key": "status"}}, "right": "dnat"}})
}

fn statements(family: &str, entry: &TableEntry) -> Vec<Value> {
    let mut statements = match entry {
        TableEntry::Source(SourceTranslation { subnet, out_link, .. }) => {
            let mut matches =
                vec![equal(side(subnet, "saddr"), prefix(subnet)), other(side(subnet, "daddr"), prefix(subnet))];
            matches.extend(out_link.as_ref().map(|link| equal(meta("oifname"), json!(link))));
            matches
        }
        TableEntry::Hairpin { hairpin } => vec![
            equal(side(hairpin, "saddr"), prefix(hairpin)),
            equal(side(hairpin, "daddr"), prefix(hairpin)),
            forwarded(),
        ],
        TableEntry::Destination(DestinationTranslation { protocol: asked, port, address, except, .. }) => {
            let mut matches = Vec::new();
            matches.extend(except.as_ref().map(|link| other(meta("iifname"), json!(link))));
            matches.push(match address {
                Some(address) => equal(field(protocol(*address), "daddr"), json!(address)),
                None => equal(type_of("daddr"), json!("local")),
            });
            matches.push(equal(field(&asked.to_string(), "dport"), json!(port)));
            matches
        }
        TableEntry::Accept { accept, from } => destinations::accepted(accept, from),
        TableEntry::Reject { reject, except } => destinations::rejected(reject, except.as_deref()),
    };
    statements.push(json!({"counter": {"packets": 0, "bytes": 0}}));
    statements.push(match entry {
        TableEntry::Source(SourceTranslation { to: Some(to), .. }) => verdict(family, "snat", *to, None),
        TableEntry::Source(_) | TableEntry::Hairpin { .. } => json!({"masquerade": null}),
        TableEntry::Destination(DestinationTranslation { to, .. }) => verdict(family, "dnat", to.ip(), Some(to.port())),
        TableEntry::Accept { .. } => json!({"accept": null}),
        TableEntry::Reject { .. } => json!({"reject": {"type": "icmp", "expr": "admin-prohibited"}}),
    });
    statements
}

fn verdict(family: &str, name: &str, address: IpAddr, port: Option<u16>) -> Value {
    let mut body = json!({"addr": address});
    if family == "inet" {
        body["family"] = json!(protocol(address));
    }
    if let Some(port) = port {
        body["port"] = json!(port);
    }
    json!({name: body})
}

#[cfg(test)]
mod tests;
