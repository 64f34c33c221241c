//! Who asks, and at which address who is asked.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    Origin, Packet, Question, Target,
    cable::running,
    machine::{Station, name_of},
    route::is_link_local,
    stack::{self, LOOPBACK},
    stop::Stop,
    walk::{At, Walk},
};
use crate::{
    note::Subject,
    observed::{Domain, Link},
    topology::MAIN,
};

/// Who asks, and how.
#[derive(Debug, Clone, Copy)]
pub enum Asker<'a> {
    Machine { station: Station<'a>, interface: Option<&'a str> },
    Outside { uplink: &'a Link, address: IpAddr },
}

impl<'a> Walk<'a> {
    pub fn asker(&mut self, question: &Question) -> Result<Asker<'a>, Stop> {
        match &question.from {
            Origin::Host => Ok(Asker::Machine { station: None, interface: None }),
            Origin::Guest { guest, interface } => {
                let domain = self.domain(guest)?;
                running(domain)?;
                let machine = self.machine(Some(&domain.name))?;
                let interface = match interface {
                    None => None,
                    Some(name) => Some(machine.interface(name).map(|own| own.name).ok_or_else(|| {
                        Stop::no(
                            Subject::Guest(guest.clone()),
                            format!("{guest} has no interface {name}"),
                            format!("{guest} 没有接口 {name}"),
                        )
                    })?),
                };
                Ok(Asker::Machine { station: Some(&domain.name), interface })
            }
            Origin::Outside { uplink, address } => {
                let best = self.default_route(question.wants_v6());
                let link = match uplink {
                    Some(name) => self.links.get(name.as_str()).copied(),
                    None => best.and_then(|(link, _)| link),
                };
                let link = link.map(|link| self.uplink_of(link));
                let address =
                    address.or_else(|| best.and_then(|(_, gateway)| gateway)).filter(|it| !is_link_local(*it));
                match (link, address) {
                    (Some(uplink), Some(address)) => Ok(Asker::Outside { uplink, address }),
                    _ => Err(Stop::unknown(
                        Subject::Outside,
                        "it is not said by which uplink and from which address the outside asks, and no default route tells",
                        "没有说明外部从哪个上行链路、以哪个地址来询问，也没有默认路由可以说明",
                    )),
                }
            }
        }
    }

    /// The link and the next hop of the host's best default route.
    fn default_route(&self, v6: bool) -> Option<(Option<&'a Link>, Option<IpAddr>)> {
        let routes = self.observed.routes.iter().filter(|route| {
            route.table == MAIN
                && route.is_default()
                && route.destination.addr().is_ipv6() == v6
                && route.kind == "unicast"
        });
        let best = routes.min_by_key(|route| route.metric)?;
        Some((best.link.and_then(|index| self.observed.links.get(&index)), best.gateway))
    }

    /// The port by which a bridge leads outside; the link itself if it is no bridge.
    fn uplink_of(&self, link: &'a Link) -> &'a Link {
        let mut ports = self.observed.links.values().filter(|port| port.master == Some(link.index));
        ports.find(|port| crate::topology::is_uplink(self.observed, port)).unwrap_or(link)
    }

    fn domain(&self, guest: &str) -> Result<&'a Domain, Stop> {
        self.observed.domains.get(guest).ok_or_else(|| {
            Stop::no(
                Subject::Guest(guest.to_owned()),
                format!("there is no guest {guest}"),
                format!("没有名为 {guest} 的虚拟机"),
            )
        })
    }

    /// The address that is asked, by the name that is asked for.
    pub fn destination(&mut self, asker: Asker<'a>, question: &Question) -> Result<IpAddr, Stop> {
        let (subject, name, addresses) = match &question.to {
            Target::Address { address } => return Ok(*address),
            Target::Host => (
                Subject::Host,
                "host",
                self.machine(None)?.interfaces.iter().flat_map(|own| own.addresses.clone()).collect(),
            ),
            Target::Guest { guest } => {
                let domain = self.domain(guest)?;
                running(domain)?;
                (Subject::Guest(guest.clone()), guest.as_str(), self.addresses(domain)?)
            }
        };
        let usable = |net: &IpNet| {
            net.addr().is_ipv6() == question.wants_v6() && !net.addr().is_loopback() && !is_link_local(net.addr())
        };
        let all: Vec<IpNet> = addresses.into_iter().filter(usable).collect();
        let near = self.near(asker)?;
        let nearest = all.iter().find(|net| near.iter().any(|own| net.contains(own)));
        nearest.or(all.first()).map(IpNet::addr).ok_or_else(|| {
            let version = if question.wants_v6() { "IPv6" } else { "IPv4" };
            Stop::no(subject, format!("{name} has no {version} address"), format!("{name} 没有 {version} 地址"))
        })
    }

    /// What is known of a guest's addresses, by itself or by its leases.
    fn addresses(&self, domain: &Domain) -> Result<Vec<IpNet>, Stop> {
        let guest = &domain.name;
        let told = self.observed.guests.get(guest).map(|facts| &facts.interfaces).filter(|all| !all.is_empty());
        if let Some(told) = told {
            return Ok(told.iter().flat_map(|interface| interface.addresses.clone()).collect());
        }
        let own = |mac| domain.nics.iter().any(|nic| Some(nic.mac) == mac);
        let leases = self.observed.networks.values().flat_map(|network| &network.leases);
        let leased: Vec<IpNet> = leases.filter(|lease| own(lease.mac)).map(|lease| lease.address).collect();
        if leased.is_empty() {
            return Err(Stop::unknown(
                Subject::Guest(guest.clone()),
                format!("{guest} does not tell of its addresses"),
                format!("{guest} 没有报告它的地址"),
            ));
        }
        Ok(leased)
    }

    /// The asker's own addresses, where it may ask from.
    fn near(&mut self, asker: Asker<'a>) -> Result<Vec<IpAddr>, Stop> {
        Ok(match asker {
            Asker::Outside { address, .. } => vec![address],
            Asker::Machine { station, interface } => {
                let machine = self.machine(station)?;
                let here = machine.interfaces.iter().filter(|own| interface.is_none_or(|name| own.name == name));
                here.flat_map(|own| own.addresses.iter().map(IpNet::addr)).collect()
            }
        })
    }

    /// Whether it ended where it was meant to.
    pub fn ended(&self, question: &Question, at: At<'a>) -> Result<(), Stop> {
        let meant = match (&question.to, at) {
            (Target::Address { .. }, _) | (Target::Host, At::Machine(None)) => true,
            (Target::Guest { guest }, At::Machine(Some(name))) => guest == name,
            _ => false,
        };
        if meant { Ok(()) } else { Err(astray(at, "it", "它")) }
    }

    /// Whether the answer is one for whoever asked.
    pub fn answered(&self, asker: Asker<'a>, sent: &Packet, at: At<'a>, got: &Packet) -> Result<(), Stop> {
        let home = match (asker, at) {
            (Asker::Machine { station, .. }, At::Machine(end)) => station == end,
            (Asker::Outside { .. }, At::Outside(_)) => true,
            _ => false,
        };
        if !home {
            return Err(astray(at, "the answer", "应答"));
        }
        if let Asker::Machine { station, interface: Some(wanted) } = asker {
            let last = self.hops.last().map(|hop| &hop.place);
            if last.is_none_or(|place| [wanted, LOOPBACK].iter().all(|name| *place != stack::place(station, name))) {
                let name = name_of(station);
                return Err(Stop::no(
                    subject(asker),
                    format!("{name} asks by {wanted}, and would hear the answer only there"),
                    format!("{name} 通过 {wanted} 询问，只有从那里来的应答才会被听到"),
                ));
            }
        }
        if got.same_ends(&sent.answer()) {
            return Ok(());
        }
        let (asked, answers) = (sent.destination, got.source);
        Err(Stop::no(
            subject(asker),
            format!("the answer is no answer: {asked} was asked, and it comes as {got}, from {answers}"),
            format!("这个应答不算应答：询问的是 {asked}，而它以 {got} 的样子来自 {answers}"),
        ))
    }
}

fn subject(asker: Asker<'_>) -> Subject {
    match asker {
        Asker::Machine { station, .. } => station.map_or(Subject::Host, |name| Subject::Guest(name.to_owned())),
        Asker::Outside { .. } => Subject::Outside,
    }
}

fn astray(at: At<'_>, en: &str, zh: &str) -> Stop {
    let (subject, place) = match at {
        At::Machine(None) => (Subject::Host, "host"),
        At::Machine(Some(guest)) => (Subject::Guest(guest.to_owned()), guest),
        At::Outside(link) => (Subject::Link(link.name.clone()), link.name.as_str()),
    };
    Stop::no(
        subject,
        format!("{en} ends at {place}, where it was not meant to go"),
        format!("{zh}到了 {place}，那不是它该去的地方"),
    )
}
