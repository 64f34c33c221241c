//! `RTM_NEWLINK` to [`Link`].

use model::{
    Mac,
    observed::{Bridge, Link, Port, Tun},
};
use rtnetlink::packet_core::{DecodeError, Emitable, Nla, NlasIterator, ParseableParametrized};
use rtnetlink::packet_route::link::{
    BridgePortState, BridgeStpState, InfoBridge, InfoBridgePort, InfoData, InfoPortData, InfoTun, LinkAttribute,
    LinkFlags, LinkHeader, LinkInfo,
};

/// `USER_HZ`: the kernel gives a bridge's times in hundredths of a second.
const HZ: u32 = 100;

/// Attributes of linux/if_link.h that are read: a message has some sixty.
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_IFALIAS: u16 = 20;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_LINK_NETNSID: u16 = 37;
/// Inside `IFLA_AF_SPEC`, with the numbers of linux/ip.h that count from 1.
const AF_INET: u16 = 2;
const IFLA_INET_CONF: u16 = 1;
const IPV4_DEVCONF_FORWARDING: usize = 1;
const IPV4_DEVCONF_RP_FILTER: usize = 8;

pub fn decode(payload: &[u8]) -> Result<Link, DecodeError> {
    let header = LinkHeader::parse(payload)?;
    let mut link = Link {
        index: header.index,
        loopback: header.flags.contains(LinkFlags::Loopback),
        up: header.flags.contains(LinkFlags::Up),
        carrier: header.flags.contains(LinkFlags::LowerUp),
        ..Link::default()
    };
    for attribute in NlasIterator::new(&payload[header.buffer_len()..]) {
        let attribute = attribute?;
        match attribute.kind() {
            IFLA_AF_SPEC => settings(&mut link, attribute.value())?,
            IFLA_ADDRESS | IFLA_IFNAME | IFLA_MTU | IFLA_LINK | IFLA_MASTER | IFLA_LINKINFO | IFLA_IFALIAS
            | IFLA_LINK_NETNSID => {
                put(&mut link, LinkAttribute::parse_with_param(&attribute, header.interface_family)?);
            }
            _ => {}
        }
    }
    Ok(link)
}

fn put(link: &mut Link, attribute: LinkAttribute) {
    match attribute {
        LinkAttribute::IfName(name) => link.name = name,
        LinkAttribute::Address(bytes) => link.mac = mac(&bytes),
        LinkAttribute::Mtu(mtu) => link.mtu = mtu,
        LinkAttribute::Controller(master) => link.master = Some(master).filter(|master| *master != 0),
        LinkAttribute::Link(peer) => link.peer = Some(peer).filter(|peer| *peer != 0),
        LinkAttribute::LinkNetNsId(_) => link.peer_elsewhere = true,
        LinkAttribute::IfAlias(alias) => link.alias = Some(alias),
        LinkAttribute::LinkInfo(infos) => details(link, infos),
        _ => {}
    }
}

/// An Ethernet address; tunnels have addresses of other lengths, loopback has zeros.
pub fn mac(bytes: &[u8]) -> Option<Mac> {
    bytes.try_into().ok().map(Mac).filter(|mac| mac.0 != [0; 6])
}

/// The IPv4 settings ride in the link dump: no file per interface has to be read. They are one array of numbers, of which
/// two are taken.
fn settings(link: &mut Link, families: &[u8]) -> Result<(), DecodeError> {
    for family in NlasIterator::new(families) {
        let family = family?;
        if family.kind() != AF_INET {
            continue;
        }
        for part in NlasIterator::new(family.value()) {
            let part = part?;
            if part.kind() == IFLA_INET_CONF {
                let setting = |number: usize| {
                    let bytes = part.value().get(4 * (number - 1)..)?.first_chunk()?;
                    Some(i32::from_ne_bytes(*bytes))
                };
                link.forwarding = setting(IPV4_DEVCONF_FORWARDING).map(|on| on != 0);
                link.rp_filter = setting(IPV4_DEVCONF_RP_FILTER).and_then(|mode| u8::try_from(mode).ok());
            }
        }
    }
    Ok(())
}

fn details(link: &mut Link, infos: Vec<LinkInfo>) {
    for info in infos {
        match info {
            LinkInfo::Kind(kind) => link.kind = Some(kind.to_string()),
            LinkInfo::Data(InfoData::Bridge(facts)) => link.bridge = Some(bridge(&facts)),
            LinkInfo::Data(InfoData::Tun(facts)) => link.tun = Some(tun(&facts)),
            LinkInfo::PortData(InfoPortData::BridgePort(facts)) => link.port = Some(port(&facts)),
            _ => {}
        }
    }
    // A bridge without details is a bridge all the same.
    if link.kind.as_deref() == Some("bridge") && link.bridge.is_none() {
        link.bridge = Some(Bridge::default());
    }
}

fn bridge(facts: &[InfoBridge]) -> Bridge {
    let mut bridge = Bridge::default();
    for fact in facts {
        match fact {
            InfoBridge::StpState(state) => bridge.stp = *state != BridgeStpState::Disabled,
            InfoBridge::ForwardDelay(time) => bridge.forward_delay = Some(time / HZ),
            InfoBridge::AgeingTime(time) => bridge.ageing = Some(time / HZ),
            InfoBridge::VlanFiltering(on) => bridge.vlan_filtering = *on,
            InfoBridge::NfCallIpTables(on) => bridge.nf_call_iptables = *on,
            InfoBridge::NfCallIp6Tables(on) => bridge.nf_call_ip6tables = *on,
            _ => {}
        }
    }
    bridge
}

fn port(facts: &[InfoBridgePort]) -> Port {
    let mut port = Port::default();
    for fact in facts {
        match fact {
            InfoBridgePort::State(state) => {
                port.state = match state {
                    BridgePortState::Disabled => "disabled".to_owned(),
                    BridgePortState::Listening => "listening".to_owned(),
                    BridgePortState::Learning => "learning".to_owned(),
                    BridgePortState::Forwarding => "forwarding".to_owned(),
                    BridgePortState::Blocking => "blocking".to_owned(),
                    other => u8::from(*other).to_string(),
                }
            }
            InfoBridgePort::Isolated(on) => port.isolated = *on,
            InfoBridgePort::HairpinMode(on) => port.hairpin = *on,
            InfoBridgePort::Learning(on) => port.learning = *on,
            _ => {}
        }
    }
    port
}

/// `IFLA_TUN_TYPE`, `IFLA_TUN_VNET_HDR`, `IFLA_TUN_PERSIST` of linux/if_link.h, one byte each.
fn tun(facts: &[InfoTun]) -> Tun {
    let byte = |kind| {
        facts.iter().find(|fact| fact.kind() == kind && fact.value_len() == 1).map(|fact| {
            let mut value = [0];
            fact.emit_value(&mut value);
            value[0]
        })
    };
    Tun {
        mode: match byte(3) {
            Some(1) => "tun".to_owned(),
            Some(2) => "tap".to_owned(),
            other => other.map_or_else(String::new, |other| other.to_string()),
        },
        vnet_hdr: byte(5) == Some(1),
        persist: byte(6) == Some(1),
    }
}
