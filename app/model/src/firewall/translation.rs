//! Our table of translations, on the host (`inet bridgehead`) and in guests (`ip bridgehead`, or the chain `BRIDGEHEAD`
//! of iptables' nat table where a guest has no nft).

use ipnet::IpNet;
use serde_json::{Value, json};

use crate::{
    observed::{Chain, Rule, Table},
    step::TableEntry,
};

use super::{
    quoted,
    statement::{Field, Statement, Text},
};

/// The name of every table of ours.
pub const TABLE: &str = "bridgehead";
/// Its one chain.
pub const CHAIN: &str = "postrouting";
/// The chain in iptables' nat table of guests without nft.
pub const IPTABLES_CHAIN: &str = "BRIDGEHEAD";

/// Our entries in a table of ours, in order. Rules that are not a translation are passed over.
pub fn read(table: &Table) -> Vec<TableEntry> {
    table.chains.iter().flat_map(|chain| chain.rules.iter().filter_map(entry)).collect()
}

fn entry(rule: &Rule) -> Option<TableEntry> {
    let mut subnet = None;
    let mut out_link = None;
    let mut to = None;
    for value in &rule.statements {
        match Statement::read(value) {
            Statement::Match { field: Field::Source, equal: true, values: Some(values) } => {
                if let Some(Text::Net(net)) = values.first() {
                    subnet = Some(*net);
                }
            }
            Statement::Match { field: Field::OutLink, equal: true, values: Some(values) } => {
                if let Some(Text::Word(word)) = values.first() {
                    out_link = Some((*word).to_owned());
                }
            }
            Statement::Snat(address) => to = Some(address),
            Statement::Masquerade => to = Some(None),
            _ => {}
        }
    }
    Some(TableEntry { subnet: subnet?, to: to?, out_link })
}

/// The table that holds exactly these entries, as nft would list it (handles aside).
pub fn table(family: &str, entries: &[TableEntry]) -> Table {
    let exempt = vec![
        json!({"match": {"op": "==", "left": {"fib": {"result": "type", "flags": ["saddr"]}}, "right": "local"}}),
        json!({"accept": null}),
    ];
    let statements = std::iter::once(exempt).chain(entries.iter().map(|entry| statements(family, entry)));
    let rules = (2..).zip(statements).map(|(handle, statements)| Rule { handle, comment: None, statements }).collect();
    Table {
        family: family.to_owned(),
        name: TABLE.to_owned(),
        handle: 1,
        chains: vec![Chain {
            name: CHAIN.to_owned(),
            handle: 1,
            kind: Some("nat".to_owned()),
            hook: Some("postrouting".to_owned()),
            priority: Some(100),
            policy: Some("accept".to_owned()),
            device: None,
            rules,
        }],
        raw: Vec::new(),
    }
}

fn protocol(net: &IpNet) -> &'static str {
    match net {
        IpNet::V4(_) => "ip",
        IpNet::V6(_) => "ip6",
    }
}

fn statements(family: &str, entry: &TableEntry) -> Vec<Value> {
    let protocol = protocol(&entry.subnet);
    let field = |name: &str, op: &str| {
        json!({"match": {
            "op": op,
            "left": {"payload": {"protocol": protocol, "field": name}},
            "right": {"prefix": {"addr": entry.subnet.network(), "len": entry.subnet.prefix_len()}}
        }})
    };
    let mut statements = vec![field("saddr", "=="), field("daddr", "!=")];
    if let Some(link) = &entry.out_link {
        statements.push(json!({"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": link}}));
    }
    statements.push(json!({"counter": {"packets": 0, "bytes": 0}}));
    statements.push(match entry.to {
        Some(address) if family == "inet" => json!({"snat": {"family": protocol, "addr": address}}),
        Some(address) => json!({"snat": {"addr": address}}),
        None => json!({"masquerade": null}),
    });
    statements
}

/// What `nft -f -` reads to make the table hold exactly these entries, in one transaction. An empty list removes it.
pub fn script(family: &str, entries: &[TableEntry]) -> String {
    // Adding first makes the deletion succeed whether or not the table was there.
    let mut script = format!("add table {family} {TABLE}\ndelete table {family} {TABLE}\n");
    if entries.is_empty() {
        return script;
    }
    script += &format!("add table {family} {TABLE}\n");
    script +=
        &format!("add chain {family} {TABLE} {CHAIN} {{ type nat hook postrouting priority 100; policy accept; }}\n");
    script += &format!("add rule {family} {TABLE} {CHAIN} fib saddr type local accept\n");
    for entry in entries {
        script += &format!("add rule {family} {TABLE} {CHAIN} {}\n", expression(family, entry));
    }
    script
}

/// One entry in nft's own language.
pub fn expression(family: &str, entry: &TableEntry) -> String {
    let protocol = protocol(&entry.subnet);
    let subnet = entry.subnet.trunc();
    let out = entry.out_link.as_ref().map(|link| format!(" oifname {}", quoted(link))).unwrap_or_default();
    let verdict = match entry.to {
        Some(address) if family == "inet" => format!("snat {protocol} to {address}"),
        Some(address) => format!("snat to {address}"),
        None => "masquerade".to_owned(),
    };
    format!("{protocol} saddr {subnet} {protocol} daddr != {subnet}{out} counter {verdict}")
}

/// What makes iptables' nat table hold exactly these entries: argument lists of `iptables`, in order, each with whether
/// its failure counts. An empty list removes our chain.
pub fn iptables(entries: &[TableEntry]) -> Vec<(Vec<String>, bool)> {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let jump = format!("-j {IPTABLES_CHAIN}");
    let mut commands = vec![
        (words(&format!("-w -t nat -D POSTROUTING {jump}")), false),
        (words(&format!("-w -t nat -F {IPTABLES_CHAIN}")), false),
        (words(&format!("-w -t nat -X {IPTABLES_CHAIN}")), false),
    ];
    if entries.is_empty() {
        return commands;
    }
    commands.push((words(&format!("-w -t nat -N {IPTABLES_CHAIN}")), true));
    commands.push((words(&format!("-w -t nat -A {IPTABLES_CHAIN} -m addrtype --src-type LOCAL -j ACCEPT")), true));
    for entry in entries {
        let subnet = entry.subnet.trunc();
        let out = entry.out_link.as_ref().map(|link| format!(" -o {link}")).unwrap_or_default();
        let target = entry.to.map_or_else(|| "MASQUERADE".to_owned(), |address| format!("SNAT --to-source {address}"));
        let line = format!("-w -t nat -A {IPTABLES_CHAIN} -s {subnet} ! -d {subnet}{out} -j {target}");
        commands.push((words(&line), true));
    }
    commands.push((words(&format!("-w -t nat -I POSTROUTING 1 {jump}")), true));
    commands
}

/// Our entries in what `iptables -t nat -S` printed; `None` if our chain is not there.
pub fn read_iptables(text: &str) -> Option<Vec<TableEntry>> {
    let mine = format!("-A {IPTABLES_CHAIN} ");
    text.lines().find(|line| line.trim() == format!("-N {IPTABLES_CHAIN}"))?;
    let rule = |line: &str| {
        let mut entry = TableEntry { subnet: "0.0.0.0/0".parse().ok()?, to: None, out_link: None };
        let (mut subnet, mut target) = (None, None);
        let mut words = line.strip_prefix(&mine)?.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "!" => {
                    words.next();
                    words.next();
                }
                "-s" => subnet = words.next()?.parse().ok(),
                "-o" => entry.out_link = Some(words.next()?.to_owned()),
                "-j" => target = words.next(),
                "--to-source" => entry.to = words.next()?.parse().ok(),
                _ => {}
            }
        }
        entry.subnet = subnet?;
        matches!(target, Some("SNAT" | "MASQUERADE")).then_some(entry)
    };
    Some(text.lines().filter_map(|line| rule(line.trim())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<TableEntry> {
        let subnet = "192.168.48.0/24".parse().expect("a prefix");
        vec![
            TableEntry { subnet, to: "192.168.122.202".parse().ok(), out_link: None },
            TableEntry { subnet, to: None, out_link: Some("eno1".to_owned()) },
        ]
    }

    #[test]
    fn a_table_reads_back() {
        for family in ["ip", "inet"] {
            assert_eq!(read(&table(family, &entries())), entries());
        }
    }

    #[test]
    fn iptables_reads_back() {
        let printed = "-P POSTROUTING ACCEPT\n-N BRIDGEHEAD\n-A POSTROUTING -j BRIDGEHEAD\n\
             -A BRIDGEHEAD -m addrtype --src-type LOCAL -j ACCEPT\n\
             -A BRIDGEHEAD -s 192.168.48.0/24 ! -d 192.168.48.0/24 -j SNAT --to-source 192.168.122.202\n\
             -A BRIDGEHEAD -s 192.168.48.0/24 ! -d 192.168.48.0/24 -o eno1 -j MASQUERADE\n";
        assert_eq!(read_iptables(printed), Some(entries()));
        assert_eq!(read_iptables("-P POSTROUTING ACCEPT\n"), None);
    }
}
