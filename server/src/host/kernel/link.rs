//! `RTM_NEWLINK` to [`Link`].

use model::{
    Mac,
    observed::{Bridge, Link, Port, Tun},
};
use rtnetlink::packet_core::Nla;
use rtnetlink::packet_route::link::{
    AfSpecInet, AfSpecUnspec, BridgePortState, BridgeStpState, InfoBridge, InfoBridgePort, InfoData, InfoPortData,
    InfoTun, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};

/// `USER_HZ`: the kernel gives a bridge's times in hundredths of a second.
const HZ: u32 = 100;

pub fn decode(message: LinkMessage) -> Link {
    let flags = message.header.flags;
    let mut link = Link {
        index: message.header.index,
        loopback: flags.contains(LinkFlags::Loopback),
        up: flags.contains(LinkFlags::Up),
        carrier: flags.contains(LinkFlags::LowerUp),
        ..Link::default()
    };
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name = name,
            LinkAttribute::Address(bytes) => link.mac = mac(&bytes),
            LinkAttribute::Mtu(mtu) => link.mtu = mtu,
            LinkAttribute::Controller(master) => link.master = Some(master).filter(|master| *master != 0),
            LinkAttribute::Link(peer) => link.peer = Some(peer).filter(|peer| *peer != 0),
            LinkAttribute::LinkNetNsId(_) => link.peer_elsewhere = true,
            LinkAttribute::IfAlias(alias) => link.alias = Some(alias),
            LinkAttribute::AfSpecUnspec(families) => settings(&mut link, &families),
            LinkAttribute::LinkInfo(infos) => details(&mut link, infos),
            _ => {}
        }
    }
    link
}

/// An Ethernet address; tunnels have addresses of other lengths, loopback has zeros.
pub fn mac(bytes: &[u8]) -> Option<Mac> {
    bytes.try_into().ok().map(Mac).filter(|mac| mac.0 != [0; 6])
}

/// The IPv4 settings ride in the link dump: no file per interface has to be read.
fn settings(link: &mut Link, families: &[AfSpecUnspec]) {
    let inet = families.iter().find_map(|family| if let AfSpecUnspec::Inet(inet) = family { Some(inet) } else { None });
    for part in inet.into_iter().flatten() {
        if let AfSpecInet::DevConf(conf) = part {
            link.forwarding = Some(conf.forwarding != 0);
            link.rp_filter = u8::try_from(conf.rp_filter).ok();
        }
    }
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
