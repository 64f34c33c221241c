//! `RTM_NEWNEIGH` to [`Neighbour`] and [`FdbEntry`]: one message, two tables.

use std::net::IpAddr;

use model::observed::{FdbEntry, Neighbour};
use rtnetlink::packet_route::{
    neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState},
    route::RouteType,
};

use super::link::mac;

pub fn decode(message: NeighbourMessage) -> Option<Neighbour> {
    // Multicast and broadcast entries are made by the kernel itself.
    if message.header.kind != RouteType::Unicast {
        return None;
    }
    let address = message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(address)) => Some(IpAddr::V4(*address)),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(address)) => Some(IpAddr::V6(*address)),
        _ => None,
    })?;
    Some(Neighbour {
        link: message.header.ifindex,
        address,
        mac: hardware(&message),
        state: state(message.header.state),
    })
}

pub fn decode_fdb(message: NeighbourMessage) -> Option<FdbEntry> {
    let mac = hardware(&message)?;
    let mut entry = FdbEntry {
        bridge: None,
        port: message.header.ifindex,
        mac,
        vlan: None,
        state: match message.header.state {
            NeighbourState::Permanent => "permanent",
            NeighbourState::Noarp => "static",
            _ => "learned",
        }
        .to_owned(),
    };
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Controller(bridge) => entry.bridge = Some(*bridge),
            NeighbourAttribute::Vlan(vlan) => entry.vlan = Some(*vlan),
            _ => {}
        }
    }
    // Multicast groups that a device listens to are told in the same table; they are nobody's address.
    mac.is_unicast().then_some(entry)
}

fn hardware(message: &NeighbourMessage) -> Option<model::Mac> {
    message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(bytes) => mac(bytes),
        _ => None,
    })
}

fn state(state: NeighbourState) -> String {
    match state {
        NeighbourState::Incomplete => "incomplete",
        NeighbourState::Reachable => "reachable",
        NeighbourState::Stale => "stale",
        NeighbourState::Delay => "delay",
        NeighbourState::Probe => "probe",
        NeighbourState::Failed => "failed",
        NeighbourState::Noarp => "noarp",
        NeighbourState::Permanent => "permanent",
        NeighbourState::None => "none",
        other => return u16::from(other).to_string(),
    }
    .to_owned()
}
