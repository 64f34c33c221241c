//! The same in nft's own language.

use std::net::IpAddr;

use super::{super::quoted, CHAINS, POSTROUTING, TABLE, destinations, protocol};
use crate::step::{DestinationTranslation, SourceTranslation, TableEntry};

/// What `nft -f -` reads to make the table hold exactly these entries, in one transaction. An empty list removes it.
pub fn script(family: &str, entries: &[TableEntry]) -> String {
    // Adding first makes the deletion succeed whether or not the table was there.
    let mut script = format!("add table {family} {TABLE}\ndelete table {family} {TABLE}\n");
    if entries.is_empty() {
        return script;
    }
    script += &format!("add table {family} {TABLE}\n");
    for (hook, kind, priority) in CHAINS {
        let mut own = entries.iter().filter(|entry| entry.hook() == hook).peekable();
        if hook != POSTROUTING && own.peek().is_none() {
            continue;
        }
        let chain = format!("{{ type {kind} hook {hook} priority {priority}; policy accept; }}");
        script += &format!("add chain {family} {TABLE} {hook} {chain}\n");
        let exempt: &[&str] = match hook {
            POSTROUTING => &["fib saddr type local"],
            destinations::FORWARD => &destinations::EXEMPT,
            _ => &[],
        };
        for rule in exempt {
            script += &format!("add rule {family} {TABLE} {hook} {rule} accept\n");
        }
        for entry in own {
            script += &format!("add rule {family} {TABLE} {hook} {}\n", expression(family, entry));
        }
    }
    script
}

/// One entry in nft's own language.
pub(super) fn expression(family: &str, entry: &TableEntry) -> String {
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
        TableEntry::Accept { accept, from } => destinations::accept(accept, from),
        TableEntry::Reject { reject, except } => destinations::reject(reject, except.as_deref()),
    }
}
