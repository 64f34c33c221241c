//! Our table of translations, on the host (`inet bridgehead`) and in guests (`ip bridgehead`, or chains of ours in
//! iptables' nat table where a guest has no nft).

mod iptables;

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde_json::{Value, json};

use crate::{
    cluster::Protocol,
    observed::{Chain, Rule, Table},
    step::{DestinationTranslation, SourceTranslation, TableEntry},
};

use super::{
    quoted,
    statement::{Field, Statement, Text},
};

pub use iptables::{IPTABLES_CHAINS, iptables, iptables_lines, iptables_rules, read_iptables};

/// The name of every table of ours.
pub const TABLE: &str = "bridgehead";
/// Our table on the host, as it is observed.
pub const HOST: &str = "inet bridgehead";
/// Its chain of source translations.
const POSTROUTING: &str = "postrouting";
/// Its chain of port forwards, if it has any.
const PREROUTING: &str = "prerouting";

/// Our entries in a table of ours, in order. Rules that are not a translation are passed over.
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
    let exempt = vec![equal(type_of("saddr"), json!("local")), json!({"accept": null})];
    let of = |forwards: bool| entries.iter().filter(move |entry| entry.destination().is_some() == forwards);
    let say = |entry: &TableEntry| statements(family, entry);
    let mut chains = vec![chain(POSTROUTING, 100, std::iter::once(exempt).chain(of(false).map(say)).collect())];
    if of(true).next().is_some() {
        chains.push(chain(PREROUTING, -100, of(true).map(say).collect()));
    }
    let rules = chains.iter_mut().flat_map(|chain| &mut chain.rules);
    (2..).zip(rules).for_each(|(handle, rule)| rule.handle = handle);
    Table { family: family.to_owned(), name: TABLE.to_owned(), handle: 1, chains, raw: Vec::new() }
}

fn chain(hook: &str, priority: i32, rules: Vec<Vec<Value>>) -> Chain {
    Chain {
        name: hook.to_owned(),
        handle: 1,
        kind: Some("nat".to_owned()),
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

fn statements(family: &str, entry: &TableEntry) -> Vec<Value> {
    let other = |left: Value, right: Value| json!({"match": {"op": "!=", "left": left, "right": right}});
    let prefix = |net: &IpNet| json!({"prefix": {"addr": net.network(), "len": net.prefix_len()}});
    let side = |net: &IpNet, name: &str| field(protocol(net.addr()), name);
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
            json!({"match": {"op": "in", "left": {"ct": {"key": "status"}}, "right": "dnat"}}),
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
    };
    statements.push(json!({"counter": {"packets": 0, "bytes": 0}}));
    statements.push(match entry {
        TableEntry::Source(SourceTranslation { to: Some(to), .. }) => verdict(family, "snat", *to, None),
        TableEntry::Source(_) | TableEntry::Hairpin { .. } => json!({"masquerade": null}),
        TableEntry::Destination(DestinationTranslation { to, .. }) => verdict(family, "dnat", to.ip(), Some(to.port())),
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

/// What `nft -f -` reads to make the table hold exactly these entries, in one transaction. An empty list removes it.
pub fn script(family: &str, entries: &[TableEntry]) -> String {
    // Adding first makes the deletion succeed whether or not the table was there.
    let mut script = format!("add table {family} {TABLE}\ndelete table {family} {TABLE}\n");
    if entries.is_empty() {
        return script;
    }
    script += &format!("add table {family} {TABLE}\n");
    let chain = |hook: &str, priority: i32| {
        format!("add chain {family} {TABLE} {hook} {{ type nat hook {hook} priority {priority}; policy accept; }}\n")
    };
    script += &chain(POSTROUTING, 100);
    script += &format!("add rule {family} {TABLE} {POSTROUTING} fib saddr type local accept\n");
    let (forwards, sources): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.destination().is_some());
    for entry in sources {
        script += &format!("add rule {family} {TABLE} {POSTROUTING} {}\n", expression(family, entry));
    }
    if !forwards.is_empty() {
        script += &chain(PREROUTING, -100);
    }
    for entry in forwards {
        script += &format!("add rule {family} {TABLE} {PREROUTING} {}\n", expression(family, entry));
    }
    script
}

/// One entry in nft's own language.
fn expression(family: &str, entry: &TableEntry) -> String {
    let of = |address: IpAddr| if family == "inet" { format!(" {}", protocol(address)) } else { String::new() };
    match entry {
        TableEntry::Source(SourceTranslation { subnet, to, out_link }) => {
            let (protocol, subnet) = (protocol(subnet.addr()), subnet.trunc());
            let out = out_link.as_ref().map(|link| format!(" oifname {}", quoted(link))).unwrap_or_default();
            let verdict = to.map_or_else(|| "masquerade".to_owned(), |to| format!("snat{} to {to}", of(to)));
            format!("{protocol} saddr {subnet} {protocol} daddr != {subnet}{out} counter {verdict}")
        }
        TableEntry::Hairpin { hairpin } => {
            let (protocol, subnet) = (protocol(hairpin.addr()), hairpin.trunc());
            format!("{protocol} saddr {subnet} {protocol} daddr {subnet} ct status dnat counter masquerade")
        }
        TableEntry::Destination(DestinationTranslation { protocol: asked, port, address, except, to }) => {
            let except = except.as_ref().map(|link| format!("iifname != {} ", quoted(link))).unwrap_or_default();
            let address = match address {
                Some(address) => format!("{} daddr {address}", protocol(*address)),
                None => "fib daddr type local".to_owned(),
            };
            format!("{except}{address} {asked} dport {port} counter dnat{} to {to}", of(to.ip()))
        }
    }
}

#[cfg(test)]
mod tests;
