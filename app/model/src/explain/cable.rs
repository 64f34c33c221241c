//! Between machines: a guest's NIC, its tap, the bridge; a link of the host, and the world beyond.

use std::net::IpAddr;

use super::{
    Packet, Place,
    segment::Holder,
    stack::{LOOPBACK, place},
    stop::Stop,
    walk::{Arrival, End, Leaving, Walk},
};
use crate::{
    note::{Sentence, Subject},
    observed::{Attachment, Domain, DomainState, Link, Nic},
    topology,
};

impl<'a> Walk<'a> {
    /// From the interface that it leaves by to the next machine.
    pub fn carry(&mut self, leaving: Leaving<'a>) -> Result<Arrival<'a>, Stop> {
        let Leaving { station, interface, next_hop, packet } = leaving;
        self.hop(place(station, interface), packet);
        match station {
            _ if interface == LOOPBACK => Ok(Arrival::Machine { station, interface, packet }),
            Some(guest) => self.out_of_guest(guest, interface, next_hop, packet),
            None => self.out_of_host(interface, next_hop, packet),
        }
    }

    fn out_of_guest(
        &mut self,
        guest: &'a str,
        interface: &str,
        next_hop: IpAddr,
        packet: Packet,
    ) -> Result<Arrival<'a>, Stop> {
        let mac = self.machine(Some(guest))?.interface(interface).and_then(|interface| interface.mac);
        let domain = self.observed.domains.get(guest);
        let nic = domain.and_then(|domain| domain.nics.iter().find(|nic| Some(nic.mac) == mac));
        let (Some(domain), Some(nic)) = (domain, nic) else {
            return Err(Stop::unknown(
                Subject::Guest(guest.to_owned()),
                format!("{interface} of {guest} is no NIC that libvirt knows: where it leads cannot be seen"),
                format!("{guest} 的 {interface} 不是 libvirt 知道的网卡：看不到它通向哪里"),
            ));
        };
        let tap = self.plugged(domain, nic)?;
        self.hop(Place::Host { link: tap.name.clone() }, packet);
        self.by_port(tap, next_hop, packet)
    }

    fn out_of_host(&mut self, interface: &'a str, next_hop: IpAddr, packet: Packet) -> Result<Arrival<'a>, Stop> {
        let Some(link) = self.links.get(interface).copied() else {
            return Err(nowhere(interface));
        };
        if link.is_bridge() {
            return self.cross(link, None, next_hop, packet);
        }
        alive(link)?;
        if let Some((domain, nic)) = self.nics.get(interface).copied() {
            return self.reach_guest(domain, nic, packet);
        }
        if topology::is_uplink(self.observed, link) {
            self.ask_neighbour(link, next_hop);
            return Ok(self.leave_by(link, packet));
        }
        let here = link.peer.filter(|_| !link.peer_elsewhere && link.kind.as_deref() == Some("veth"));
        let Some(peer) = here.and_then(|index| self.observed.links.get(&index)) else {
            return Err(nowhere(interface));
        };
        self.hop(Place::Host { link: peer.name.clone() }, packet);
        alive(peer)?;
        match peer.master {
            Some(_) => self.by_port(peer, next_hop, packet),
            None => Ok(Arrival::Machine { station: None, interface: &peer.name, packet }),
        }
    }

    /// Into the bridge that the link is a port of.
    pub fn by_port(&mut self, port: &'a Link, next_hop: IpAddr, packet: Packet) -> Result<Arrival<'a>, Stop> {
        let bridge = port.master.and_then(|index| self.observed.links.get(&index)).filter(|master| master.is_bridge());
        let bridge = bridge.ok_or_else(|| {
            let name = &port.name;
            Stop::no(
                Subject::Link(name.clone()),
                format!("{name} is a port of no bridge: what comes by it has nowhere to go"),
                format!("{name} 不是任何网桥的端口：从它进来的包无处可去"),
            )
        })?;
        self.cross(bridge, Some(port), next_hop, packet)
    }

    /// Beyond an uplink, where nobody here can see.
    pub fn leave_by(&mut self, uplink: &'a Link, packet: Packet) -> Arrival<'a> {
        self.hop(Place::Outside { uplink: uplink.name.clone() }, packet);
        let name = &uplink.name;
        self.assume(Sentence::new(
            format!("whoever is beyond {name} is there and answers"),
            format!("{name} 之外的机器都在，并且会应答"),
        ));
        Arrival::Outside { uplink, packet }
    }

    /// From beyond an uplink: to whoever has the address there, else to the host.
    pub fn come_in(&mut self, uplink: &'a Link, packet: Packet) -> Result<End<'a>, Stop> {
        self.hop(Place::Outside { uplink: uplink.name.clone() }, packet);
        alive(uplink)?;
        self.hop(Place::Host { link: uplink.name.clone() }, packet);
        let bridge = uplink.master.and_then(|index| self.observed.links.get(&index)).filter(|link| link.is_bridge());
        let arrival = match bridge {
            None => Arrival::Machine { station: None, interface: &uplink.name, packet },
            Some(bridge) => {
                let to = packet.destination;
                let there = matches!(self.holder(bridge, Some(uplink), to), Ok(Holder::Host | Holder::Guest(..)));
                let mut own = bridge.addresses.iter().map(|address| address.net.addr());
                let host = own.find(|own| own.is_ipv4() == to.is_ipv4()).filter(|_| !there);
                self.cross(bridge, Some(uplink), host.unwrap_or(to), packet)?
            }
        };
        self.travel(arrival)
    }

    /// To a guest, by its tap.
    pub fn reach_guest(&mut self, domain: &'a Domain, nic: &'a Nic, packet: Packet) -> Result<Arrival<'a>, Stop> {
        self.plugged(domain, nic)?;
        let facts = self.observed.guests.get(&domain.name);
        let interface = facts.and_then(|facts| facts.interface(nic.mac));
        let Some(interface) = interface else {
            self.hop(place(Some(&domain.name), &nic.mac.to_string()), packet);
            // It says why.
            self.machine(Some(&domain.name))?;
            return Err(Stop::unknown(
                Subject::Nic(nic.mac.to_string()),
                format!("{} does not tell of its NIC {}", domain.name, nic.mac),
                format!("{} 没有报告它的网卡 {}", domain.name, nic.mac),
            ));
        };
        let (guest, name) = (&domain.name, &interface.name);
        self.hop(place(Some(guest), name), packet);
        if interface.up == Some(false) {
            return Err(Stop::no(
                Subject::Nic(nic.mac.to_string()),
                format!("{name} is down in {guest}"),
                format!("{guest} 里的 {name} 没有启用"),
            ));
        }
        Ok(Arrival::Machine { station: Some(guest), interface: name, packet })
    }

    /// The tap of a NIC that is in the running machine, with its cable in.
    fn plugged(&self, domain: &Domain, nic: &Nic) -> Result<&'a Link, Stop> {
        let (guest, mac) = (&domain.name, nic.mac);
        let subject = || Subject::Nic(mac.to_string());
        running(domain)?;
        match &nic.live {
            None => {
                return Err(Stop::no(
                    subject(),
                    format!("the NIC {mac} of {guest} is not in the running machine yet"),
                    format!("{guest} 的网卡 {mac} 还不在运行中的虚拟机里"),
                ));
            }
            Some(Attachment::Direct { dev, mode }) => {
                return Err(Stop::unknown(
                    subject(),
                    format!("the NIC {mac} of {guest} is a macvtap on {dev} ({mode}), which passes the host by"),
                    format!("{guest} 的网卡 {mac} 是 {dev} 上的 macvtap（{mode}），它绕过主机"),
                ));
            }
            Some(_) => {}
        }
        if !nic.link_up {
            return Err(Stop::no(
                subject(),
                format!("the cable of the NIC {mac} of {guest} is pulled out"),
                format!("{guest} 的网卡 {mac} 的网线被拔出了"),
            )
            .setting("<link state='down'/>"));
        }
        let tap = nic.tap.as_deref().and_then(|tap| self.links.get(tap)).copied().ok_or_else(|| {
            Stop::unknown(
                subject(),
                format!("the NIC {mac} of {guest} has no tap on the host that can be seen"),
                format!("看不到 {guest} 的网卡 {mac} 在主机上的 tap"),
            )
        })?;
        alive(tap)?;
        Ok(tap)
    }

    /// The host's ARP or NDP table remembers who did not answer.
    fn ask_neighbour(&mut self, link: &Link, next_hop: IpAddr) {
        let silent = self.observed.neighbours.iter().any(|known| {
            known.link == link.index && known.address == next_hop && matches!(&*known.state, "failed" | "incomplete")
        });
        if silent {
            let name = &link.name;
            self.doubt(Stop::unknown(
                Subject::Link(name.clone()),
                format!("nobody on {name} answered when the host last asked for {next_hop}"),
                format!("主机上次在 {name} 上询问 {next_hop} 时没有人应答"),
            ));
        }
    }
}

pub fn running(domain: &Domain) -> Result<(), Stop> {
    let guest = &domain.name;
    match domain.state {
        DomainState::Running => Ok(()),
        _ => Err(Stop::no(
            Subject::Guest(guest.clone()),
            format!("{guest} is not running"),
            format!("{guest} 没有在运行"),
        )),
    }
}

/// Up, and with somebody at the other end.
pub fn alive(link: &Link) -> Result<(), Stop> {
    let name = &link.name;
    let subject = Subject::Link(name.clone());
    if !link.up {
        return Err(Stop::no(subject, format!("{name} is down"), format!("{name} 没有启用")));
    }
    if !link.carrier {
        return Err(Stop::no(subject, format!("{name} has no carrier"), format!("{name} 没有载波信号")));
    }
    Ok(())
}

fn nowhere(link: &str) -> Stop {
    Stop::unknown(
        Subject::Link(link.to_owned()),
        format!("where {link} leads cannot be seen"),
        format!("看不到 {link} 通向哪里"),
    )
}
