//! `RTM_NEWROUTE` to [`Route`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use model::observed::Route;
use rtnetlink::packet_route::{
    AddressFamily,
    route::{RouteAddress, RouteAttribute, RouteMessage, RouteNextHop, RouteProtocol, RouteType, RouteVia},
};

/// The kinds that are asked for. What the kernel keeps for itself (local, broadcast, anycast, multicast) is left out: with
/// thousands of links those are most of all routes.
pub const KINDS: [RouteType; 5] =
    [RouteType::Unicast, RouteType::BlackHole, RouteType::Unreachable, RouteType::Prohibit, RouteType::Throw];

/// One route per next hop.
pub fn decode(message: RouteMessage) -> Vec<Route> {
    if !KINDS.contains(&message.header.kind) {
        return Vec::new();
    }
    let nothing = match message.header.address_family {
        AddressFamily::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        AddressFamily::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => return Vec::new(),
    };
    let mut table = u32::from(message.header.table);
    let mut destination = nothing;
    let (mut metric, mut source) = (0, None);
    let mut hops: &[RouteNextHop] = &[];
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Table(number) => table = *number,
            RouteAttribute::Destination(address) => destination = ip(address).unwrap_or(nothing),
            RouteAttribute::Priority(priority) => metric = *priority,
            RouteAttribute::PrefSource(address) => source = ip(address),
            RouteAttribute::MultiPath(found) => hops = found,
            _ => {}
        }
    }
    let Ok(destination) = IpNet::new(destination, message.header.destination_prefix_length) else { return Vec::new() };
    let route = |attributes: &[RouteAttribute], link: Option<u32>| Route {
        table,
        destination,
        gateway: attributes.iter().find_map(gateway),
        link: link.or_else(|| {
            attributes.iter().find_map(|attribute| match attribute {
                RouteAttribute::Oif(index) => Some(*index),
                _ => None,
            })
        }),
        metric,
        source,
        protocol: protocol(message.header.protocol),
        kind: kind(message.header.kind),
    };
    if hops.is_empty() {
        vec![route(&message.attributes, None)]
    } else {
        hops.iter().map(|hop| route(&hop.attributes, Some(hop.interface_index))).collect()
    }
}

fn gateway(attribute: &RouteAttribute) -> Option<IpAddr> {
    match attribute {
        RouteAttribute::Gateway(address) => ip(address),
        RouteAttribute::Via(RouteVia::Inet(address)) => Some(IpAddr::V4(*address)),
        RouteAttribute::Via(RouteVia::Inet6(address)) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

/// As in `/etc/iproute2/rt_protos`.
fn protocol(protocol: RouteProtocol) -> String {
    match protocol {
        RouteProtocol::IcmpRedirect => "redirect",
        RouteProtocol::Kernel => "kernel",
        RouteProtocol::Boot => "boot",
        RouteProtocol::Static => "static",
        RouteProtocol::Ra => "ra",
        RouteProtocol::Zebra => "zebra",
        RouteProtocol::Bird => "bird",
        RouteProtocol::Dhcp => "dhcp",
        RouteProtocol::KeepAlived => "keepalived",
        RouteProtocol::Babel => "babel",
        RouteProtocol::Bgp => "bgp",
        RouteProtocol::Isis => "isis",
        RouteProtocol::Ospf => "ospf",
        RouteProtocol::Rip => "rip",
        RouteProtocol::Eigrp => "eigrp",
        other => return u8::from(other).to_string(),
    }
    .to_owned()
}

/// The protocol of this name; `static` if there is none.
pub fn protocol_named(name: &str) -> RouteProtocol {
    let all = (0..=u8::MAX).map(RouteProtocol::from);
    all.into_iter().find(|known| protocol(*known) == name).unwrap_or(RouteProtocol::Static)
}

/// As `ip route` names them.
fn kind(kind: RouteType) -> String {
    match kind {
        RouteType::Unicast => "unicast",
        RouteType::BlackHole => "blackhole",
        RouteType::Unreachable => "unreachable",
        RouteType::Prohibit => "prohibit",
        RouteType::Throw => "throw",
        other => return u8::from(other).to_string(),
    }
    .to_owned()
}
