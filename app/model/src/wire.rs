//! What a server and the page that it served itself say to each other, in the bytes of [Borsh](https://borsh.io).
//!
//! Both are of one build, so the format has no versions and no names: fields follow each other as they are declared, and
//! what was read needs no check. Decoding takes little code, which the browser has to download. Everybody else, scripts
//! and the command line, speaks JSON.
//!
//! [`encode`] and [`decode`] are the whole of it. The rest says how fields of foreign types are written: an attribute
//! `#[borsh(serialize_with = …, deserialize_with = …)]` names them.

mod sealed;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use borsh::{
    BorshDeserialize, BorshSerialize,
    io::{Error, ErrorKind, Read, Result, Write},
};
use ipnet::IpNet;
pub use sealed::Sealed;
use serde_json::Value;

/// The bytes of a value.
pub fn encode<T: BorshSerialize>(value: &T) -> Vec<u8> {
    // Only a list of more than 2³² things has no bytes.
    borsh::to_vec(value).unwrap_or_default()
}

/// The value that these bytes are; `None` if they are not exactly one.
pub fn decode<T: BorshDeserialize>(bytes: &[u8]) -> Option<T> {
    T::try_from_slice(bytes).ok()
}

/// Address, then prefix length.
pub(crate) fn write_net<W: Write>(net: &IpNet, writer: &mut W) -> Result<()> {
    (net.addr(), net.prefix_len()).serialize(writer)
}

pub(crate) fn read_net<R: Read>(reader: &mut R) -> Result<IpNet> {
    let address = IpAddr::deserialize_reader(reader)?;
    IpNet::new(address, u8::deserialize_reader(reader)?).map_err(|_| wrong())
}

pub(crate) fn write_some_net<W: Write>(net: &Option<IpNet>, writer: &mut W) -> Result<()> {
    net.map(|net| (net.addr(), net.prefix_len())).serialize(writer)
}

pub(crate) fn read_some_net<R: Read>(reader: &mut R) -> Result<Option<IpNet>> {
    let parts: Option<(IpAddr, u8)> = BorshDeserialize::deserialize_reader(reader)?;
    parts.map(|(address, length)| IpNet::new(address, length).map_err(|_| wrong())).transpose()
}

pub(crate) fn write_nets<W: Write>(nets: &[IpNet], writer: &mut W) -> Result<()> {
    let parts: Vec<_> = nets.iter().map(|net| (net.addr(), net.prefix_len())).collect();
    parts.serialize(writer)
}

pub(crate) fn read_nets<R: Read>(reader: &mut R) -> Result<Vec<IpNet>> {
    (0..u32::deserialize_reader(reader)?).map(|_| read_net(reader)).collect()
}

pub(crate) fn write_some_nets<W: Write>(nets: &Option<Vec<IpNet>>, writer: &mut W) -> Result<()> {
    nets.is_some().serialize(writer)?;
    nets.iter().try_for_each(|nets| write_nets(nets, writer))
}

pub(crate) fn read_some_nets<R: Read>(reader: &mut R) -> Result<Option<Vec<IpNet>>> {
    bool::deserialize_reader(reader)?.then(|| read_nets(reader)).transpose()
}

/// As one JSON text.
pub(crate) fn write_json<W: Write>(values: &[Value], writer: &mut W) -> Result<()> {
    serde_json::to_string(values)?.serialize(writer)
}

pub(crate) fn read_json<R: Read>(reader: &mut R) -> Result<Vec<Value>> {
    match serde_json::from_str(&String::deserialize_reader(reader)?)? {
        Value::Array(values) => Ok(values),
        _ => Err(wrong()),
    }
}

/// Pair by pair: Borsh's own way collects and sorts, which is code of its own for each kind of map.
pub(crate) fn read_map<K: BorshDeserialize + Ord, V: BorshDeserialize, R: Read>(
    reader: &mut R,
) -> Result<BTreeMap<K, V>> {
    let mut map = BTreeMap::new();
    for _ in 0..u32::deserialize_reader(reader)? {
        let key = K::deserialize_reader(reader)?;
        map.insert(key, V::deserialize_reader(reader)?);
    }
    Ok(map)
}

pub(crate) fn read_set<T: BorshDeserialize + Ord, R: Read>(reader: &mut R) -> Result<BTreeSet<T>> {
    let mut set = BTreeSet::new();
    for _ in 0..u32::deserialize_reader(reader)? {
        set.insert(T::deserialize_reader(reader)?);
    }
    Ok(set)
}

fn wrong() -> Error {
    ErrorKind::InvalidData.into()
}
