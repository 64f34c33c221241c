//! What iptables-nft wrote as `xt` extensions, which nft cannot say in JSON.
//!
//! `iptables-nft-save` prints the same rules in the same order. Where both lists of a chain are equally long, comment,
//! connection state, port, reject and masquerade are filled in as nft itself would have printed them.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    observed::{Chain, Rule, Table},
    step::NarrowRule,
};
use serde_json::{Value, json};

use super::{Error, run::run};

/// Whether this is a chain that iptables-nft takes for its own: an IP table and a chain of its names.
pub fn manages(rule: &NarrowRule) -> bool {
    save_program(&rule.family).is_some()
        && matches!(rule.table.as_str(), "filter" | "mangle" | "nat" | "raw" | "security")
        && rule.chain.chars().all(|c| c.is_ascii_uppercase() || matches!(c, '_' | '-') || c.is_ascii_digit())
}

/// Puts a rule for known connections, or for one port, at the head of its chain, in words that iptables can read back.
pub async fn insert(rule: &NarrowRule, doing: &str) -> Result<(), Error> {
    let program = if rule.family == "ip6" { "ip6tables-nft" } else { "iptables-nft" };
    let comment = Rule::mark(&rule.serves);
    let asked = rule.to.map(|asked| {
        let (address, port) = (asked.to.ip().to_string(), asked.to.port().to_string());
        (address, asked.protocol.to_string(), port)
    });
    let mut arguments = vec!["-w", "5", "-t", &rule.table, "-I", &rule.chain, "1"];
    if !rule.in_link.is_empty() {
        arguments.extend(["-i", &rule.in_link]);
    }
    arguments.extend(["-o", &rule.out_link]);
    if let Some((address, protocol, port)) = &asked {
        arguments.extend(["-d", address, "-p", protocol, "-m", protocol, "--dport", port]);
    }
    if rule.established {
        arguments.extend(["-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"]);
    }
    arguments.extend(["-m", "comment", "--comment", &comment, "-j", "ACCEPT"]);
    run(program, &arguments, None, doing).await.map(drop)
}

/// Fills in what `xt` hides. Where iptables is not installed, or does not understand the table, all stays as it is.
pub async fn enrich(tables: &mut BTreeMap<String, Table>) {
    for table in tables.values_mut() {
        let Some(program) = save_program(&table.family) else { continue };
        if !table.chains.iter().flat_map(|chain| &chain.rules).any(hides_something) {
            continue;
        }
        let doing = format!("read {} as iptables does", table.key());
        let Ok(saved) = run(program, &["-t", &table.name], None, &doing).await else { continue };
        fill_in(table, &String::from_utf8_lossy(&saved));
    }
}

fn save_program(family: &str) -> Option<&'static str> {
    match family {
        "ip" => Some("iptables-nft-save"),
        "ip6" => Some("ip6tables-nft-save"),
        _ => None,
    }
}

fn hides_something(rule: &Rule) -> bool {
    rule.statements.iter().any(|statement| statement.get("xt").is_some())
}

fn fill_in(table: &mut Table, saved: &str) {
    let mut lines: BTreeMap<&str, Vec<Vec<String>>> = BTreeMap::new();
    for line in saved.lines() {
        if let Some((chain, rest)) = line.strip_prefix("-A ").and_then(|line| line.split_once(' ')) {
            lines.entry(chain).or_default().push(words(rest));
        }
    }
    for Chain { name, rules, .. } in &mut table.chains {
        let Some(lines) = lines.get(name.as_str()).filter(|lines| lines.len() == rules.len()) else { continue };
        for (rule, words) in rules.iter_mut().zip(lines) {
            if hides_something(rule) {
                fill_in_rule(rule, words);
            }
        }
    }
}

fn fill_in_rule(rule: &mut Rule, words: &[String]) {
    let options = Options(words);
    let mut statements = Vec::with_capacity(rule.statements.len());
    for statement in rule.statements.drain(..) {
        let hidden = statement.get("xt").and_then(|xt| xt.get("name")).and_then(Value::as_str);
        let said = match hidden {
            Some("comment") if rule.comment.is_none() => {
                rule.comment = options.value("--comment").map(str::to_owned);
                if rule.comment.is_some() {
                    continue;
                }
                None
            }
            Some("conntrack") => options.connection_state(),
            Some(protocol @ ("tcp" | "udp")) => options.destination_port(protocol),
            Some("REJECT") => options.reject(),
            Some("MASQUERADE") => options.masquerade(),
            _ => None,
        };
        statements.push(said.unwrap_or(statement));
    }
    rule.statements = statements;
}

/// The words of one line of iptables-save.
struct Options<'a>(&'a [String]);

impl Options<'_> {
    fn value(&self, option: &str) -> Option<&str> {
        let at = self.0.iter().position(|word| word == option)?;
        self.0.get(at + 1).map(String::as_str)
    }

    /// Only the plain case: states, nothing negated, nothing else asked of conntrack.
    fn connection_state(&self) -> Option<Value> {
        let asked = self.0.iter().filter(|word| word.starts_with("--ct")).count();
        let at = self.0.iter().position(|word| word == "--ctstate")?;
        if asked != 1 || (at > 0 && self.0[at - 1] == "!") {
            return None;
        }
        let states: BTreeSet<_> = self.value("--ctstate")?.split(',').map(str::to_lowercase).collect();
        if states
            .iter()
            .any(|state| !matches!(state.as_str(), "new" | "established" | "related" | "invalid" | "untracked"))
        {
            return None;
        }
        Some(json!({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": states}}))
    }

    /// Only the plain case: one port, and nothing else asked of the protocol.
    fn destination_port(&self, protocol: &str) -> Option<Value> {
        let at = self.0.windows(2).position(|pair| pair[0] == "-m" && pair[1] == protocol)?;
        let [option, port, rest @ ..] = self.0.get(at + 2..)? else { return None };
        let alone = rest.first().is_none_or(|next| matches!(next.as_str(), "-m" | "-j" | "-g"));
        let port = port.parse::<u16>().ok().filter(|_| alone && option == "--dport")?;
        let left = json!({"payload": {"protocol": protocol, "field": "dport"}});
        Some(json!({"match": {"op": "==", "left": left, "right": port}}))
    }

    fn reject(&self) -> Option<Value> {
        let with = self.value("--reject-with")?;
        let reject = match with.split_once('-') {
            Some(("tcp", "reset")) => json!({"type": "tcp reset"}),
            Some(("icmp", code)) => json!({"type": "icmp", "expr": code}),
            Some(("icmp6", code)) => json!({"type": "icmpv6", "expr": code}),
            _ => return None,
        };
        Some(json!({"reject": reject}))
    }

    fn masquerade(&self) -> Option<Value> {
        let mut body = serde_json::Map::new();
        if let Some(ports) = self.value("--to-ports") {
            let port = |text: &str| text.parse::<u16>().ok();
            let ports = match ports.split_once('-') {
                Some((first, last)) => json!({"range": [port(first)?, port(last)?]}),
                None => json!(port(ports)?),
            };
            body.insert("port".to_owned(), ports);
        }
        if self.0.iter().any(|word| word == "--random") {
            body.insert("flags".to_owned(), json!("random"));
        }
        Some(json!({"masquerade": if body.is_empty() { Value::Null } else { Value::Object(body) }}))
    }
}

/// Words between blanks; double quotes hold blanks, a backslash holds the next character.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let (mut inside, mut characters) = (false, line.chars());
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                inside = !inside;
                word.get_or_insert_default();
            }
            '\\' => word.get_or_insert_default().extend(characters.next()),
            ' ' if !inside => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn splits_lines_of_iptables_save() {
        assert_eq!(
            words(r#"-i br0 -m comment --comment "say \"hi\" there" -j ACCEPT"#),
            ["-i", "br0", "-m", "comment", "--comment", "say \"hi\" there", "-j", "ACCEPT"]
        );
        assert_eq!(words(r#"--comment "" -j X"#), ["--comment", "", "-j", "X"]);
    }

    #[test]
    fn leaves_a_chain_alone_whose_lists_differ() {
        let hidden = json!({"xt": {"type": "target", "name": "REJECT"}});
        let rule = Rule { statements: vec![hidden.clone()], ..Rule::default() };
        let chain = Chain { name: "FORWARD".to_owned(), rules: vec![rule], ..Chain::default() };
        let mut table =
            Table { family: "ip".to_owned(), name: "filter".to_owned(), chains: vec![chain], ..Table::default() };
        fill_in(&mut table, "-A FORWARD -j ACCEPT\n-A FORWARD -j REJECT --reject-with icmp-port-unreachable\n");
        assert_eq!(table.chains[0].rules[0].statements, [hidden]);
        fill_in(&mut table, "-A FORWARD -j REJECT --reject-with icmp-port-unreachable\n");
        assert_eq!(table.chains[0].rules[0].text(), "reject with icmp port-unreachable");
    }
}
