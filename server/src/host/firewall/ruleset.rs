//! What `nft -j list ruleset` printed (libnftables-json(5)), object by object.
//!
//! An object that is not understood stays in its table as nft printed it. Numbers that move by themselves (counters,
//! quotas, remaining times) are zeroed, so that two readings of an unchanged firewall are equal; those of rules come back
//! as [`Hits`].

use std::collections::BTreeMap;

use model::observed::{Chain, Hits, Rule, Table};
use serde_json::{Map, Value};

/// Tables by `family name`, and what the counters of their rules have seen by `family table handle`.
///
/// Any JSON is taken: what makes no sense is left out or kept raw, never a panic.
pub fn parse_ruleset(printed: &Value) -> (BTreeMap<String, Table>, BTreeMap<String, Hits>) {
    let mut tables = BTreeMap::new();
    let mut hits = BTreeMap::new();
    for object in printed.get("nftables").and_then(Value::as_array).into_iter().flatten() {
        let Some((kind, body)) = object.as_object().and_then(|object| object.iter().next()) else { continue };
        let Some(body) = body.as_object() else { continue };
        match kind.as_str() {
            "table" => {
                let table = table(&mut tables, body, "name");
                table.handle = number(body, "handle");
            }
            "chain" if body.contains_key("table") => table(&mut tables, body, "table").chains.push(chain(body)),
            "rule" if body.contains_key("table") => {
                let table = table(&mut tables, body, "table");
                let name = text(body, "chain");
                let Some(chain) = table.chains.iter_mut().find(|chain| chain.name == name) else {
                    table.raw.push(settled(object));
                    continue;
                };
                let (rule, seen) = rule(body);
                if let Some(seen) = seen {
                    hits.insert(format!("{} {} {}", table.family, table.name, rule.handle), seen);
                }
                chain.rules.push(rule);
            }
            _ if body.contains_key("table") => table(&mut tables, body, "table").raw.push(settled(object)),
            _ => {}
        }
    }
    (tables, hits)
}

/// The table that an object belongs to, made if nft did not announce it.
fn table<'a>(tables: &'a mut BTreeMap<String, Table>, body: &Map<String, Value>, name: &str) -> &'a mut Table {
    let table = Table { family: text(body, "family"), name: text(body, name), ..Table::default() };
    tables.entry(table.key()).or_insert(table)
}

fn chain(body: &Map<String, Value>) -> Chain {
    let word = |key| body.get(key).and_then(Value::as_str).map(str::to_owned);
    Chain {
        name: text(body, "name"),
        handle: number(body, "handle"),
        kind: word("type"),
        hook: word("hook"),
        priority: body.get("prio").and_then(Value::as_i64).and_then(|priority| i32::try_from(priority).ok()),
        policy: word("policy"),
        device: match body.get("dev") {
            Some(Value::Array(devices)) => {
                Some(devices.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
            }
            _ => word("dev"),
        },
        rules: Vec::new(),
    }
}

fn rule(body: &Map<String, Value>) -> (Rule, Option<Hits>) {
    let statements = body.get("expr").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let seen = statements.iter().find_map(|statement| {
        let counter = statement.get("counter")?.as_object()?;
        Some(Hits { packets: number(counter, "packets"), bytes: number(counter, "bytes") })
    });
    let rule = Rule {
        handle: number(body, "handle"),
        comment: body.get("comment").and_then(Value::as_str).map(str::to_owned),
        statements: statements.iter().map(settled).collect(),
    };
    (rule, seen)
}

/// A copy with the numbers that move by themselves set to 0.
fn settled(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(settled).collect(),
        Value::Object(body) => {
            Value::Object(body.iter().map(|(key, value)| (key.clone(), settled_field(key, value))).collect())
        }
        other => other.clone(),
    }
}

fn settled_field(key: &str, value: &Value) -> Value {
    let moving: &[&str] = match key {
        "counter" => &["packets", "bytes"],
        "quota" => &["used"],
        "last" => &["used"],
        "elem" => &["expires"],
        _ => &[],
    };
    let mut value = settled(value);
    if let Value::Object(body) = &mut value {
        for number in moving {
            if let Some(number) = body.get_mut(*number) {
                *number = 0.into();
            }
        }
    }
    value
}

fn text(body: &Map<String, Value>, key: &str) -> String {
    body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(body: &Map<String, Value>, key: &str) -> u64 {
    body.get(key).and_then(Value::as_u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn separates_rules_from_what_their_counters_saw() {
        let printed = |packets| {
            json!({"nftables": [
                {"metainfo": {"version": "1.0.6"}},
                {"table": {"family": "ip", "name": "filter", "handle": 1}},
                {"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 2, "type": "filter",
                    "hook": "forward", "prio": 0, "policy": "drop"}},
                {"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 8, "comment": "bridgehead:mybr0",
                    "expr": [{"counter": {"packets": packets, "bytes": 84}}, {"accept": null}]}},
                {"map": {"family": "ip", "table": "filter", "name": "m", "handle": 9,
                    "elem": [{"elem": {"val": "10.0.0.1", "counter": {"packets": packets, "bytes": 7}, "expires": packets}}]}},
            ]})
        };
        let (tables, hits) = parse_ruleset(&printed(3));
        let table = &tables["ip filter"];
        let chain = table.chain("FORWARD").expect("the chain");
        assert_eq!(
            (chain.hook.as_deref(), chain.policy.as_deref(), chain.priority),
            (Some("forward"), Some("drop"), Some(0))
        );
        assert_eq!(chain.rules[0].serves(), Some("mybr0"));
        assert_eq!(hits["ip filter 8"], Hits { packets: 3, bytes: 84 });
        assert_eq!(table.raw.len(), 1);
        let (later, hits) = parse_ruleset(&printed(5));
        assert_eq!(tables, later);
        assert_eq!(hits["ip filter 8"].packets, 5);
    }

    #[test]
    fn keeps_what_it_does_not_know() {
        let (tables, _) = parse_ruleset(&json!({"nftables": [
            {"synproxy": {"family": "inet", "table": "t", "name": "s", "mss": 1460}},
            {"rule": {"family": "inet", "table": "t", "chain": "nowhere", "handle": 1, "expr": []}},
        ]}));
        assert_eq!(tables["inet t"].raw.len(), 2);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let key = prop_oneof![
            Just("nftables"),
            Just("table"),
            Just("chain"),
            Just("rule"),
            Just("expr"),
            Just("family"),
            Just("name"),
            Just("handle"),
            Just("counter"),
            Just("packets"),
            Just("elem"),
            Just("prio"),
            Just("dev"),
            Just("match"),
            Just("left"),
            Just("right"),
            Just("op"),
            Just("set"),
            Just("comment"),
            Just("x"),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn takes_any_json(objects in prop::collection::vec(any_json(), 0..8), whole in any_json()) {
            let (tables, _) = parse_ruleset(&json!({"nftables": objects}));
            for rule in tables.values().flat_map(|table| &table.chains).flat_map(|chain| &chain.rules) {
                rule.text();
            }
            parse_ruleset(&whole);
        }

        #[test]
        fn takes_any_statement(statements in prop::collection::vec(any_json(), 0..4)) {
            let (tables, _) = parse_ruleset(&json!({"nftables": [
                {"chain": {"family": "ip", "table": "t", "name": "c"}},
                {"rule": {"family": "ip", "table": "t", "chain": "c", "expr": statements}},
            ]}));
            for rule in &tables["ip t"].chains[0].rules {
                rule.text();
            }
        }
    }
}
