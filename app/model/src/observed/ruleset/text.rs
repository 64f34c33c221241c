//! A rule as nft writes it, from nft's JSON (libnftables-json(5)). A statement that is not known is shown as its JSON.
//!
//! Counters are written without their numbers: those travel as [`Hits`](super::Hits).

mod expression;
mod statement;

use super::Rule;

impl Rule {
    /// The rule in nft's own words, e.g. `ip saddr 192.168.48.0/24 masquerade`.
    pub fn text(&self) -> String {
        let mut words: Vec<_> =
            self.statements.iter().map(|value| statement::text(value).unwrap_or_else(|| value.to_string())).collect();
        if let Some(comment) = &self.comment {
            words.push(format!("comment {}", quoted(comment)));
        }
        words.join(" ")
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_rules_as_nft_does() {
        // Left as `nft -j` of 1.0.6 prints it, right as `nft` does.
        for (statements, text) in [
            (
                json!([{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}},
                    "right": {"prefix": {"addr": "192.168.48.0", "len": 24}}}},
                    {"match": {"op": "!=", "left": {"meta": {"key": "oifname"}}, "right": "virbr0"}},
                    {"snat": {"family": "ip", "addr": "192.168.122.202"}}]),
                "ip saddr 192.168.48.0/24 oifname != \"virbr0\" snat ip to 192.168.122.202",
            ),
            (
                json!([{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}},
                    {"counter": {"packets": 0, "bytes": 0}}, {"accept": null}]),
                "ct state established,related counter accept",
            ),
            (
                json!([{"match": {"op": "==", "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}},
                    ["syn", "ack"]]}, "right": "syn"}}, {"log": {"prefix": "hi "}}]),
                "tcp flags syn / syn,ack log prefix \"hi \"",
            ),
            (
                json!([{"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set":
                    [[22, {"accept": null}], [80, {"drop": null}], [99, {"goto": {"target": "other"}}]]}}}]),
                "tcp dport vmap { 22 : accept, 80 : drop, 99 : goto other }",
            ),
            (
                json!([{"match": {"op": "==", "left": {"fib": {"result": "type", "flags": ["saddr"]}}, "right": "local"}},
                    {"accept": null}]),
                "fib saddr type local accept",
            ),
            (json!([{"dnat": {"family": "ip", "addr": "10.0.0.1", "port": 80}}]), "dnat ip to 10.0.0.1:80"),
            (json!([{"masquerade": {"flags": ["random", "persistent"]}}]), "masquerade random,persistent"),
            (
                json!([{"xt": {"type": "match", "name": "comment"}}, {"jump": {"target": "A"}}]),
                "xt match comment jump A",
            ),
        ] {
            let rule = Rule { statements: statements.as_array().cloned().unwrap_or_default(), ..Rule::default() };
            assert_eq!(rule.text(), text);
        }
    }

    #[test]
    fn shows_what_it_does_not_know_as_json() {
        let rule = Rule {
            statements: vec![json!({"synproxy": {"mss": 1460}}), json!({"accept": null}), json!(7)],
            comment: Some("why".to_owned()),
            ..Rule::default()
        };
        assert_eq!(rule.text(), "{\"synproxy\":{\"mss\":1460}} accept 7 comment \"why\"");
    }
}
