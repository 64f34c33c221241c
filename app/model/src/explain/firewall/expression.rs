//! What the left side of a match is, for one packet (libnftables-json(5)).

use std::net::IpAddr;

use serde_json::Value;

use super::{Scene, Truth};
use crate::explain::{Transport, conntrack::State, route::Way};

/// What a rule looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    Is(Datum),
    /// The packet has no such thing: the rule is not for it.
    Absent,
    /// Not known, or not understood.
    Unclear,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// Of an interface.
    Name(String),
    /// Any of these words means it; of flags, those that are set.
    Words(Vec<&'static str>),
    /// A number between these two, both included.
    Numbers(u64, u64),
    Address(IpAddr),
    Exists(bool),
    Tuple(Vec<Seen>),
}

/// Ports that Linux chooses from for who does not care (`net.ipv4.ip_local_port_range`).
const CHOSEN: Datum = Datum::Numbers(32768, 60999);

pub fn look(scene: &Scene<'_>, bridged: bool, left: &Value) -> Seen {
    let Some((kind, body)) = left.as_object().and_then(|object| object.iter().next()) else { return Seen::Unclear };
    let word = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    match kind.as_str() {
        "meta" => meta(scene, bridged, word("key")),
        "payload" => payload(scene, bridged, word("protocol"), word("field")),
        "ct" => connection(scene, word("key")),
        "fib" => fib(scene, body),
        "concat" => {
            let parts: Vec<Seen> =
                body.as_array().into_iter().flatten().map(|part| look(scene, bridged, part)).collect();
            if parts.contains(&Seen::Absent) { Seen::Absent } else { Seen::Is(Datum::Tuple(parts)) }
        }
        _ => Seen::Unclear,
    }
}

fn words(words: &[&'static str]) -> Seen {
    Seen::Is(Datum::Words(words.to_vec()))
}

fn number(number: impl Into<u64>) -> Seen {
    let number = number.into();
    Seen::Is(Datum::Numbers(number, number))
}

fn meta(scene: &Scene<'_>, bridged: bool, key: &str) -> Seen {
    let name = |link: Option<&str>| Seen::Is(Datum::Name(link.unwrap_or_default().to_owned()));
    let port = |link: Option<&str>| link.map_or(Seen::Absent, |link| Seen::Is(Datum::Name(link.to_owned())));
    let v6 = scene.packet.is_v6();
    match key {
        "iifname" | "iif" if bridged => name(scene.in_port.or(scene.in_link)),
        "oifname" | "oif" if bridged => name(scene.out_port.or(scene.out_link)),
        "iifname" | "iif" => name(scene.in_link),
        "oifname" | "oif" => name(scene.out_link),
        "ibrname" if bridged => port(scene.in_port.and(scene.in_link)),
        "obrname" if bridged => port(scene.out_port.and(scene.out_link)),
        "l4proto" => protocol(scene),
        "nfproto" => words(if v6 { &["ipv6", "10"] } else { &["ipv4", "2"] }),
        "protocol" => words(if v6 { &["ip6", "ipv6", "34525"] } else { &["ip", "2048"] }),
        "mark" => scene.mark.map_or(Seen::Unclear, number),
        _ => Seen::Unclear,
    }
}

fn protocol(scene: &Scene<'_>) -> Seen {
    match scene.packet.transport {
        Transport::Icmp if scene.packet.is_v6() => words(&["ipv6-icmp", "icmpv6", "58"]),
        Transport::Icmp => words(&["icmp", "1"]),
        Transport::Tcp => words(&["tcp", "6"]),
        Transport::Udp => words(&["udp", "17"]),
    }
}

fn payload(scene: &Scene<'_>, bridged: bool, protocol: &str, field: &str) -> Seen {
    let packet = &scene.packet;
    let v6 = packet.is_v6();
    let port = |port: Option<u16>| port.map_or(Seen::Is(CHOSEN), number);
    let kind = |request, number, answer, other| {
        if packet.reply { words(&[answer, other]) } else { words(&[request, number]) }
    };
    match (protocol, field) {
        ("ip", _) if v6 => Seen::Absent,
        ("ip6", _) if !v6 => Seen::Absent,
        ("ip" | "ip6", "saddr") => Seen::Is(Datum::Address(packet.source)),
        ("ip" | "ip6", "daddr") => Seen::Is(Datum::Address(packet.destination)),
        ("ip", "protocol") | ("ip6", "nexthdr") => self::protocol(scene),
        ("tcp", _) if packet.transport != Transport::Tcp => Seen::Absent,
        ("udp", _) if packet.transport != Transport::Udp => Seen::Absent,
        ("icmp", _) if packet.transport != Transport::Icmp || v6 => Seen::Absent,
        ("icmpv6", _) if packet.transport != Transport::Icmp || !v6 => Seen::Absent,
        ("th", "sport" | "dport") if packet.transport == Transport::Icmp => Seen::Unclear,
        ("tcp" | "udp" | "th", "sport") => port(packet.source_port),
        ("tcp" | "udp" | "th", "dport") => port(packet.destination_port),
        ("tcp", "flags") => words(if packet.reply { &["syn", "ack"] } else { &["syn"] }),
        ("icmp", "type") => kind("echo-request", "8", "echo-reply", "0"),
        ("icmpv6", "type") => kind("echo-request", "128", "echo-reply", "129"),
        ("icmp" | "icmpv6", "code") => number(0u8),
        ("ether", "type") if bridged => words(if v6 { &["ip6", "ipv6", "34525"] } else { &["ip", "2048"] }),
        ("arp" | "vlan" | "sctp" | "dccp" | "udplite" | "igmp" | "ah" | "esp" | "comp", _) => Seen::Absent,
        _ => Seen::Unclear,
    }
}

fn connection(scene: &Scene<'_>, key: &str) -> Seen {
    match key {
        "state" => words(match scene.state {
            State::New => &["new"],
            State::Established => &["established"],
            State::Invalid => &["invalid"],
            State::Untracked => &["untracked"],
        }),
        "status" if matches!(scene.state, State::Invalid | State::Untracked) => Seen::Absent,
        "status" => {
            let [destination, source] = scene.translated;
            let seen = scene.state == State::Established;
            let set = [(destination, "dnat"), (source, "snat"), (seen, "seen-reply")];
            Seen::Is(Datum::Words(set.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect()))
        }
        "direction" => words(if scene.answers { &["reply", "1"] } else { &["original", "0"] }),
        _ => Seen::Unclear,
    }
}

fn fib(scene: &Scene<'_>, body: &Value) -> Seen {
    let flags: Vec<&str> = match body.get("flags") {
        Some(Value::String(flag)) => vec![flag],
        Some(Value::Array(flags)) => flags.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let (packet, machine) = (&scene.packet, scene.machine);
    match (body.get("result").and_then(Value::as_str), flags.as_slice()) {
        (Some("type"), [side @ ("saddr" | "daddr")]) => {
            let address = if *side == "saddr" { packet.source } else { packet.destination };
            words(&[if machine.has(address) {
                "local"
            } else if address.is_multicast() {
                "multicast"
            } else if machine.is_broadcast(address) {
                "broadcast"
            } else {
                "unicast"
            }])
        }
        // `fib saddr . iif oif`: the way back to the source is by where it came from.
        (Some("oif"), ["saddr", "iif"] | ["saddr", "mark", "iif"]) => {
            match machine.way_back(packet.source, packet.destination) {
                Way::Out(routes) => {
                    let back = routes.iter().any(|route| route.interface == scene.in_link);
                    Seen::Is(Datum::Exists(back))
                }
                Way::Unclear(_) | Way::Local => Seen::Unclear,
                Way::Refused(_) | Way::Nowhere => Seen::Is(Datum::Exists(false)),
            }
        }
        _ => Seen::Unclear,
    }
}

/// Whether a word is among what is set, for flags under a mask.
pub fn flags(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(word) => Some(vec![word]),
        Value::Array(all) => all.iter().map(Value::as_str).collect(),
        Value::Object(object) => {
            object.get("|")?.as_array()?.iter().map(flags).collect::<Option<Vec<_>>>().map(|all| all.concat())
        }
        _ => None,
    }
}

impl From<&Seen> for Truth {
    /// Whether it is there to be compared.
    fn from(seen: &Seen) -> Self {
        match seen {
            Seen::Is(_) => Self::Yes,
            Seen::Absent => Self::No,
            Seen::Unclear => Self::Maybe,
        }
    }
}
