//! What statements compare, set and look up.

use serde_json::Value;

use super::{quoted, statement};

/// How nft writes the values of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    Plain,
    /// Interface names and other free words.
    Quoted,
    /// Eight hexadecimal digits.
    Mark,
}

/// How the values that are compared with `key` are written.
pub fn values_of(key: &Value) -> Values {
    let operand = ["&", "|", "^", "<<", ">>"].iter().find_map(|operator| key.get(*operator)?.get(0)).unwrap_or(key);
    let meta =
        operand.get("meta").or_else(|| operand.get("ct")).and_then(|meta| meta.get("key")).and_then(Value::as_str);
    match meta {
        Some(
            "iif" | "oif" | "iifname" | "oifname" | "iifkind" | "oifkind" | "ibrname" | "obrname" | "sdifname" | "day"
            | "hour" | "time" | "helper",
        ) => Values::Quoted,
        Some("mark") => Values::Mark,
        _ => Values::Plain,
    }
}

/// `None` if any part of it is not known.
pub fn text(value: &Value, values: Values) -> Option<String> {
    match value {
        Value::String(word) if values == Values::Quoted && !word.starts_with('@') => Some(quoted(word)),
        Value::String(word) => Some(word.clone()),
        Value::Number(number) => Some(match (values, number.as_u64()) {
            (Values::Mark, Some(number)) => format!("{number:#010x}"),
            _ => number.to_string(),
        }),
        Value::Bool(exists) => Some(if *exists { "exists" } else { "missing" }.to_owned()),
        Value::Array(flags) => join(flags, ",", values),
        Value::Object(body) if body.len() == 1 => {
            let (kind, body) = body.iter().next()?;
            object(kind, body, values)
        }
        _ => None,
    }
}

fn object(kind: &str, body: &Value, values: Values) -> Option<String> {
    let word = |key: &str| body.get(key).and_then(Value::as_str);
    let part = |index: usize| text(body.get(index)?, values);
    Some(match kind {
        "payload" => match word("protocol") {
            Some(protocol) => format!("{protocol} {}", word("field")?),
            None => format!("@{},{},{}", word("base")?, body.get("offset")?, body.get("len")?),
        },
        "meta" => match word("key")? {
            key @ ("iif" | "oif" | "iifname" | "oifname" | "iifgroup" | "oifgroup" | "iiftype" | "oiftype") => {
                key.to_owned()
            }
            key => format!("meta {key}"),
        },
        "ct" => ["dir", "family", "key"]
            .iter()
            .filter_map(|key| word(key))
            .fold("ct".to_owned(), |all, word| all + " " + word),
        "rt" => {
            ["family", "key"].iter().filter_map(|key| word(key)).fold("rt".to_owned(), |all, word| all + " " + word)
        }
        "socket" => format!("socket {}", word("key")?),
        "fib" => {
            let flags = match body.get("flags")? {
                Value::Array(flags) => join(flags, " . ", Values::Plain)?,
                flag => flag.as_str()?.to_owned(),
            };
            format!("fib {flags} {}", word("result")?)
        }
        "tcp option" | "ip option" | "sctp chunk" => with_field(&format!("{kind} {}", word("name")?), word("field")),
        "exthdr" => with_field(word("name")?, word("field")),
        "prefix" => format!("{}/{}", text(body.get("addr")?, Values::Plain)?, body.get("len")?),
        "range" => format!("{}-{}", part(0)?, part(1)?),
        "concat" => join(body.as_array()?, " . ", values)?,
        "set" => {
            let elements: Option<Vec<_>> = match body {
                Value::Array(elements) => elements.iter().map(|element| pair(element, values)).collect(),
                one => Some(vec![text(one, values)?]),
            };
            format!("{{ {} }}", elements?.join(", "))
        }
        "map" => {
            let key = body.get("key")?;
            format!("{} map {}", text(key, Values::Plain)?, text(body.get("data")?, values_of(key))?)
        }
        "elem" => {
            let value = text(body.get("val")?, values)?;
            match body.get("timeout").and_then(Value::as_u64) {
                Some(timeout) => format!("{value} timeout {}", duration(timeout)),
                None => value,
            }
        }
        "&" | "|" | "^" | "<<" | ">>" => {
            let mask = values_of(body.get(0)?);
            let mask = if values == Values::Mark { values } else { mask };
            format!("{} {kind} {}", part(0)?, text(body.get(1)?, mask)?)
        }
        "numgen" => format!("numgen {} mod {}", word("mode")?, body.get("mod")?),
        _ => return statement::verdict(kind, body),
    })
}

/// One element of a set, or key and value of a map.
fn pair(element: &Value, values: Values) -> Option<String> {
    match element.as_array().map(Vec::as_slice) {
        Some([key, value]) => Some(format!("{} : {}", text(key, values)?, text(value, Values::Plain)?)),
        _ => text(element, values),
    }
}

fn join(parts: &[Value], between: &str, values: Values) -> Option<String> {
    let parts: Option<Vec<_>> = parts.iter().map(|part| text(part, values)).collect();
    Some(parts?.join(between))
}

fn with_field(name: &str, field: Option<&str>) -> String {
    field.map_or_else(|| name.to_owned(), |field| format!("{name} {field}"))
}

/// Seconds as nft writes them: `1d2h3m4s`.
fn duration(seconds: u64) -> String {
    let parts = [(seconds / 86400, 'd'), (seconds / 3600 % 24, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    parts.iter().filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number}{unit}")).collect()
}
