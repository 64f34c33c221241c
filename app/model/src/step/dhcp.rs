//! A network of ours, by which libvirt makes a bridge and gives addresses on it.

use std::net::IpAddr;

use borsh::{BorshDeserialize, BorshSerialize};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::interface::escape;
use crate::{
    Mac,
    observed::{DhcpHost, DhcpRange, Network, Subnet},
    wire,
};

/// dnsmasq's option for whom guests are told to go by (RFC 2132, 3.5); without a value they are told of nobody.
const ROUTER: &str = "dhcp-option=3";

/// Its definition: all that is ours to say. It forwards as the host does (`<forward mode='open'/>`), with no rule of
/// libvirt's, and its bridge has its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServedNetwork {
    pub name: String,
    /// Of the bridge; libvirt's choice if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// Of the host on the bridge, with its prefix length.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
    pub address: IpNet,
    pub ranges: Vec<DhcpRange>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<DhcpHost>,
    /// Of its dnsmasq.
    pub options: Vec<String>,
    /// It starts with the host.
    pub autostart: bool,
}

impl ServedNetwork {
    /// The namespace of dnsmasq's options in libvirt's XML.
    pub const DNSMASQ: &'static str = "http://libvirt.org/schemas/network/dnsmasq/1.0";
    /// The namespace of the mark by which it is known as ours.
    pub const OURS: &'static str = "https://bridgehead.dev/network/1";

    /// As it is defined now. `mac` is its bridge's.
    pub fn of(network: &Network, mac: Option<Mac>) -> Option<Self> {
        let subnet = subnet(network)?;
        Some(Self {
            name: network.name.clone(),
            mac,
            address: subnet.address,
            ranges: subnet.ranges.clone(),
            hosts: subnet.hosts.clone(),
            options: network.options.clone(),
            autostart: network.autostart,
        })
    }

    /// As libvirt would tell of it, before it is started.
    pub fn network(&self) -> Network {
        let subnet = Subnet { address: self.address, ranges: self.ranges.clone(), hosts: self.hosts.clone() };
        Network {
            name: self.name.clone(),
            persistent: true,
            autostart: self.autostart,
            bridge: Some(self.name.clone()),
            forward: Some("open".to_owned()),
            subnets: vec![subnet],
            ours: true,
            options: self.options.clone(),
            ..Network::default()
        }
    }

    pub fn router(&self) -> Option<IpAddr> {
        router(&self.options)
    }

    /// Whether a network that is there needs no other definition: what can be changed while it runs does not count.
    pub fn is(&self, network: &Network) -> bool {
        network.forward.as_deref() == Some("open")
            && network.subnets.iter().map(|subnet| subnet.address).eq([self.address])
            && network.options.iter().any(|option| is_router(option))
            && router(&network.options) == self.router()
    }

    /// The XML, in one line.
    pub fn xml(&self) -> String {
        self.elements().iter().map(|line| line.trim_start()).collect()
    }

    /// The XML, line by line.
    pub(crate) fn elements(&self) -> Vec<String> {
        let name = escape(&self.name);
        let mut lines = vec![
            format!("<network xmlns:dnsmasq=\"{}\">", Self::DNSMASQ),
            format!("  <name>{name}</name>"),
            format!("  <metadata><bridgehead:served xmlns:bridgehead=\"{}\"/></metadata>", Self::OURS),
            "  <forward mode=\"open\"/>".to_owned(),
            format!("  <bridge name=\"{name}\" stp=\"off\" delay=\"0\"/>"),
        ];
        lines.extend(self.mac.map(|mac| format!("  <mac address=\"{mac}\"/>")));
        lines.push(format!("  <ip address=\"{}\" prefix=\"{}\">", self.address.addr(), self.address.prefix_len()));
        lines.push("    <dhcp>".to_owned());
        lines.extend(self.ranges.iter().map(|range| format!("      {}", range.element())));
        lines.extend(self.hosts.iter().map(|host| format!("      {}", host.element())));
        lines.extend(["    </dhcp>", "  </ip>", "  <dnsmasq:options>"].map(str::to_owned));
        let options = self.options.iter().map(|option| format!("    <dnsmasq:option value=\"{}\"/>", escape(option)));
        lines.extend(options);
        lines.extend(["  </dnsmasq:options>", "</network>"].map(str::to_owned));
        lines
    }
}

impl DhcpRange {
    pub(crate) fn element(&self) -> String {
        format!("<range start=\"{}\" end=\"{}\"/>", self.start, self.end)
    }
}

/// The subnet that it gives addresses in.
fn subnet(network: &Network) -> Option<&Subnet> {
    let four = || network.subnets.iter().filter(|subnet| subnet.address.addr().is_ipv4());
    four().find(|subnet| subnet.has_dhcp()).or_else(|| four().next())
}

fn is_router(option: &str) -> bool {
    option.strip_prefix(ROUTER).is_some_and(|rest| rest.is_empty() || rest.starts_with(','))
}

/// Whom guests are told to go by.
pub fn router(options: &[String]) -> Option<IpAddr> {
    let mut options = options.iter().filter(|option| is_router(option));
    options.find_map(|option| option.rsplit_once(',')?.1.parse().ok())
}

/// With that router in place of the one that was; what somebody else has set there stays.
pub fn with_router(options: &[String], router: Option<IpAddr>) -> Vec<String> {
    let own = router.map_or_else(|| ROUTER.to_owned(), |router| format!("{ROUTER},{router}"));
    options.iter().filter(|option| !is_router(option)).cloned().chain([own]).collect()
}
