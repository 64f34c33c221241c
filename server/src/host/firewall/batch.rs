//! What we ask of nft, as its JSON. The rules themselves are the model's: they are written as they will be read.

use model::{
    firewall::translation,
    observed::{Chain, Table},
    step::{NarrowRule, TableEntry},
};
use serde_json::{Value, json};

/// Adding before deleting makes the delete succeed whether or not the table is there; one batch is one transaction.
pub fn replace_table(entries: &[TableEntry]) -> Value {
    let Table { family, name, chains, .. } = translation::table("inet", entries);
    let table = json!({"table": {"family": family, "name": name}});
    let mut batch = vec![json!({"add": table}), json!({"delete": table})];
    if !entries.is_empty() {
        batch.push(json!({"add": table}));
        for Chain { name: chain, kind, hook, priority, policy, rules, .. } in chains {
            batch.push(json!({"add": {"chain": {
                "family": family, "table": name, "name": chain,
                "type": kind, "hook": hook, "prio": priority, "policy": policy,
            }}}));
            batch.extend(rules.into_iter().map(|rule| {
                json!({"add": {"rule": {
                    "family": family, "table": name, "chain": chain, "expr": rule.statements,
                }}})
            }));
        }
    }
    json!({"nftables": batch})
}

/// The rule at the head of its chain.
pub fn insert_rule(rule: &NarrowRule) -> Value {
    json!({"nftables": [{"insert": {"rule": {
        "family": rule.family, "table": rule.table, "chain": rule.chain,
        "comment": rule.comment(), "expr": rule.statements(),
    }}}]})
}

pub fn delete_rule(rule: &NarrowRule, handle: u64) -> Value {
    json!({"nftables": [{"delete": {"rule": {
        "family": rule.family, "table": rule.table, "chain": rule.chain, "handle": handle,
    }}}]})
}

/// What a narrow rule matches, as nft prints it back.
pub fn matches(rule: &NarrowRule) -> Vec<Value> {
    rule.statements().into_iter().filter(|statement| statement.get("match").is_some()).collect()
}
