//! What guests say: text in, facts out. No calls here. All of it is hostile input: whatever cannot be read is left out,
//! lists and strings are bounded, control characters are stripped.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use ipnet::{IpNet, Ipv4Net};
use model::{
    Mac,
    observed::{GuestInterface, GuestRoute},
};
use serde_json::Value;

use crate::host::libvirt::clean;

/// All that is kept of a guest travels to every browser.
pub const INTERFACES: usize = 128;
/// Of one interface, and of all interfaces together.
const ADDRESSES: (usize, usize) = (64, 512);
const ROUTES: usize = 512;
const COMMANDS: usize = 256;
const STRING: usize = 256;
/// A word of a protocol: a command of the agent, who set a route.
const WORD: usize = 64;
/// A list or an object costs some hundred bytes in memory, and two in an answer.
const VALUES: usize = 1 << 15;
/// libvirt, `ip` and `nft` stay far below it, and readers of what is made of it stop at 128.
const DEPTH: usize = 32;
/// The longest name of an interface (`IFNAMSIZ` less the terminator, linux/if.h).
const INTERFACE_NAME: usize = 15;

/// The `return` of an agent's reply.
pub fn reply(text: &str) -> Result<Value, String> {
    json(text.as_bytes())?.get_mut("return").map(Value::take).ok_or_else(|| "it has no \"return\"".to_owned())
}

/// JSON, if it is not more than anybody needs to say: that is found out before anything is made of it.
pub fn json(text: &[u8]) -> Result<Value, String> {
    bounded(text)?;
    serde_json::from_slice(text).map_err(no_json)
}

/// One JSON after the other, as `ip -j -batch` prints them, up to what is none.
pub fn jsons(text: &[u8]) -> Result<Vec<Value>, String> {
    bounded(text)?;
    let mut found = Vec::new();
    for value in serde_json::Deserializer::from_slice(text).into_iter() {
        match value {
            Ok(value) => found.push(value),
            Err(error) if found.is_empty() => return Err(no_json(error)),
            Err(_) => break,
        }
    }
    Ok(found)
}

fn no_json(error: serde_json::Error) -> String {
    format!("it is not JSON: {error}")
}

fn bounded(text: &[u8]) -> Result<(), String> {
    let (mut values, mut depth, mut quoted, mut escaped) = (1, 0usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => (values, depth) = (values + 1, depth + 1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if values > VALUES {
            return Err(format!("it has more than {VALUES} values"));
        }
        if depth > DEPTH {
            return Err(format!("it is nested deeper than {DEPTH}"));
        }
    }
    Ok(())
}

/// A value that came from a guest, every string in it fit to be shown.
pub fn clean_json(value: &mut Value) {
    match value {
        Value::String(text) => *text = clean(text, 4 * STRING),
        Value::Array(list) => list.iter_mut().for_each(clean_json),
        Value::Object(map) => {
            map.retain(|key, _| *key == clean(key, STRING));
            map.values_mut().for_each(clean_json);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The commands of `guest-info` that are enabled.
pub fn commands(info: &Value) -> BTreeSet<String> {
    list(info.get("supported_commands"), COMMANDS)
        .filter(|command| command.get("enabled").and_then(Value::as_bool) == Some(true))
        .filter_map(|command| word(command.get("name")))
        .collect()
}

/// A string of an answer, if it is one and not empty.
pub fn string(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(|text| clean(text, STRING)).filter(|text| !text.is_empty())
}

fn word(value: Option<&Value>) -> Option<String> {
    string(value).filter(|word| word.len() <= WORD)
}

/// `guest-network-get-interfaces`: the first [`INTERFACES`] of them.
pub fn agent_interfaces(answer: &Value) -> Vec<GuestInterface> {
    let mut left = ADDRESSES.1;
    list(Some(answer), INTERFACES)
        .filter_map(|interface| {
            let name = interface_name(interface.get("name")).filter(|name| name != "lo")?;
            let addresses: Vec<IpNet> = list(interface.get("ip-addresses"), ADDRESSES.0.min(left))
                .filter_map(|it| address(it.get("ip-address"), it.get("prefix")))
                .collect();
            left -= addresses.len();
            let mac = mac(interface.get("hardware-address"));
            Some(GuestInterface {
                name,
                mac,
                up: None,
                addresses,
                mtu: None,
                rp_filter: None,
                dhcp: false,
                accept_ra: None,
            })
        })
        .collect()
}

/// `ip -j addr show`.
pub fn interfaces(printed: &Value) -> Vec<GuestInterface> {
    let mut left = ADDRESSES.1;
    list(Some(printed), INTERFACES)
        .filter_map(|link| {
            let name = interface_name(link.get("ifname")).filter(|name| name != "lo")?;
            let number = |key| link.get(key).and_then(Value::as_u64);
            let addresses: Vec<IpNet> = list(link.get("addr_info"), ADDRESSES.0.min(left))
                .filter_map(|it| address(it.get("local"), it.get("prefixlen")))
                .collect();
            left -= addresses.len();
            Some(GuestInterface {
                name,
                mac: mac(link.get("address")),
                up: link.get("flags").map(|flags| list(Some(flags), 32).any(|flag| flag == "UP")),
                addresses,
                mtu: number("mtu").and_then(|mtu| u32::try_from(mtu).ok()),
                rp_filter: None,
                dhcp: false,
                accept_ra: None,
            })
        })
        .collect()
}

/// The name of the interface with this MAC in `ip -j -d link`, those that were made on top of others (bridges, bonds,
/// VLANs: they borrow a MAC) left out.
pub fn name_of(printed: &Value, wanted: Mac) -> Option<String> {
    list(Some(printed), INTERFACES)
        .filter(|link| link.get("linkinfo").and_then(|info| info.get("info_kind")).is_none())
        .find(|link| mac(link.get("address")) == Some(wanted))
        .and_then(|link| interface_name(link.get("ifname")))
}

/// `ip -j route` and `ip -j -6 route`. Routes to link-local and multicast addresses are everywhere and say nothing.
pub fn routes(printed: &Value, v6: bool) -> Vec<GuestRoute> {
    let any: IpNet = if v6 { IpNet::V6(ipnet::Ipv6Net::default()) } else { IpNet::V4(ipnet::Ipv4Net::default()) };
    list(Some(printed), ROUTES)
        .filter(|route| route.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "unicast"))
        .filter_map(|route| {
            let destination = route.get("dst").and_then(Value::as_str)?;
            let destination = match destination {
                "default" => any,
                text => text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?,
            };
            let hop = route.get("nexthops").and_then(|hops| hops.get(0)).unwrap_or(route);
            Some(GuestRoute {
                destination,
                via: hop.get("gateway").and_then(Value::as_str).and_then(|via| via.parse().ok()),
                interface: interface_name(hop.get("dev")),
                metric: route.get("metric").and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok()).unwrap_or(0),
                protocol: word(route.get("protocol")),
                source: route.get("prefsrc").and_then(Value::as_str).and_then(|source| source.parse().ok()),
            })
        })
        .filter(|route| match route.destination {
            IpNet::V6(v6) => !v6.addr().is_unicast_link_local() && !v6.addr().is_multicast(),
            IpNet::V4(_) => true,
        })
        .collect()
}

/// `grep -H .` over files of `/proc/sys` and `/sys`: lines of `path:value`.
pub fn files(printed: &str) -> BTreeMap<String, String> {
    printed
        .lines()
        .take(32 * INTERFACES)
        .filter_map(|line| line.rsplit_once(':'))
        .map(|(path, value)| (clean(path, STRING), clean(value.trim(), STRING)))
        .collect()
}

/// The lines of one file in what such a `grep` printed.
pub fn lines_of<'a>(printed: &'a str, path: &str) -> Vec<&'a str> {
    printed.lines().filter_map(|line| line.strip_prefix(path)?.strip_prefix(':')).collect()
}

/// `/sys/class/net/*/flags`: whether `IFF_UP` is among them (linux/if.h).
pub fn is_up(flags: &str) -> Option<bool> {
    let flags = u32::from_str_radix(flags.strip_prefix("0x")?, 16).ok()?;
    Some(flags & 1 != 0)
}

/// `/proc/net/route`: addresses are hexadecimal, in the byte order of the guest's processor; ours is taken.
pub fn kernel_routes(printed: &str) -> Vec<GuestRoute> {
    const UP: u32 = 1;
    let hex = |word: &str| u32::from_str_radix(word, 16).ok();
    let address = |word: &str| hex(word).map(|number| Ipv4Addr::from(number.to_ne_bytes()));
    let route = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().take(8).collect();
        let [interface, destination, via, flags, _, _, metric, mask] = words.as_slice() else { return None };
        let prefix = u32::from(address(mask)?).leading_ones();
        let via = address(via).filter(|via| !via.is_unspecified());
        (hex(flags)? & UP != 0).then_some(GuestRoute {
            destination: Ipv4Net::new(address(destination)?, u8::try_from(prefix).ok()?).ok()?.into(),
            via: via.map(IpAddr::V4),
            interface: interface_name(Some(&Value::from(*interface))),
            metric: metric.parse().ok()?,
            protocol: None,
            source: None,
        })
    };
    printed.lines().skip(1).take(ROUTES).filter_map(route).collect()
}

/// `ls -d` over paths of programs: the programs' names.
pub fn programs(printed: &str, known: &[&str]) -> BTreeSet<String> {
    let names = printed.lines().take(64).filter_map(|line| line.trim().rsplit('/').next());
    names.filter(|name| known.contains(name)).map(str::to_owned).collect()
}

/// The hops of `traceroute -n -q 1`: lines of `number address time`, or `number *`.
pub fn hops(printed: &str, most: usize) -> Vec<Option<IpAddr>> {
    let mut hops: Vec<Option<IpAddr>> = Vec::new();
    for line in printed.lines().take(4 * most) {
        let mut words = line.split_whitespace();
        let Some(number) = words.next().and_then(|word| word.parse::<usize>().ok()) else { continue };
        if number == 0 || number > most {
            continue;
        }
        if hops.len() < number {
            hops.resize(number, None);
        }
        hops[number - 1] = words.next().and_then(|word| word.parse().ok());
    }
    hops
}

/// A name that can be an interface's in Linux (`dev_valid_name`), and that no program takes for an option.
pub fn interface_name(value: Option<&Value>) -> Option<String> {
    let name = value?.as_str()?;
    let fits = !name.is_empty() && name.len() <= INTERFACE_NAME && name != "." && name != "..";
    let clean = name.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '/' | ':'));
    (fits && clean && !name.starts_with('-')).then(|| name.to_owned())
}

fn list(value: Option<&Value>, most: usize) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten().take(most)
}

fn mac(value: Option<&Value>) -> Option<Mac> {
    value?.as_str()?.parse().ok()
}

fn address(address: Option<&Value>, prefix: Option<&Value>) -> Option<IpNet> {
    IpNet::new(address?.as_str()?.parse().ok()?, u8::try_from(prefix?.as_u64()?).ok()?).ok()
}

#[cfg(test)]
mod tests;
