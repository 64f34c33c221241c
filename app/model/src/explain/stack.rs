//! What one machine does: send, receive, forward.

use std::net::IpAddr;

use super::{
    Packet, Place,
    firewall::Hook,
    machine::Station,
    outward::Out,
    route::Flow,
    stop::Stop,
    walk::{End, Leaving, Received, Walk},
};

/// The interface by which a machine speaks to itself.
pub const LOOPBACK: &str = "lo";

impl<'a> Walk<'a> {
    /// Sends a packet of the machine's own. Without a `source` the machine chooses it; the packet comes back as it was made.
    pub fn send(
        &mut self,
        station: Station<'a>,
        packet: Packet,
        source: Option<IpAddr>,
        out_link: Option<&'a str>,
    ) -> Result<(Packet, End<'a>), Stop> {
        let machine = self.machine(station)?;
        let flow = Flow { source, destination: packet.destination, in_link: None, out_link, mark: Some(0) };
        let mut out = Out::of(&machine, flow)?;
        let source = source.map_or_else(|| out.speaks_by(&machine), Ok)?;
        let made = Packet { source, ..packet };
        let (mut scene, track) = self.scene(&machine, made);
        scene.out_link = Some(out.interface);
        self.pass(Hook::Ip("output"), &mut scene, track)?;
        let mark = if machine.reroutes() { scene.mark } else { flow.mark };
        if scene.packet.destination != made.destination || mark != flow.mark {
            out =
                Out::of(&machine, Flow { source: Some(source), destination: scene.packet.destination, mark, ..flow })?;
        }
        out.route.into_iter().for_each(|route| self.routed(route.to_string()));
        (scene.out_link, scene.next_hop) = (Some(out.interface), Some(out.next_hop));
        self.pass(Hook::Ip("postrouting"), &mut scene, track)?;
        let Out { interface, next_hop, .. } = out;
        let arrival = self.carry(Leaving { station, interface, next_hop, packet: scene.packet })?;
        Ok((made, self.travel(arrival)?))
    }

    /// Takes what came in by an interface: it is the machine's own, or goes on.
    pub fn receive(&mut self, station: Station<'a>, interface: &'a str, packet: Packet) -> Result<Received<'a>, Stop> {
        let machine = self.machine(station)?;
        let (mut scene, track) = self.scene(&machine, packet);
        scene.in_link = Some(interface);
        self.pass(Hook::Ingress(interface), &mut scene, track)?;
        self.pass(Hook::Ip("prerouting"), &mut scene, track)?;
        let destination = scene.packet.destination;
        if machine.has(destination) {
            self.validate(&machine, interface, &scene.packet)?;
            self.pass(Hook::Ip("input"), &mut scene, track)?;
            self.settle();
            return Ok(Received::Here(scene.packet));
        }
        self.may_forward(&machine, interface, &scene.packet)?;
        self.validate(&machine, interface, &scene.packet)?;
        let source = Some(scene.packet.source);
        let flow = Flow { source, destination, in_link: Some(interface), out_link: None, mark: scene.mark };
        let out = Out::of(&machine, flow)?;
        out.route.into_iter().for_each(|route| self.routed(route.to_string()));
        (scene.out_link, scene.next_hop) = (Some(out.interface), Some(out.next_hop));
        self.pass(Hook::Ip("forward"), &mut scene, track)?;
        self.settle();
        self.pass(Hook::Ip("postrouting"), &mut scene, track)?;
        let Out { interface, next_hop, .. } = out;
        Ok(Received::On(Leaving { station, interface, next_hop, packet: scene.packet }))
    }
}

pub fn place(station: Station<'_>, interface: &str) -> Place {
    match station {
        None => Place::Host { link: interface.to_owned() },
        Some(guest) => Place::Guest { guest: guest.to_owned(), interface: interface.to_owned() },
    }
}
