//! A network's XML: text in, struct out. No calls here.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use model::{
    observed::{DhcpHost, DhcpRange, Lease, Network, Subnet},
    step::ServedNetwork,
};
use roxmltree::Node;

use super::xml::{XmlError, attribute, child, children, clean, parse, text};

/// As many options of dnsmasq are looked at.
const OPTIONS: usize = 64;

/// What libvirt says of a network beside its XML.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    pub active: bool,
    pub persistent: bool,
    pub autostart: bool,
    pub leases: Vec<Lease>,
}

pub fn read(status: Status, xml: &str) -> Result<Network, XmlError> {
    let document = parse(xml)?;
    let network = document.root_element();
    Ok(Network {
        name: clean(text(network, "name").ok_or(XmlError::Missing("name"))?, 256),
        uuid: clean(text(network, "uuid").unwrap_or_default(), 64),
        active: status.active,
        persistent: status.persistent,
        autostart: status.autostart,
        bridge: attribute(network, "bridge", "name").map(|name| clean(name, 64)),
        // The mode may be left out and is then nat (libvirt, docs/formatnetwork.rst).
        forward: child(network, "forward").map(|forward| clean(forward.attribute("mode").unwrap_or("nat"), 64)),
        domain: attribute(network, "domain", "name").map(|name| clean(name, 256)),
        subnets: children(network, "ip").filter_map(subnet).collect(),
        leases: status.leases,
        ours: child(network, "metadata").is_some_and(|metadata| {
            metadata.children().any(|node| node.tag_name().namespace() == Some(ServedNetwork::OURS))
        }),
        options: options(network),
    })
}

/// The options of its dnsmasq.
fn options(network: Node<'_, '_>) -> Vec<String> {
    let options = child(network, "options").filter(|node| node.tag_name().namespace() == Some(ServedNetwork::DNSMASQ));
    let values = options.into_iter().flat_map(|options| children(options, "option"));
    values.filter_map(|option| option.attribute("value")).take(OPTIONS).map(|value| clean(value, 256)).collect()
}

fn subnet(ip: Node<'_, '_>) -> Option<Subnet> {
    let address: IpAddr = ip.attribute("address")?.parse().ok()?;
    let dhcp = child(ip, "dhcp");
    Some(Subnet {
        address: IpNet::new(address, prefix(ip, address)?).ok()?,
        ranges: dhcp.map_or_else(Vec::new, |dhcp| children(dhcp, "range").filter_map(range).collect()),
        hosts: dhcp.map_or_else(Vec::new, |dhcp| children(dhcp, "host").filter_map(host).collect()),
    })
}

/// `prefix`, or `netmask`, or what the address's class says, as libvirt does (virSocketAddrGetIPPrefix).
fn prefix(ip: Node<'_, '_>, address: IpAddr) -> Option<u8> {
    if let Some(prefix) = ip.attribute("prefix") {
        return prefix.parse().ok();
    }
    if let Some(netmask) = ip.attribute("netmask") {
        let mask: Ipv4Addr = netmask.parse().ok()?;
        return ipnet::ipv4_mask_to_prefix(mask).ok();
    }
    match address {
        IpAddr::V4(v4) => Some(match v4.octets()[0] {
            0..=127 => 8,
            128..=191 => 16,
            192..=223 => 24,
            _ => return None,
        }),
        IpAddr::V6(_) => Some(64),
    }
}

fn range(node: Node<'_, '_>) -> Option<DhcpRange> {
    Some(DhcpRange { start: node.attribute("start")?.parse().ok()?, end: node.attribute("end")?.parse().ok()? })
}

fn host(node: Node<'_, '_>) -> Option<DhcpHost> {
    Some(DhcpHost {
        mac: node.attribute("mac").and_then(|mac| mac.parse().ok()),
        name: node.attribute("name").map(|name| clean(name, 256)),
        address: node.attribute("ip")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests;
