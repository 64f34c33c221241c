//! One packet, as it is somewhere on its way.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::Probe;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Packet {
    pub transport: Transport,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub source: IpAddr,
    /// `None` for a port that the asking system chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_port: Option<u16>,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub destination: IpAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_port: Option<u16>,
    /// The answer, on its way back.
    pub reply: bool,
}

/// The protocol above IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// An echo of ICMP, or of ICMPv6.
    Icmp,
    Tcp,
    Udp,
}

impl Packet {
    /// The first packet of the question.
    pub fn asking(probe: Probe, source: IpAddr, destination: IpAddr) -> Self {
        let (transport, destination_port) = match probe {
            Probe::Echo => (Transport::Icmp, None),
            Probe::Tcp { port } => (Transport::Tcp, Some(port)),
            Probe::Udp { port } => (Transport::Udp, Some(port)),
        };
        Self { transport, source, source_port: None, destination, destination_port, reply: false }
    }

    /// What answers it.
    #[must_use]
    pub fn answer(self) -> Self {
        Self { reply: !self.reply, ..self.turned() }
    }

    /// Both ends exchanged.
    #[must_use]
    pub fn turned(self) -> Self {
        Self {
            source: self.destination,
            source_port: self.destination_port,
            destination: self.source,
            destination_port: self.source_port,
            ..self
        }
    }

    /// Whether both are between the same ends, in the same direction.
    pub fn same_ends(&self, other: &Self) -> bool {
        (self.transport, self.source, self.source_port, self.destination, self.destination_port)
            == (other.transport, other.source, other.source_port, other.destination, other.destination_port)
    }

    pub fn is_v6(&self) -> bool {
        self.destination.is_ipv6()
    }
}

/// `192.168.48.20 > 10.0.0.9 icmp`, `192.168.48.20 > 10.0.0.9:443 tcp`: ports that are not known are left out.
impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |address: IpAddr, port: Option<u16>| match (address, port) {
            (IpAddr::V6(address), Some(port)) => format!("[{address}]:{port}"),
            (address, Some(port)) => format!("{address}:{port}"),
            (address, None) => address.to_string(),
        };
        let transport = match self.transport {
            Transport::Icmp if self.is_v6() => "icmpv6",
            Transport::Icmp => "icmp",
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        };
        let (from, to) = (end(self.source, self.source_port), end(self.destination, self.destination_port));
        write!(f, "{from} > {to} {transport}")
    }
}
