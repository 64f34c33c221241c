//! Source translation inside a guest: our own table `ip bridgehead`, or our own chain where there is only iptables.
//!
//! What both say is decided in [`model::firewall::translation`]; here its values are checked, and iptables is told all of
//! it in one commit.

use std::{fmt::Write, net::IpAddr};

use ipnet::IpNet;
use model::{
    firewall::translation::{IPTABLES_CHAIN as CHAIN, read_iptables, script, table},
    name::LinkName,
    observed::Table,
    step::TableEntry,
};

/// Our table's family: guests translate IPv4 only.
const FAMILY: &str = "ip";
/// Prints iptables' nat table as the rules that would make it.
pub const LIST: [&str; 5] = ["iptables", "-w", "-t", "nat", "-S"];
/// Whether POSTROUTING jumps to our chain.
pub const JUMP: [&str; 8] = ["iptables", "-w", "-t", "nat", "-C", "POSTROUTING", "-j", CHAIN];

fn check(entries: &[TableEntry]) -> Result<(), String> {
    for entry in entries {
        if let IpNet::V6(subnet) = entry.subnet {
            return Err(format!("{subnet} is not an IPv4 subnet; only IPv4 is translated"));
        }
        if let Some(to @ IpAddr::V6(_)) = entry.to {
            return Err(format!("{to} is not an IPv4 address; only IPv4 is translated"));
        }
        if let Some(link) = &entry.out_link {
            link.parse::<LinkName>().map_err(|error| format!("the link it leaves by: {error}"))?;
        }
    }
    Ok(())
}

/// Input of `nft -f -`: one transaction after which the table holds exactly these, or is gone.
pub fn nft(entries: &[TableEntry]) -> Result<String, String> {
    check(entries)?;
    Ok(script(FAMILY, entries))
}

/// Input of `iptables-restore --noflush`: the same in one commit. `jumped` says whether POSTROUTING jumps to our chain.
pub fn iptables(entries: &[TableEntry], jumped: bool) -> Result<String, String> {
    check(entries)?;
    // Naming the chain makes it, or empties it.
    let mut text = format!("*nat\n:{CHAIN} - [0:0]\n");
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    if jumped {
        line(format_args!("-D POSTROUTING -j {CHAIN}"));
    }
    if entries.is_empty() {
        line(format_args!("-X {CHAIN}"));
    } else {
        line(format_args!("-A {CHAIN} -m addrtype --src-type LOCAL -j ACCEPT"));
        for entry in entries {
            let subnet = entry.subnet.trunc();
            let out = entry.out_link.as_ref().map(|name| format!(" -o {name}")).unwrap_or_default();
            let target = entry.to.map_or_else(|| "MASQUERADE".to_owned(), |to| format!("SNAT --to-source {to}"));
            line(format_args!("-A {CHAIN} -s {subnet} ! -d {subnet}{out} -j {target}"));
        }
        line(format_args!("-I POSTROUTING 1 -j {CHAIN}"));
    }
    line(format_args!("COMMIT"));
    Ok(text)
}

/// Our chain in iptables, as the table in nftables that means the same: whoever reads translations reads one kind.
pub fn table_of(printed: &str) -> Option<Table> {
    Some(table(FAMILY, &read_iptables(printed)?))
}

#[cfg(test)]
mod tests;
