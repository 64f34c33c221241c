//! What a statement translates to.

use std::net::IpAddr;

use serde_json::Value;

use super::{
    Effect, Scene, Truth,
    compare::{elements, equals},
    expression::{Seen, look},
};
use crate::observed::Table;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nat {
    /// An address, a port; what is `None` stays.
    Source(Option<IpAddr>, Option<u16>),
    Destination(Option<IpAddr>, Option<u16>),
    /// The address by which the machine speaks there.
    Masquerade,
    /// To the machine itself.
    Redirect(Option<u16>),
}

/// `snat`, `dnat`, `masquerade` or `redirect`.
pub fn read(scene: &Scene<'_>, table: &Table, kind: &str, body: &Value) -> Effect {
    let part = |key: &str| match body.get(key) {
        None | Some(Value::Null) => Some(None),
        Some(value) => resolve(scene, table, value).map(Some),
    };
    let (Some(address), Some(port)) = (part("addr"), part("port")) else { return Effect::Unclear };
    let address = address.map(|value| value.as_str().and_then(|text| text.parse().ok()));
    let port = port.map(|value| value.as_u64().and_then(|number| u16::try_from(number).ok()));
    let (address, port) = match (address, port) {
        // A range, or a name.
        (Some(None), _) | (_, Some(None)) if kind != "masquerade" => return Effect::Unclear,
        (address, port) => (address.flatten(), port.flatten()),
    };
    Effect::Translate(match kind {
        "snat" => Nat::Source(address, port),
        "dnat" => Nat::Destination(address, port),
        "redirect" => Nat::Redirect(port),
        _ => Nat::Masquerade,
    })
}

/// A value that may be looked up in a map; `None` if that cannot be done.
fn resolve<'v>(scene: &Scene<'_>, table: &'v Table, value: &'v Value) -> Option<&'v Value> {
    let Some(map) = value.get("map") else { return Some(value) };
    match find(scene, table, map)? {
        (Truth::Yes, found) => Some(found),
        _ => None,
    }
}

/// The value of the first element that fits in a map or verdict map, `{"key": …, "data": …}`; `None` if none fits, or that
/// cannot be said. With `Maybe` it is the first that may fit.
pub fn find<'v>(scene: &Scene<'_>, table: &'v Table, map: &'v Value) -> Option<(Truth, &'v Value)> {
    let Seen::Is(datum) = look(scene, table.family == "bridge", map.get("key")?) else { return None };
    let data = map.get("data")?;
    let all = match data {
        Value::String(name) => elements(table, name.strip_prefix('@')?)?,
        data => data.get("set")?.as_array()?.as_slice(),
    };
    all.iter().find_map(|element| {
        let [key, value] = element.as_array()?.as_slice() else { return None };
        let truth = equals(table, &datum, key);
        (truth != Truth::No).then_some((truth, value))
    })
}
