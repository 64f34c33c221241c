//! Across a bridge of the host: ports, forwarding database, and br_netfilter.

use std::net::IpAddr;

use super::{
    Packet, Place,
    cable::alive,
    conntrack::Track,
    firewall::{Hook, Scene},
    segment::Holder,
    stop::Stop,
    walk::{Arrival, Walk},
};
use crate::{
    note::Subject,
    observed::{Link, Nic},
};

impl<'a> Walk<'a> {
    /// From a port, or from the host itself, to whoever has `next_hop`.
    pub fn cross(
        &mut self,
        bridge: &'a Link,
        from: Option<&'a Link>,
        next_hop: IpAddr,
        packet: Packet,
    ) -> Result<Arrival<'a>, Stop> {
        let name = &bridge.name;
        if !bridge.up {
            return Err(Stop::no(
                Subject::Link(name.clone()),
                format!("the bridge {name} is down"),
                format!("网桥 {name} 没有启用"),
            ));
        }
        if let Some(port) = from {
            self.open(bridge, port)?;
        }
        if bridge.bridge.as_ref().is_some_and(|bridge| bridge.vlan_filtering) {
            self.doubt(Stop::unknown(
                Subject::Link(name.clone()),
                format!("{name} filters VLANs, and those of its ports are not read"),
                format!("{name} 做 VLAN 过滤，而没有读到各端口的 VLAN"),
            ));
        }
        let holder = self.holder(bridge, from, next_hop)?;
        if from.is_some() {
            self.hop(Place::Host { link: name.clone() }, packet);
        }
        let to = match holder {
            Holder::Host => return self.upwards(bridge, from, packet),
            Holder::Guest(port, ..) | Holder::Outside(port) => port,
        };
        between(bridge, from, to)?;
        self.open(bridge, to)?;
        let packet = match from {
            Some(from) => self.bridged(bridge, from, to, packet)?,
            None => self.downwards(bridge, to, packet)?,
        };
        match holder {
            Holder::Guest(port, domain, nic) => {
                self.misdirected(bridge, port, nic)?;
                self.hop(Place::Host { link: port.name.clone() }, packet);
                self.reach_guest(domain, nic, packet)
            }
            _ => {
                self.hop(Place::Host { link: to.name.clone() }, packet);
                Ok(self.leave_by(to, packet))
            }
        }
    }

    fn open(&mut self, bridge: &Link, port: &Link) -> Result<(), Stop> {
        alive(port)?;
        let (name, bridge) = (&port.name, &bridge.name);
        let state = port.port.as_ref().map(|port| port.state.as_str()).unwrap_or_default();
        match state {
            "forwarding" => Ok(()),
            "" => {
                self.doubt(Stop::unknown(
                    Subject::Link(name.clone()),
                    format!("it is not known what the port {name} of {bridge} does"),
                    format!("不知道 {bridge} 的端口 {name} 的状态"),
                ));
                Ok(())
            }
            state => Err(Stop::no(
                Subject::Link(name.clone()),
                format!("the port {name} of {bridge} passes nothing on: it is {state}"),
                format!("{bridge} 的端口 {name} 不传递任何包：它的状态是 {state}"),
            )),
        }
    }

    /// From one port to another: not the host's, but its firewall may see it all the same.
    fn bridged(&mut self, bridge: &'a Link, from: &Link, to: &Link, packet: Packet) -> Result<Packet, Stop> {
        let host = self.machine(None)?;
        let filtered = self.filtered(bridge, packet.is_v6());
        let (mut scene, track) = match filtered {
            true => self.scene(&host, packet),
            false => (Scene::of(&host, packet, Track::NONE), Track::NONE),
        };
        let name = bridge.name.as_str();
        (scene.in_link, scene.in_port) = (Some(name), Some(from.name.as_str()));
        scene.next_hop = Some(packet.destination);
        self.pass(Hook::Ingress(&from.name), &mut scene, track)?;
        self.both("prerouting", filtered, &mut scene, track)?;
        if scene.packet.destination != packet.destination {
            return Err(Stop::unknown(
                Subject::Link(bridge.name.clone()),
                format!("a rule changes the destination of a frame that only crosses {}", bridge.name),
                format!("有规则改变了只是穿过 {} 的帧的目的地址", bridge.name),
            ));
        }
        (scene.out_link, scene.out_port) = (Some(name), Some(to.name.as_str()));
        self.both("forward", filtered, &mut scene, track)?;
        (scene.in_link, scene.in_port) = (None, None);
        self.both("postrouting", filtered, &mut scene, track)?;
        self.settle();
        Ok(scene.packet)
    }

    /// The chains of bridges, then those of IP if they see frames.
    fn both(&mut self, hook: &'static str, filtered: bool, scene: &mut Scene<'_>, track: Track) -> Result<(), Stop> {
        self.pass(Hook::Bridge(hook), scene, track)?;
        if filtered { self.pass(Hook::Ip(hook), scene, track) } else { Ok(()) }
    }

    /// Whether frames between ports pass the firewall of IP (br_netfilter): of all bridges, or of this one.
    fn filtered(&self, bridge: &Link, v6: bool) -> bool {
        let name = if v6 { "net.bridge.bridge-nf-call-ip6tables" } else { "net.bridge.bridge-nf-call-iptables" };
        let own = bridge.bridge.as_ref();
        let own = own.is_some_and(|own| if v6 { own.nf_call_ip6tables } else { own.nf_call_iptables });
        self.observed.sysctls.get(name).is_some_and(|value| value != "0" || own)
    }

    /// From a port to the host itself.
    fn upwards(&mut self, bridge: &'a Link, from: Option<&Link>, packet: Packet) -> Result<Arrival<'a>, Stop> {
        if let Some(from) = from {
            let host = self.machine(None)?;
            let mut scene = Scene::of(&host, packet, Track::NONE);
            (scene.in_link, scene.in_port) = (Some(bridge.name.as_str()), Some(from.name.as_str()));
            self.pass(Hook::Ingress(&from.name), &mut scene, Track::NONE)?;
            self.pass(Hook::Bridge("prerouting"), &mut scene, Track::NONE)?;
            self.pass(Hook::Bridge("input"), &mut scene, Track::NONE)?;
        }
        Ok(Arrival::Machine { station: None, interface: &bridge.name, packet })
    }

    /// From the host itself to a port.
    fn downwards(&mut self, bridge: &Link, to: &Link, packet: Packet) -> Result<Packet, Stop> {
        let host = self.machine(None)?;
        let mut scene = Scene::of(&host, packet, Track::NONE);
        (scene.out_link, scene.out_port) = (Some(bridge.name.as_str()), Some(to.name.as_str()));
        self.pass(Hook::Bridge("output"), &mut scene, Track::NONE)?;
        self.pass(Hook::Bridge("postrouting"), &mut scene, Track::NONE)?;
        self.settle();
        Ok(packet)
    }

    /// A MAC that the bridge was told is elsewhere.
    fn misdirected(&self, bridge: &Link, port: &Link, nic: &Nic) -> Result<(), Stop> {
        let told = self.observed.fdb.iter().find(|entry| {
            entry.mac == nic.mac
                && entry.state == "static"
                && entry.bridge == Some(bridge.index)
                && entry.port != port.index
        });
        let Some(told) = told else { return Ok(()) };
        let (name, mac) = (&bridge.name, nic.mac);
        let other = self.observed.links.get(&told.port).map_or("?", |link| link.name.as_str());
        Err(Stop::no(
            Subject::Link(name.clone()),
            format!("{name} was told that {mac} is behind {other}, and it is behind {}", port.name),
            format!("{name} 被告知 {mac} 在 {other} 后面，而它其实在 {} 后面", port.name),
        )
        .setting(format!("bridge fdb: {mac} dev {other} master static")))
    }
}

/// Whether the ports may talk to each other.
fn between(bridge: &Link, from: Option<&Link>, to: &Link) -> Result<(), Stop> {
    let Some(from) = from else { return Ok(()) };
    let (name, one, other) = (&bridge.name, &from.name, &to.name);
    let hairpin = from.port.as_ref().is_some_and(|port| port.hairpin);
    if from.index == to.index && !hairpin {
        return Err(Stop::no(
            Subject::Link(one.clone()),
            format!("{name} sends nothing back by the port that it came by, {one}"),
            format!("{name} 不会把包从它进来的端口 {one} 送回去"),
        )
        .setting("hairpin off"));
    }
    let isolated = |link: &Link| link.port.as_ref().is_some_and(|port| port.isolated);
    if from.index != to.index && isolated(from) && isolated(to) {
        return Err(Stop::no(
            Subject::Link(one.clone()),
            format!("{one} and {other} are both isolated ports of {name}: they do not talk to each other"),
            format!("{one} 和 {other} 都是 {name} 的隔离端口：它们之间不能通信"),
        )
        .setting("isolated on"));
    }
    Ok(())
}
