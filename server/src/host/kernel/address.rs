//! `RTM_NEWADDR` to [`Address`].

use std::net::IpAddr;

use ipnet::IpNet;
use model::observed::Address;
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope,
};

/// The ifindex and its address. On a point-to-point link, `Address` is the other end: the own one is `Local`.
pub fn decode(message: AddressMessage) -> Option<(u32, Address)> {
    let mut own: Option<IpAddr> = None;
    let mut other = None;
    let mut permanent = message.header.flags.contains(AddressHeaderFlags::Permanent);
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(address) => own = Some(*address),
            AddressAttribute::Address(address) => other = Some(*address),
            AddressAttribute::Flags(flags) => permanent = flags.contains(AddressFlags::Permanent),
            _ => {}
        }
    }
    let address = Address {
        net: IpNet::new(own.or(other)?, message.header.prefix_len).ok()?,
        scope: match message.header.scope {
            AddressScope::Universe => "global".to_owned(),
            AddressScope::Site => "site".to_owned(),
            AddressScope::Link => "link".to_owned(),
            AddressScope::Host => "host".to_owned(),
            AddressScope::Nowhere => "nowhere".to_owned(),
            other => u8::from(other).to_string(),
        },
        dynamic: !permanent,
    };
    Some((message.header.index, address))
}
