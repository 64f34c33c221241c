//! The same in chains of iptables.

use crate::{
    cluster::Protocol,
    step::{DestinationTranslation, SourceTranslation, TableEntry},
};

/// The chains of iptables: table, chain, and the chain of ours that it jumps to. Source translations, port forwards, and
/// what members may reach.
pub const IPTABLES_CHAINS: [(&str, &str, &str); 3] = [
    ("nat", "POSTROUTING", "BRIDGEHEAD"),
    ("nat", "PREROUTING", "BRIDGEHEAD-DNAT"),
    ("filter", "FORWARD", "BRIDGEHEAD-FORWARD"),
];

/// The rules of each of our chains, as `iptables -A` takes them behind the chain's name. A chain without rules is not there.
pub fn iptables_rules(entries: &[TableEntry]) -> [Vec<String>; 3] {
    IPTABLES_CHAINS.map(|(_, from, _)| {
        let own: Vec<String> =
            entries.iter().filter(|entry| entry.hook().eq_ignore_ascii_case(from)).map(rule).collect();
        let exempt: &[&str] = match from {
            "POSTROUTING" if !entries.is_empty() => &["-m addrtype --src-type LOCAL -j ACCEPT"],
            "FORWARD" if !own.is_empty() => {
                &["-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN", "-m conntrack --ctstate DNAT -j RETURN"]
            }
            _ => &[],
        };
        exempt.iter().map(|rule| (*rule).to_owned()).chain(own).collect()
    })
}

fn rule(entry: &TableEntry) -> String {
    match entry {
        TableEntry::Source(SourceTranslation { subnet, to, out_link }) => {
            let subnet = subnet.trunc();
            let out = out_link.as_ref().map(|link| format!(" -o {link}")).unwrap_or_default();
            let target = to.map_or_else(|| "MASQUERADE".to_owned(), |address| format!("SNAT --to-source {address}"));
            format!("-s {subnet} ! -d {subnet}{out} -j {target}")
        }
        TableEntry::Hairpin { hairpin } => {
            let subnet = hairpin.trunc();
            format!("-s {subnet} -d {subnet} -m conntrack --ctstate DNAT -j MASQUERADE")
        }
        TableEntry::Destination(DestinationTranslation { protocol, port, address, except, to }) => {
            let except = except.as_ref().map(|link| format!("! -i {link} ")).unwrap_or_default();
            let address =
                address.map_or_else(|| "-m addrtype --dst-type LOCAL".to_owned(), |address| format!("-d {address}"));
            format!("{except}{address} -p {protocol} -m {protocol} --dport {port} -j DNAT --to-destination {to}")
        }
        TableEntry::Accept { accept, from } => format!("-s {} -d {} -j RETURN", from.trunc(), accept.trunc()),
        TableEntry::Reject { reject, except } => {
            let subnet = reject.trunc();
            let except = except.as_ref().map(|link| format!("! -o {link} ")).unwrap_or_default();
            format!("{except}-s {subnet} ! -d {subnet} -j REJECT --reject-with icmp-admin-prohibited")
        }
    }
}

/// What makes our chains in iptables hold exactly these entries: argument lists of `iptables`, in order, each with whether
/// its failure counts. An empty list removes our chains.
pub fn iptables(entries: &[TableEntry]) -> Vec<(Vec<String>, bool)> {
    let words = |line: String| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut commands = Vec::new();
    for (table, from, own) in IPTABLES_CHAINS {
        commands.push((words(format!("-w -t {table} -D {from} -j {own}")), false));
        commands.push((words(format!("-w -t {table} -F {own}")), false));
        commands.push((words(format!("-w -t {table} -X {own}")), false));
    }
    for ((table, from, own), rules) in IPTABLES_CHAINS.into_iter().zip(iptables_rules(entries)) {
        if rules.is_empty() {
            continue;
        }
        commands.push((words(format!("-w -t {table} -N {own}")), true));
        commands.extend(rules.into_iter().map(|rule| (words(format!("-w -t {table} -A {own} {rule}")), true)));
        commands.push((words(format!("-w -t {table} -I {from} 1 -j {own}")), true));
    }
    commands
}

/// The same as lines of a shell that stops at the first failure.
pub fn iptables_lines(entries: &[TableEntry]) -> String {
    let lines = iptables(entries).into_iter().map(|(words, counts)| {
        let or = if counts { "" } else { " 2>/dev/null || true" };
        format!("iptables {}{or}", words.join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Our entries in what `iptables -S` printed of both tables; `None` if our chain is not there.
pub fn read_iptables(text: &str) -> Option<Vec<TableEntry>> {
    let [sources, forwards, limits] = IPTABLES_CHAINS.map(|(_, _, own)| format!("-A {own} "));
    let [(_, _, own), ..] = IPTABLES_CHAINS;
    text.lines().find(|line| line.trim() == format!("-N {own}"))?;
    let rule = |line: &str| {
        let of = |chain: &String| line.strip_prefix(chain.as_str());
        let translated = of(&sources).and_then(source).or_else(|| of(&forwards).and_then(destination));
        translated.or_else(|| of(&limits).and_then(limit))
    };
    Some(text.lines().filter_map(|line| rule(line.trim())).collect())
}

fn limit(rule: &str) -> Option<TableEntry> {
    let (mut subnet, mut accept, mut except) = (None, None, None);
    let mut words = rule.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "!" if words.next()? == "-o" => except = Some(words.next()?.to_owned()),
            "-s" => subnet = words.next()?.parse().ok(),
            "-d" => accept = words.next()?.parse().ok(),
            "-j" if words.next()? == "RETURN" => return Some(TableEntry::Accept { accept: accept?, from: subnet? }),
            "-j" => return Some(TableEntry::Reject { reject: subnet?, except }),
            _ => {}
        }
    }
    None
}

fn source(rule: &str) -> Option<TableEntry> {
    let (mut subnet, mut out_link, mut to, mut target, mut forwarded) = (None, None, None, None, false);
    let mut words = rule.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "!" => {
                words.next();
                words.next();
            }
            "-s" => subnet = words.next()?.parse().ok(),
            "-o" => out_link = Some(words.next()?.to_owned()),
            "-j" => target = words.next(),
            "--ctstate" => forwarded = words.next() == Some("DNAT"),
            "--to-source" => to = words.next()?.parse().ok(),
            _ => {}
        }
    }
    match (target?, forwarded) {
        ("MASQUERADE", true) => Some(TableEntry::Hairpin { hairpin: subnet? }),
        ("SNAT" | "MASQUERADE", false) => Some(TableEntry::Source(SourceTranslation { subnet: subnet?, to, out_link })),
        _ => None,
    }
}

fn destination(rule: &str) -> Option<TableEntry> {
    let (mut address, mut local, mut except, mut protocol, mut port, mut to) = (None, false, None, None, None, None);
    let mut words = rule.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "!" if words.next()? == "-i" => except = Some(words.next()?.to_owned()),
            "-d" => address = words.next()?.trim_end_matches("/32").parse().ok(),
            "--dst-type" => local = words.next() == Some("LOCAL"),
            "-p" => {
                let said = words.next()?;
                protocol = Protocol::ALL.into_iter().find(|protocol| protocol.to_string() == said);
            }
            "--dport" => port = words.next()?.parse().ok(),
            "--to-destination" => to = words.next()?.parse().ok(),
            _ => {}
        }
    }
    let (protocol, port, to) = (protocol?, port?, to?);
    (local != address.is_some()).then_some(TableEntry::Destination(DestinationTranslation {
        protocol,
        port,
        address,
        except,
        to,
    }))
}
