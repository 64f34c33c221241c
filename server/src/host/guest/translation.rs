//! Translation inside a guest: our own table `ip bridgehead`, or our own chains where there is only iptables.
//!
//! What both say is decided in [`model::firewall::translation`]; here its values are checked, and iptables is told all of
//! it at once.

use std::fmt::Write;

use model::{
    firewall::translation::{IPTABLES_CHAINS as CHAINS, iptables_rules, read_iptables, script, table},
    name::LinkName,
    observed::Table,
    step::{DestinationTranslation, SourceTranslation, TableEntry},
};

/// Our table's family: guests translate IPv4 only.
const FAMILY: &str = "ip";
/// The tables of iptables that ours are in: each is printed as the rules that would make it. The second is of interest only
/// where ours is in the first.
pub const LISTS: [[&str; 5]; 2] = [list(TABLES[0]), list(TABLES[1])];
/// Each asks whether a chain of iptables jumps to ours.
pub const JUMPS: [[&str; 8]; 3] = [jump(CHAINS[0]), jump(CHAINS[1]), jump(CHAINS[2])];

const TABLES: [&str; 2] = ["nat", "filter"];

const fn list(table: &'static str) -> [&'static str; 5] {
    ["iptables", "-w", "-t", table, "-S"]
}

const fn jump((table, from, own): (&'static str, &'static str, &'static str)) -> [&'static str; 8] {
    ["iptables", "-w", "-t", table, "-C", from, "-j", own]
}

fn check(entries: &[TableEntry]) -> Result<(), String> {
    for entry in entries {
        let (subnets, addresses, link) = match entry {
            TableEntry::Source(SourceTranslation { subnet, to, out_link }) => {
                ([Some(subnet), None], [*to, None], out_link)
            }
            TableEntry::Destination(DestinationTranslation { address, except, to, .. }) => {
                ([None; 2], [*address, Some(to.ip())], except)
            }
            TableEntry::Hairpin { hairpin } => ([Some(hairpin), None], [None; 2], &None),
            TableEntry::Accept { accept, from } => ([Some(accept), Some(from)], [None; 2], &None),
            TableEntry::Reject { reject, except } => ([Some(reject), None], [None; 2], except),
        };
        if let Some(subnet) = subnets.into_iter().flatten().find(|subnet| subnet.addr().is_ipv6()) {
            return Err(format!("{subnet} is not an IPv4 subnet; only IPv4 is translated"));
        }
        if let Some(to) = addresses.into_iter().flatten().find(|address| address.is_ipv6()) {
            return Err(format!("{to} is not an IPv4 address; only IPv4 is translated"));
        }
        if let Some(link) = link {
            link.parse::<LinkName>().map_err(|error| format!("the link it goes by: {error}"))?;
        }
    }
    Ok(())
}

/// Input of `nft -f -`: one transaction after which the table holds exactly these, or is gone.
pub fn nft(entries: &[TableEntry]) -> Result<String, String> {
    check(entries)?;
    Ok(script(FAMILY, entries))
}

/// Input of `iptables-restore --noflush`: the same in one commit for each table. `jumped` says which chains of iptables jump
/// to ours.
pub fn iptables(entries: &[TableEntry], jumped: [bool; 3]) -> Result<String, String> {
    check(entries)?;
    let chains = CHAINS.into_iter().zip(iptables_rules(entries)).zip(jumped);
    // Port forwards and limits are mentioned only where there are some, or were.
    let chains: Vec<_> =
        chains.filter(|((chain, rules), jumped)| *chain == CHAINS[0] || *jumped || !rules.is_empty()).collect();
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    for table in TABLES {
        let of_table = chains.iter().filter(|(((of, ..), _), _)| *of == table).collect::<Vec<_>>();
        if of_table.is_empty() {
            continue;
        }
        line(format_args!("*{table}"));
        for (((_, _, own), _), _) in &of_table {
            // Naming the chain makes it, or empties it.
            line(format_args!(":{own} - [0:0]"));
        }
        for (((_, from, own), rules), jumped) in of_table {
            if *jumped {
                line(format_args!("-D {from} -j {own}"));
            }
            if rules.is_empty() {
                line(format_args!("-X {own}"));
                continue;
            }
            for rule in rules {
                line(format_args!("-A {own} {rule}"));
            }
            line(format_args!("-I {from} 1 -j {own}"));
        }
        line(format_args!("COMMIT"));
    }
    Ok(text)
}

/// Our chains in iptables, as the table in nftables that means the same: whoever reads translations reads one kind.
pub fn table_of(printed: &str) -> Option<Table> {
    Some(table(FAMILY, &read_iptables(printed)?))
}

#[cfg(test)]
mod tests;
