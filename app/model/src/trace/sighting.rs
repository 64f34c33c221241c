//! One frame that a capture saw.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::explain::{Packet, Probe, Transport};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sighting {
    /// Since the probe was begun.
    pub micros: u64,
    /// Of the host.
    pub link: String,
    pub packet: Packet,
}

/// Frame types (linux/if_ether.h).
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86DD;

impl Packet {
    /// The packet of an Ethernet frame, if it belongs to such a probe: a question, or what answers it. What goes on in a TCP
    /// connection after its first two packets is none.
    pub fn of_frame(frame: &[u8], probe: Probe) -> Option<Self> {
        let kind = u16::from_be_bytes(*frame.get(12..14)?.first_chunk()?);
        let (source, destination, protocol, rest) = match kind {
            IPV4 => v4(frame.get(14..)?)?,
            IPV6 => v6(frame.get(14..)?)?,
            _ => return None,
        };
        let at = |from: usize| rest.get(from..from + 2)?.first_chunk().copied().map(u16::from_be_bytes);
        let ports = (Some(at(0)?), Some(at(2)?));
        let (transport, (source_port, destination_port), reply) = match (probe, protocol) {
            (Probe::Echo, 1) => (Transport::Icmp, (None, None), echo(*rest.first()?, 8, 0)?),
            (Probe::Echo, 58) => (Transport::Icmp, (None, None), echo(*rest.first()?, 128, 129)?),
            (Probe::Tcp { .. }, 6) => (Transport::Tcp, ports, handshake(*rest.get(13)?)?),
            (Probe::Udp { port }, 17) => (Transport::Udp, ports, ports.1 != Some(port)),
            _ => return None,
        };
        Some(Self { transport, source, source_port, destination, destination_port, reply })
    }
}

type Parts<'f> = (IpAddr, IpAddr, u8, &'f [u8]);

/// RFC 791. Of a packet in fragments only the first tells.
fn v4(packet: &[u8]) -> Option<Parts<'_>> {
    let length = usize::from(packet.first()? & 0x0F) * 4;
    let fragment = u16::from_be_bytes(*packet.get(6..8)?.first_chunk()?) & 0x1FFF;
    let address = |from: usize| packet.get(from..from + 4)?.first_chunk::<4>().copied().map(IpAddr::from);
    (fragment == 0).then_some((address(12)?, address(16)?, *packet.get(9)?, packet.get(length..)?))
}

/// RFC 8200, without extension headers.
fn v6(packet: &[u8]) -> Option<Parts<'_>> {
    let address = |from: usize| packet.get(from..from + 16)?.first_chunk::<16>().copied().map(IpAddr::from);
    Some((address(8)?, address(24)?, *packet.get(6)?, packet.get(40..)?))
}

/// Whether it is the reply; `None` for what is neither.
fn echo(kind: u8, request: u8, reply: u8) -> Option<bool> {
    (kind == request || kind == reply).then_some(kind == reply)
}

/// Whether it answers: SYN asks; SYN and ACK, or RST, answers (RFC 9293).
fn handshake(flags: u8) -> Option<bool> {
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;
    match (flags & SYN != 0, flags & ACK != 0, flags & RST != 0) {
        (true, false, false) => Some(false),
        (true, true, false) | (_, _, true) => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ethernet(kind: u16, packet: &[u8]) -> Vec<u8> {
        [&[0x52; 12][..], &kind.to_be_bytes(), packet].concat()
    }

    fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut header = vec![0x45, 0, 0, 84, 0, 0, 0, 0, 64, protocol, 0, 0];
        header.extend([192, 168, 48, 20, 10, 0, 0, 9]);
        ethernet(IPV4, &[&header, payload].concat())
    }

    fn seen(frame: &[u8], probe: Probe) -> Option<String> {
        Packet::of_frame(frame, probe).map(|packet| format!("{packet}{}", if packet.reply { " reply" } else { "" }))
    }

    const TCP: Probe = Probe::Tcp { port: 443 };
    const UDP: Probe = Probe::Udp { port: 53 };

    fn tcp(flags: u8) -> Vec<u8> {
        ipv4(6, &[0x9C, 0x40, 0x01, 0xBB, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0])
    }

    #[test]
    fn frames_of_a_probe_are_read() {
        let says = |text: &str| Some(text.to_owned());
        assert_eq!(seen(&ipv4(1, &[8, 0, 0, 0, 0, 1, 0, 1]), Probe::Echo), says("192.168.48.20 > 10.0.0.9 icmp"));
        assert_eq!(seen(&ipv4(1, &[0; 8]), Probe::Echo), says("192.168.48.20 > 10.0.0.9 icmp reply"));
        assert_eq!(seen(&tcp(0x02), TCP), says("192.168.48.20:40000 > 10.0.0.9:443 tcp"));
        assert_eq!(seen(&tcp(0x12), TCP), says("192.168.48.20:40000 > 10.0.0.9:443 tcp reply"));
        assert_eq!(seen(&tcp(0x14), TCP), says("192.168.48.20:40000 > 10.0.0.9:443 tcp reply"));
        let udp = [0x9C, 0x40, 0, 53, 0, 8, 0, 0];
        assert_eq!(seen(&ipv4(17, &udp), UDP), says("192.168.48.20:40000 > 10.0.0.9:53 udp"));
        let mut v6 = vec![0x60, 0, 0, 0, 0, 8, 58, 64];
        v6.extend([0xFD; 16]);
        v6.extend([0xFC; 16]);
        v6.extend([129, 0, 0, 0, 0, 0, 0, 0]);
        let reply = seen(&ethernet(IPV6, &v6), Probe::Echo).expect("a packet");
        assert!(reply.ends_with("icmpv6 reply"), "{reply}");
    }

    #[test]
    fn what_is_of_no_probe_is_none() {
        assert_eq!(seen(&ipv4(1, &[3, 1, 0, 0, 0, 0, 0, 0]), Probe::Echo), None, "an error");
        assert_eq!(seen(&tcp(0x10), TCP), None, "later in the connection");
        assert_eq!(seen(&tcp(0x02), Probe::Echo), None, "another protocol");
        let mut later = ipv4(17, &[0; 8]);
        later[14 + 7] = 1;
        assert_eq!(seen(&later, UDP), None, "a later fragment");
    }

    #[test]
    fn no_frame_is_too_short_to_be_refused() {
        for whole in [tcp(0x02), ipv4(1, &[8; 8]), ipv4(17, &[1; 8]), ethernet(IPV6, &[0x60; 60])] {
            for length in 0..whole.len() {
                for probe in [Probe::Echo, TCP, UDP] {
                    let _ = Packet::of_frame(&whole[..length], probe);
                }
            }
        }
        assert_eq!(seen(&ethernet(IPV4, &[0x4F; 20]), Probe::Echo), None, "a header that is longer than the packet");
    }
}
