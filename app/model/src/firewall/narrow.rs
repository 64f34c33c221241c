//! Narrow rules of ours in somebody else's chains.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{
    observed::{Chain, Observed, Rule, Table},
    step::{Forwarded, NarrowRule},
};

use super::{
    quoted,
    statement::{Field, Statement, Text},
    translation,
};

impl NarrowRule {
    /// Whether it is for all that goes between ports of one bridge.
    pub fn lets_ports_talk(&self) -> bool {
        self.in_link == self.out_link && !self.established
    }

    /// The rule as nft lists it.
    pub fn statements(&self) -> Vec<Value> {
        let (input, output) = if self.family == "bridge" { ("ibrname", "obrname") } else { ("iifname", "oifname") };
        let name = |key: &str, link: &str| translation::equal(json!({"meta": {"key": key}}), json!(link));
        let mut statements = Vec::new();
        if !self.in_link.is_empty() {
            statements.push(name(input, &self.in_link));
        }
        statements.push(name(output, &self.out_link));
        if let Some(Forwarded { protocol, to }) = self.to {
            statements.push(translation::equal(translation::field("ip", "daddr"), json!(to.ip())));
            statements.push(translation::equal(translation::field(&protocol.to_string(), "dport"), json!(to.port())));
        }
        if self.established {
            statements.push(json!({"match": {
                "op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]
            }}));
        }
        statements.push(json!({"counter": {"packets": 0, "bytes": 0}}));
        statements.push(json!({"accept": null}));
        statements
    }

    /// What its comment says.
    pub fn comment(&self) -> String {
        Rule::mark(&self.serves)
    }

    /// The expression in nft's own language, comment included.
    pub fn expression(&self) -> String {
        format!("{} counter accept comment {}", self.matches().join(" "), quoted(&self.comment()))
    }

    /// What it matches, in nft's own language.
    fn matches(&self) -> Vec<String> {
        let (input, output) =
            if self.family == "bridge" { ("meta ibrname", "meta obrname") } else { ("iifname", "oifname") };
        let mut words = Vec::new();
        if !self.in_link.is_empty() {
            words.push(format!("{input} {}", quoted(&self.in_link)));
        }
        words.push(format!("{output} {}", quoted(&self.out_link)));
        words.extend(
            self.to.map(|Forwarded { protocol, to }| format!("ip daddr {} {protocol} dport {}", to.ip(), to.port())),
        );
        words.extend(self.established.then(|| "ct state established,related".to_owned()));
        words
    }

    /// What makes it, in nft's own language.
    pub fn insertion(&self) -> String {
        format!("insert rule {} {} {} {}", self.family, self.table, self.chain, self.expression())
    }

    /// The awk program that prints this rule's handle from `nft -a list chain`.
    pub fn awk(&self) -> String {
        let name = |text: &str| quoted(text).replace('.', "\\.");
        let mut parts = Vec::new();
        if !self.in_link.is_empty() {
            parts.push(name(&self.in_link));
        }
        parts.push(name(&self.out_link));
        if let Some(Forwarded { protocol, to }) = self.to {
            parts.push(format!("{} {protocol} dport {}", to.ip().to_string().replace('.', "\\."), to.port()));
        } else if self.in_link == self.out_link {
            parts.push(if self.established { "ct state" } else { "counter" }.to_owned());
        }
        parts.push(name(&self.comment()));
        format!("/{}/{{print $NF; exit}}", parts.join(" .*"))
    }

    /// Reads a rule of ours back; `None` if it is not one.
    pub fn read(table: &Table, chain: &Chain, rule: &Rule) -> Option<Self> {
        let serves = rule.serves()?;
        let mut narrow = Self {
            family: table.family.clone(),
            table: table.name.clone(),
            chain: chain.name.clone(),
            in_link: String::new(),
            out_link: String::new(),
            established: false,
            to: None,
            serves: serves.to_owned(),
        };
        let (mut address, mut port) = (None, None);
        for value in &rule.statements {
            if let Statement::Match { field, equal: true, values: Some(values) } = Statement::read(value) {
                match (field, values.first()) {
                    (Field::InLink | Field::InBridge, Some(Text::Word(word))) => narrow.in_link = (*word).to_owned(),
                    (Field::OutLink | Field::OutBridge, Some(Text::Word(word))) => narrow.out_link = (*word).to_owned(),
                    (Field::ConnectionState, _) => narrow.established = true,
                    (Field::Destination, Some(Text::Net(net))) => address = Some(net.addr()),
                    (Field::DestinationPort(protocol), Some(Text::Number(number))) => {
                        port = u16::try_from(*number).ok().map(|port| (protocol, port));
                    }
                    _ => {}
                }
            }
        }
        narrow.to = address
            .zip(port)
            .map(|(address, (protocol, port))| Forwarded { protocol, to: SocketAddr::new(address, port) });
        Some(narrow)
    }

    /// Whether this rule stands on the host.
    pub fn stands(&self, observed: &Observed) -> bool {
        self.handle(observed).is_some()
    }

    /// The handle of this rule on the host.
    pub fn handle(&self, observed: &Observed) -> Option<u64> {
        let table = observed.tables.get(&format!("{} {}", self.family, self.table))?;
        let chain = table.chain(&self.chain)?;
        chain
            .rules
            .iter()
            .find(|rule| Self::read(table, chain, rule).is_some_and(|own| own == *self))
            .map(|rule| rule.handle)
    }
}

/// Every narrow rule of ours, in the order of tables, chains and rules.
pub fn all(observed: &Observed) -> Vec<NarrowRule> {
    let mut found = Vec::new();
    for table in observed.tables.values() {
        for chain in &table.chains {
            found.extend(chain.rules.iter().filter_map(|rule| NarrowRule::read(table, chain, rule)));
        }
    }
    found
}

/// The base chains of others through which forwarded traffic passes: what goes between ports of `bridge`, or what is
/// routed. What a chain of ours rejects is wanted.
pub fn forward_chains<'a>(observed: &'a Observed, bridged: Option<&str>) -> Vec<(&'a Table, &'a Chain)> {
    let own = bridged.and_then(|name| observed.link(name)).and_then(|link| link.bridge.as_ref());
    let on = |name: &str| observed.sysctls.get(name).is_some_and(|value| value == "1");
    let loaded = observed.sysctls.contains_key("net.bridge.bridge-nf-call-iptables");
    let four = bridged.is_none()
        || on("net.bridge.bridge-nf-call-iptables")
        || loaded && own.is_some_and(|bridge| bridge.nf_call_iptables);
    let six = bridged.is_none() || on("net.bridge.bridge-nf-call-ip6tables");
    let mut chains = Vec::new();
    for table in observed.tables.values().filter(|table| table.name != translation::TABLE) {
        let seen = match table.family.as_str() {
            "ip" => four,
            "ip6" => six,
            "inet" => four || six,
            "bridge" => bridged.is_some(),
            _ => false,
        };
        if seen {
            let forward =
                |chain: &&Chain| chain.hook.as_deref() == Some("forward") && chain.kind.as_deref() == Some("filter");
            chains.extend(table.chains.iter().filter(forward).map(|chain| (table, chain)));
        }
    }
    chains
}
