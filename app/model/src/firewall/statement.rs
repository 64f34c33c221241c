//! One statement of a rule, read from nft's JSON (libnftables-json(5)).

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde_json::Value;

use crate::cluster::Protocol;

/// A statement as far as it is understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement<'a> {
    Match {
        field: Field,
        equal: bool,
        values: Values<'a>,
    },
    Accept,
    Drop,
    Return,
    Jump(&'a str),
    Goto(&'a str),
    Snat(Option<IpAddr>),
    Masquerade,
    /// `None` if it is more than one address and port.
    Dnat(Option<SocketAddr>),
    /// Does not decide about the packet: counter, log, comment, limit of a counter, …
    Harmless,
    /// A match that is not understood.
    Condition,
    /// May decide about the packet in a way that is not understood.
    Unknown,
}

/// What a match looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    InLink,
    OutLink,
    InBridge,
    OutBridge,
    Source,
    Destination,
    ConnectionState,
    ConnectionStatus,
    SourceType,
    DestinationType,
    /// The protocol above IP.
    Protocol,
    DestinationPort(Protocol),
    Other,
}

/// The right side of a match; `None` if any part of it is not understood.
pub type Values<'a> = Option<Vec<Text<'a>>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    Word(&'a str),
    Number(u64),
    Net(IpNet),
}

impl<'a> Statement<'a> {
    pub fn read(value: &'a Value) -> Self {
        let Some((name, body)) = value.as_object().and_then(|object| object.iter().next()) else {
            return Self::Unknown;
        };
        match name.as_str() {
            "match" => matching(body),
            "accept" => Self::Accept,
            "drop" | "reject" => Self::Drop,
            "return" => Self::Return,
            "jump" => body.get("target").and_then(Value::as_str).map_or(Self::Unknown, Self::Jump),
            "goto" => body.get("target").and_then(Value::as_str).map_or(Self::Unknown, Self::Goto),
            "snat" => Self::Snat(body.get("addr").and_then(Value::as_str).and_then(|text| text.parse().ok())),
            "masquerade" => Self::Masquerade,
            "dnat" => Self::Dnat(target(body)),
            "counter" | "log" | "comment" | "mangle" | "notrack" | "ct helper" | "ct timeout" | "quota" | "meter"
            | "set" | "map" => Self::Harmless,
            "limit" | "ct count" => Self::Condition,
            "xt" => extension(body),
            _ => Self::Unknown,
        }
    }
}

/// What iptables-nft wrote and nft has no words for: only the name is known.
fn extension<'a>(body: &'a Value) -> Statement<'a> {
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    match (body.get("type").and_then(Value::as_str), name) {
        (Some("match"), "comment") => Statement::Harmless,
        (Some("match"), _) => Statement::Condition,
        (_, "REJECT" | "DROP") => Statement::Drop,
        (_, "MASQUERADE") => Statement::Masquerade,
        (_, "SNAT") => Statement::Snat(None),
        (_, "LOG" | "NFLOG" | "MARK" | "CONNMARK" | "CHECKSUM" | "TCPMSS" | "CT" | "TRACE") => Statement::Harmless,
        _ => Statement::Unknown,
    }
}

fn target(body: &Value) -> Option<SocketAddr> {
    let address = body.get("addr")?.as_str()?.parse().ok()?;
    Some(SocketAddr::new(address, u16::try_from(body.get("port")?.as_u64()?).ok()?))
}

fn matching(body: &Value) -> Statement<'_> {
    let field = body.get("left").map_or(Field::Other, field);
    let op = body.get("op").and_then(Value::as_str).unwrap_or("==");
    let values = match op {
        "==" | "in" | "!=" => body.get("right").and_then(values),
        _ => None,
    };
    Statement::Match { field, equal: op != "!=", values }
}

fn field(left: &Value) -> Field {
    let Some((kind, body)) = left.as_object().and_then(|object| object.iter().next()) else { return Field::Other };
    let of = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    match (kind.as_str(), of("key"), of("field")) {
        ("meta", "iifname" | "iif", _) => Field::InLink,
        ("meta", "oifname" | "oif", _) => Field::OutLink,
        ("meta", "ibrname", _) => Field::InBridge,
        ("meta", "obrname", _) => Field::OutBridge,
        ("ct", "state", _) => Field::ConnectionState,
        ("ct", "status", _) => Field::ConnectionStatus,
        ("meta", "l4proto", _) => Field::Protocol,
        ("payload", _, "protocol") if of("protocol") == "ip" => Field::Protocol,
        ("payload", _, "dport") if of("protocol") == "tcp" => Field::DestinationPort(Protocol::Tcp),
        ("payload", _, "dport") if of("protocol") == "udp" => Field::DestinationPort(Protocol::Udp),
        ("payload", _, "saddr") if matches!(of("protocol"), "ip" | "ip6") => Field::Source,
        ("payload", _, "daddr") if matches!(of("protocol"), "ip" | "ip6") => Field::Destination,
        ("fib", ..) if of("result") == "type" && mentions(body.get("flags"), "saddr") => Field::SourceType,
        ("fib", ..) if of("result") == "type" && mentions(body.get("flags"), "daddr") => Field::DestinationType,
        _ => Field::Other,
    }
}

fn mentions(flags: Option<&Value>, wanted: &str) -> bool {
    match flags {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Array(all)) => all.len() == 1 && all[0] == wanted,
        _ => false,
    }
}

fn values(right: &Value) -> Values<'_> {
    match right {
        Value::Array(all) => all.iter().map(one).collect(),
        Value::Object(object) if object.contains_key("set") => object["set"].as_array()?.iter().map(one).collect(),
        other => one(other).map(|value| vec![value]),
    }
}

fn one(value: &Value) -> Option<Text<'_>> {
    match value {
        Value::String(text) => {
            Some(text.parse::<IpAddr>().map_or(Text::Word(text), |address| Text::Net(IpNet::from(address))))
        }
        Value::Number(number) => number.as_u64().map(Text::Number),
        Value::Object(object) => {
            let prefix = object.get("prefix")?;
            let address: IpAddr = prefix.get("addr")?.as_str()?.parse().ok()?;
            let length = u8::try_from(prefix.get("len")?.as_u64()?).ok()?;
            Some(Text::Net(IpNet::new(address, length).ok()?))
        }
        _ => None,
    }
}
