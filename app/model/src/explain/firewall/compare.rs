//! Whether what a rule looks at is what it asks for.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::{
    Scene, Truth,
    expression::{Datum, Seen, flags, look},
};
use crate::observed::Table;

/// A `match` statement.
pub fn holds(scene: &Scene<'_>, table: &Table, body: &Value) -> Truth {
    let (Some(left), Some(right)) = (body.get("left"), body.get("right")) else { return Truth::Maybe };
    let bridged = table.family == "bridge";
    let op = body.get("op").and_then(Value::as_str).unwrap_or("==");
    if let Some(parts) = left.get("&").and_then(Value::as_array) {
        return masked(scene, bridged, parts, op, right);
    }
    let seen = look(scene, bridged, left);
    let Seen::Is(datum) = &seen else { return Truth::from(&seen) };
    let equal = || equals(table, datum, right);
    match op {
        "==" | "in" => equal(),
        "!=" => equal().not(),
        "<" | ">" | "<=" | ">=" => ordered(datum, op, right),
        _ => Truth::Maybe,
    }
}

/// `tcp flags & (syn | ack) == syn`, `meta mark & 0xff == 1`.
fn masked(scene: &Scene<'_>, bridged: bool, parts: &[Value], op: &str, right: &Value) -> Truth {
    let [left, mask] = parts else { return Truth::Maybe };
    let seen = look(scene, bridged, left);
    let Seen::Is(datum) = &seen else { return Truth::from(&seen) };
    let equal = match (datum, mask.as_u64(), right.as_u64()) {
        (Datum::Numbers(low, high), Some(mask), Some(right)) if low == high => Truth::from(low & mask == right),
        (Datum::Words(set), None, right_number) => {
            let (Some(mask), Some(wanted)) =
                (flags(mask), flags(right).or(right_number.filter(|it| *it == 0).map(|_| Vec::new())))
            else {
                return Truth::Maybe;
            };
            Truth::from(mask.iter().all(|word| set.contains(word) == wanted.contains(word)))
        }
        _ => return Truth::Maybe,
    };
    match op {
        "==" => equal,
        "!=" => equal.not(),
        _ => Truth::Maybe,
    }
}

/// Whether it is `right`, or in it.
pub fn equals(table: &Table, datum: &Datum, right: &Value) -> Truth {
    let any = |all: &[Value]| Truth::any(all.iter().map(|one| equals(table, datum, one)));
    match right {
        Value::Array(all) => any(all),
        Value::String(name) if name.starts_with('@') => match elements(table, &name[1..]) {
            Some(all) => Truth::any(all.iter().map(|one| equals(table, datum, key(one)))),
            None => Truth::Maybe,
        },
        Value::String(word) => is_word(datum, word),
        Value::Number(number) => number.as_u64().map_or(Truth::Maybe, |number| is_number(datum, number, number)),
        Value::Bool(exists) => match datum {
            Datum::Exists(there) => Truth::from(there == exists),
            _ => Truth::Maybe,
        },
        Value::Object(body) => match body.iter().next() {
            Some((kind, body)) => object(table, datum, kind, body),
            None => Truth::Maybe,
        },
        Value::Null => Truth::Maybe,
    }
}

fn object(table: &Table, datum: &Datum, kind: &str, body: &Value) -> Truth {
    match (kind, datum) {
        ("set" | "|", _) => match body {
            Value::Array(all) => Truth::any(all.iter().map(|one| equals(table, datum, one))),
            one => equals(table, datum, one),
        },
        ("elem", _) => body.get("val").map_or(Truth::Maybe, |value| equals(table, datum, value)),
        ("prefix", Datum::Address(address)) => {
            prefix(body).map_or(Truth::Maybe, |net| Truth::from(net.contains(address)))
        }
        ("range", Datum::Address(address)) => match (end::<IpAddr>(body, 0), end::<IpAddr>(body, 1)) {
            (Some(low), Some(high)) => Truth::from((low..=high).contains(address)),
            _ => Truth::Maybe,
        },
        ("range", _) => match (body.get(0).and_then(Value::as_u64), body.get(1).and_then(Value::as_u64)) {
            (Some(low), Some(high)) => is_number(datum, low, high),
            _ => Truth::Maybe,
        },
        ("concat", Datum::Tuple(parts)) => {
            let Some(all) = body.as_array().filter(|all| all.len() == parts.len()) else { return Truth::Maybe };
            parts.iter().zip(all).fold(Truth::Yes, |truth, (part, right)| {
                truth.and(match part {
                    Seen::Is(datum) => equals(table, datum, right),
                    other => Truth::from(other),
                })
            })
        }
        _ => Truth::Maybe,
    }
}

fn is_word(datum: &Datum, word: &str) -> Truth {
    match datum {
        Datum::Name(name) => {
            let same =
                word.strip_suffix('*').map_or(word == name, |prefix| !name.is_empty() && name.starts_with(prefix));
            Truth::from(same)
        }
        Datum::Words(words) => Truth::from(words.contains(&word)),
        Datum::Address(address) => word.parse::<IpAddr>().map_or(Truth::Maybe, |other| Truth::from(other == *address)),
        Datum::Numbers(..) => word.parse().map_or(Truth::Maybe, |number| is_number(datum, number, number)),
        Datum::Exists(_) | Datum::Tuple(_) => Truth::Maybe,
    }
}

fn is_number(datum: &Datum, low: u64, high: u64) -> Truth {
    match datum {
        Datum::Numbers(least, most) if low <= *least && *most <= high => Truth::Yes,
        Datum::Numbers(least, most) if *most < low || high < *least => Truth::No,
        Datum::Words(words) if low == high => Truth::from(words.iter().any(|word| word.parse() == Ok(low))),
        _ => Truth::Maybe,
    }
}

fn ordered(datum: &Datum, op: &str, right: &Value) -> Truth {
    let (Datum::Numbers(least, most), Some(right)) = (datum, right.as_u64()) else { return Truth::Maybe };
    let all = |holds: fn(&u64, &u64) -> bool| match (holds(least, &right), holds(most, &right)) {
        (true, true) => Truth::Yes,
        (false, false) => Truth::No,
        _ => Truth::Maybe,
    };
    match op {
        "<" => all(u64::lt),
        ">" => all(u64::gt),
        "<=" => all(u64::le),
        _ => all(u64::ge),
    }
}

/// The elements of a named set or map; `None` if it is not known.
pub fn elements<'t>(table: &'t Table, name: &str) -> Option<&'t [Value]> {
    let set = table.raw.iter().find_map(|object| {
        let set = object.get("set").or_else(|| object.get("map"))?;
        (set.get("name").and_then(Value::as_str) == Some(name)).then_some(set)
    })?;
    set.get("elem").map_or(Some(&[][..]), |all| all.as_array().map(Vec::as_slice))
}

/// What is looked up in an element: that of a map is a pair.
fn key(element: &Value) -> &Value {
    match element.as_array().map(Vec::as_slice) {
        Some([key, _]) => key,
        _ => element,
    }
}

fn prefix(body: &Value) -> Option<IpNet> {
    let address: IpAddr = body.get("addr")?.as_str()?.parse().ok()?;
    IpNet::new(address, u8::try_from(body.get("len")?.as_u64()?).ok()?).ok()
}

fn end<T: std::str::FromStr>(range: &Value, index: usize) -> Option<T> {
    range.get(index)?.as_str()?.parse().ok()
}
