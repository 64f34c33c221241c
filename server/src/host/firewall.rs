//! The firewall, by `nft -j`: the whole ruleset, our own table, and narrow rules of ours in chains of others.
//!
//! Chains of iptables-nft are nft chains, but what it put there as `xt` extensions nft cannot say in JSON. Where such
//! rules are, `iptables-nft-save` is read beside nft ([`iptables`]).

mod batch;
mod iptables;
mod monitor;
mod ruleset;
mod run;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, io};

use model::{
    observed::{Hits, Rule, Table},
    step::{NarrowRule, TableEntry},
};
use serde_json::Value;

pub use monitor::Monitor;
pub use ruleset::parse_ruleset;
use run::run;

/// What could not be done; where nft refused, with what it said.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {doing}: {program} does not run")]
    Start { doing: String, program: &'static str, source: io::Error },
    #[error("cannot {doing}: {program} refuses: {said}")]
    Refused { doing: String, program: &'static str, said: String },
    #[error("cannot {doing}: {program} did not finish within {seconds} s")]
    Slow { doing: String, program: &'static str, seconds: u64 },
    #[error("cannot {doing}: {program} printed what cannot be read")]
    Output { doing: String, program: &'static str, source: serde_json::Error },
    #[error("cannot {doing}: there is no such rule")]
    NoRule { doing: String },
    #[error("cannot listen to the firewall")]
    Listen(#[source] io::Error),
}

/// nftables of this network namespace.
#[derive(Debug, Clone, Default)]
pub struct Firewall;

impl Firewall {
    /// Every table by `family name`, and what the counters of rules have seen by `family table handle`.
    pub async fn read(&self) -> Result<(BTreeMap<String, Table>, BTreeMap<String, Hits>), Error> {
        let (mut tables, hits) = self.list().await?;
        iptables::enrich(&mut tables).await;
        Ok((tables, hits))
    }

    /// Only what the counters of rules have seen.
    pub async fn hits(&self) -> Result<BTreeMap<String, Hits>, Error> {
        self.list().await.map(|(_, hits)| hits)
    }

    async fn list(&self) -> Result<(BTreeMap<String, Table>, BTreeMap<String, Hits>), Error> {
        let doing = "list the firewall";
        let printed = run("nft", &["-j", "list", "ruleset"], None, doing).await?;
        let printed: Value = serde_json::from_slice(&printed).map_err(|source| Error::Output {
            doing: doing.to_owned(),
            program: "nft",
            source,
        })?;
        Ok(parse_ruleset(&printed))
    }

    /// Hears of every change from now on.
    pub fn monitor(&self) -> Result<Monitor, Error> {
        Monitor::open().map_err(Error::Listen)
    }

    /// Makes our table hold exactly these translations, in one transaction; none at all removes it.
    pub async fn replace_table(&self, entries: &[TableEntry]) -> Result<(), Error> {
        let doing = "replace the table inet bridgehead";
        self.apply(&batch::replace_table(entries), doing).await
    }

    /// Puts the rule at the head of its chain.
    pub async fn insert_rule(&self, rule: &NarrowRule) -> Result<(), Error> {
        let doing = format!("insert a rule into {} {} {}", rule.family, rule.table, rule.chain);
        // nft's own `ct state` in a table of iptables-nft would make iptables refuse the whole table, and so would ports to
        // an iptables before 1.8.8.
        if (rule.established || rule.to.is_some())
            && iptables::manages(rule)
            && iptables::insert(rule, &doing).await.is_ok()
        {
            return Ok(());
        }
        self.apply(&batch::insert_rule(rule), &doing).await
    }

    /// Deletes a rule that [`insert_rule`](Self::insert_rule) made, known by its comment and what it matches.
    pub async fn delete_rule(&self, rule: &NarrowRule) -> Result<(), Error> {
        let doing = format!("delete our rule from {} {} {}", rule.family, rule.table, rule.chain);
        let (tables, _) = self.read().await?;
        let found = tables
            .get(&format!("{} {}", rule.family, rule.table))
            .and_then(|table| table.chain(&rule.chain))
            .and_then(|chain| chain.rules.iter().find(|found| is_same(found, rule)));
        let Some(found) = found else { return Err(Error::NoRule { doing }) };
        self.apply(&batch::delete_rule(rule, found.handle), &doing).await
    }

    async fn apply(&self, batch: &Value, doing: &str) -> Result<(), Error> {
        run("nft", &["-j", "-f", "-"], Some(batch.to_string().into_bytes()), doing).await.map(drop)
    }
}

/// Whether a rule that was read is this one of ours.
fn is_same(found: &Rule, rule: &NarrowRule) -> bool {
    let wanted = batch::matches(rule);
    // iptables says the protocol once more before its port.
    let protocol = |comparison: &&Value| comparison["left"]["meta"]["key"] == "l4proto";
    let comparisons = found.statements.iter().filter_map(|statement| statement.get("match"));
    let comparisons = comparisons.filter(|comparison| rule.to.is_none() || !protocol(comparison));
    found.serves() == Some(&rule.serves)
        && comparisons.clone().count() == wanted.len()
        && wanted.iter().all(|wanted| comparisons.clone().any(|found| same_match(found, &wanted["match"])))
}

/// nft keeps no order among flags such as `established,related`.
fn same_match(found: &Value, wanted: &Value) -> bool {
    let sorted = |value: &Value| {
        let mut flags = value.as_array().cloned().unwrap_or_default();
        flags.sort_by_key(Value::to_string);
        flags
    };
    found["left"] == wanted["left"]
        && found["op"] == wanted["op"]
        && if wanted["right"].is_array() {
            sorted(&found["right"]) == sorted(&wanted["right"])
        } else {
            found["right"] == wanted["right"]
        }
}
