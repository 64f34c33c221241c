//! What a rule does, one statement at a time.

use serde_json::Value;

use super::{
    expression::{self, Values, values_of},
    quoted,
};

/// `None` if the statement, or any part of it, is not known.
pub fn text(statement: &Value) -> Option<String> {
    let (kind, body) = statement.as_object().filter(|statement| statement.len() == 1)?.iter().next()?;
    let word = |key: &str| body.get(key).and_then(Value::as_str);
    let over = if body.get("inv").and_then(Value::as_bool) == Some(true) { "over " } else { "" };
    Some(match kind.as_str() {
        "match" => comparison(body)?,
        "counter" => match body {
            Value::String(name) => format!("counter name {}", quoted(name)),
            _ => "counter".to_owned(),
        },
        "snat" | "dnat" | "masquerade" | "redirect" | "tproxy" => translation(kind, body)?,
        "reject" => match (word("type"), word("expr")) {
            (None, _) | (Some("icmpx"), Some("port-unreachable")) => "reject".to_owned(),
            (Some(with), None) => format!("reject with {with}"),
            (Some(with), Some(code)) => format!("reject with {with} {code}"),
        },
        "log" => log(body),
        "limit" => {
            let unit = word("rate_unit").filter(|unit| *unit != "packets").map(|unit| format!(" {unit}"));
            let mut text = format!(
                "limit rate {over}{}{}/{}",
                body.get("rate")?,
                unit.unwrap_or_default(),
                word("per").unwrap_or("second")
            );
            if let Some(burst) = body.get("burst").and_then(Value::as_u64).filter(|burst| *burst > 0) {
                text += &format!(" burst {burst} {}", word("burst_unit").unwrap_or("packets"));
            }
            text
        }
        "quota" => match body {
            Value::String(name) => format!("quota name {}", quoted(name)),
            _ => format!("quota {over}{} {}", body.get("val")?, word("val_unit").unwrap_or("bytes")),
        },
        "ct count" => format!("ct count {over}{}", body.get("val")?),
        "ct helper" => format!("ct helper set {}", quoted(body.as_str()?)),
        "mangle" => {
            let key = body.get("key")?;
            format!(
                "{} set {}",
                expression::text(key, Values::Plain)?,
                expression::text(body.get("value")?, values_of(key))?
            )
        }
        "vmap" => {
            let key = body.get("key")?;
            format!(
                "{} vmap {}",
                expression::text(key, Values::Plain)?,
                expression::text(body.get("data")?, values_of(key))?
            )
        }
        "set" if body.get("stmt").is_none() => {
            format!("{} {} {{ {} }}", word("op")?, word("set")?, expression::text(body.get("elem")?, Values::Plain)?)
        }
        "flow" => format!("flow {} {}", word("op")?, word("flowtable")?),
        "dup" => format!("dup to {}", device(body.get("addr")?)?),
        "fwd" => format!("fwd to {}", device(body.get("dev")?)?),
        "xt" => format!("xt {} {}", word("type")?, word("name")?),
        _ => return verdict(kind, body),
    })
}

/// What ends the walk through a chain, or leads to another.
pub fn verdict(kind: &str, body: &Value) -> Option<String> {
    match kind {
        "accept" | "drop" | "continue" | "return" | "notrack" if body.is_null() => Some(kind.to_owned()),
        "jump" | "goto" => Some(format!("{kind} {}", body.get("target")?.as_str()?)),
        _ => None,
    }
}

fn comparison(body: &Value) -> Option<String> {
    let (left, right) = (body.get("left")?, body.get("right")?);
    let values = values_of(left);
    let right = expression::text(right, values)?;
    let operator = match body.get("op").and_then(Value::as_str)? {
        "==" | "in" => String::new(),
        other => format!("{other} "),
    };
    // `tcp flags syn / syn,ack`: named bits under a mask.
    if let Some([key, mask @ (Value::Array(_) | Value::String(_))]) =
        left.get("&").and_then(Value::as_array).map(Vec::as_slice)
    {
        let (key, mask) = (expression::text(key, Values::Plain)?, expression::text(mask, values)?);
        return Some(format!("{key} {operator}{right} / {mask}"));
    }
    let masked = left.get("&").is_some();
    let operator = if masked && operator.is_empty() { "== ".to_owned() } else { operator };
    Some(format!("{} {operator}{right}", expression::text(left, Values::Plain)?))
}

fn translation(kind: &str, body: &Value) -> Option<String> {
    let mut text = kind.to_owned();
    let known = ["family", "addr", "port", "flags"];
    if body.as_object().is_some_and(|body| body.keys().any(|key| !known.contains(&key.as_str()))) {
        return None;
    }
    if let Some(family) = body.get("family").and_then(Value::as_str) {
        text += &format!(" {family}");
    }
    let address = body.get("addr").map(|address| expression::text(address, Values::Plain));
    let port = body.get("port").map(|port| expression::text(port, Values::Plain));
    match (address, port) {
        (None, None) => {}
        (Some(address), None) => text += &format!(" to {}", address?),
        (None, Some(port)) => text += &format!(" to :{}", port?),
        (Some(address), Some(port)) => {
            let address = address?;
            let address = if address.contains(':') { format!("[{address}]") } else { address };
            text += &format!(" to {address}:{}", port?);
        }
    }
    if let Some(flags) = body.get("flags") {
        text += &format!(" {}", expression::text(flags, Values::Plain)?);
    }
    Some(text)
}

fn log(body: &Value) -> String {
    let mut text = "log".to_owned();
    if let Some(prefix) = body.get("prefix").and_then(Value::as_str) {
        text += &format!(" prefix {}", quoted(prefix));
    }
    for key in ["group", "snaplen", "queue-threshold", "level", "flags"] {
        if let Some(value) = body.get(key).and_then(|value| expression::text(value, Values::Plain)) {
            text += &format!(" {key} {value}");
        }
    }
    text
}

/// An address as it is, a device in quotes.
fn device(value: &Value) -> Option<String> {
    let text = expression::text(value, Values::Plain)?;
    let plain = text.parse::<std::net::IpAddr>().is_ok() || !value.is_string();
    Some(if plain { text } else { quoted(&text) })
}
