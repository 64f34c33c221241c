//! What one machine does: send, receive, forward.

use std::net::IpAddr;

use super::{
    Packet, Place,
    firewall::Hook,
    machine::{Machine, Route, Station},
    route::{Flow, Way, is_link_local},
    stop::Stop,
    walk::{At, End, Leaving, Received, Walk},
};
use crate::RpFilter;

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
        let Some(route) = outward(&machine, flow)? else { return Ok((packet, self.at_home(station, packet))) };
        let interface = leaves_by(&machine, route)?;
        let next_hop = route.gateway.unwrap_or(packet.destination);
        let chosen = source.or(route.source).or_else(|| machine.speaks_by(interface, next_hop));
        let made = Packet { source: chosen.ok_or_else(|| mute(&machine, interface, packet.is_v6()))?, ..packet };
        let (mut scene, track) = self.scene(&machine, made);
        scene.out_link = Some(interface);
        self.pass(Hook::Ip("output"), &mut scene, track)?;
        let mut leaving = (route, interface);
        if scene.packet.destination != made.destination || scene.mark != Some(0) {
            let flow =
                Flow { source: Some(made.source), destination: scene.packet.destination, mark: scene.mark, ..flow };
            match outward(&machine, flow)? {
                Some(route) => leaving = (route, leaves_by(&machine, route)?),
                None => return Ok((made, self.at_home(station, scene.packet))),
            }
        }
        let (route, interface) = leaving;
        self.routed(route.to_string());
        scene.out_link = Some(interface);
        let next_hop = route.gateway.unwrap_or(scene.packet.destination);
        scene.next_hop = Some(next_hop);
        self.pass(Hook::Ip("postrouting"), &mut scene, track)?;
        let leaving = Leaving { station, interface, next_hop, packet: scene.packet };
        let arrival = self.carry(leaving)?;
        Ok((made, self.travel(arrival)?))
    }

    /// To itself.
    fn at_home(&mut self, station: Station<'a>, packet: Packet) -> End<'a> {
        self.hop(place(station, "lo"), packet);
        let source = if packet.source.is_unspecified() { packet.destination } else { packet.source };
        End { at: At::Machine(station), packet: Packet { source, ..packet } }
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
        let Some(route) = outward(&machine, flow)? else { return Ok(Received::Here(scene.packet)) };
        let out = leaves_by(&machine, route)?;
        let next_hop = route.gateway.unwrap_or(destination);
        self.routed(route.to_string());
        (scene.out_link, scene.next_hop) = (Some(out), Some(next_hop));
        self.pass(Hook::Ip("forward"), &mut scene, track)?;
        self.settle();
        self.pass(Hook::Ip("postrouting"), &mut scene, track)?;
        Ok(Received::On(Leaving { station, interface: out, next_hop, packet: scene.packet }))
    }

    fn may_forward(&mut self, machine: &Machine<'a>, interface: &str, packet: &Packet) -> Result<(), Stop> {
        let (name, to) = (machine.name(), packet.destination);
        if machine.is_broadcast(to) {
            return Err(Stop::unknown(
                machine.subject(),
                format!("{to} is for many, and only the way to one is looked at"),
                format!("{to} 是发给多台机器的，这里只看发给一台的路径"),
            ));
        }
        let setting = if packet.is_v6() { "net.ipv6.conf.all.forwarding" } else { "net.ipv4.ip_forward" };
        match machine.forwards(interface, packet.is_v6()) {
            Some(true) => {}
            Some(false) => {
                return Err(Stop::no(
                    machine.subject(),
                    format!("{name} does not forward: it is asked to pass it on to {to}, and {setting} is 0"),
                    format!("{name} 不转发：要它把包传给 {to}，但 {setting} 为 0"),
                )
                .setting(format!("{setting}=0")));
            }
            None => self.doubt(Stop::unknown(
                machine.subject(),
                format!("it is not known whether {name} forwards ({setting})"),
                format!("不知道 {name} 是否转发（{setting}）"),
            )),
        }
        Ok(())
    }

    /// Reverse path filtering (`fib_validate_source`, net/ipv4/fib_frontend.c): IPv4 only.
    fn validate(&mut self, machine: &Machine<'a>, interface: &str, packet: &Packet) -> Result<(), Stop> {
        if packet.is_v6() {
            return Ok(());
        }
        let (name, source) = (machine.name(), packet.source);
        if machine.has(source) {
            return Err(Stop::no(
                machine.subject(),
                format!("{name} takes no packet from outside that says it comes from {source}, an address of its own"),
                format!("{name} 不接受从外面来、却自称来自自己的地址 {source} 的包"),
            ));
        }
        let mode = machine.rp_filter(interface);
        let number = mode.map_or(0, RpFilter::number);
        let setting = format!("net.ipv4.conf.{interface}.rp_filter={number}");
        let back = machine.way_back(source, packet.destination);
        if matches!(&back, Way::Out(routes) if routes.iter().any(|route| route.interface == Some(interface))) {
            return Ok(());
        }
        match (mode, back) {
            (Some(RpFilter::Off), _) | (Some(RpFilter::Loose), Way::Out(_)) => Ok(()),
            (None, _) | (_, Way::Unclear(_) | Way::Local) => {
                self.doubt(unread(machine, interface));
                Ok(())
            }
            (Some(RpFilter::Strict), Way::Out(routes)) => {
                let route = routes.first().map(Route::to_string).unwrap_or_default();
                Err(Stop::no(
                    machine.subject(),
                    format!(
                        "{name} filters by reverse path on {interface}, strictly: what it sends to {source} leaves by \
                         another interface ({route}), so what comes from there by {interface} is dropped before any \
                         program sees it"
                    ),
                    format!(
                        "{name} 在 {interface} 上做严格的反向路径过滤：它发往 {source} 的包从另一个接口出去（{route}），\
                         所以从 {interface} 进来的、来自那里的包在任何程序看到之前就被丢弃"
                    ),
                )
                .setting(setting))
            }
            (_, Way::Refused(_) | Way::Nowhere) => Err(Stop::no(
                machine.subject(),
                format!("{name} filters by reverse path on {interface}, and has no route back to {source}"),
                format!("{name} 在 {interface} 上做反向路径过滤，而它没有回到 {source} 的路由"),
            )
            .setting(setting)),
        }
    }
}

pub fn place(station: Station<'_>, interface: &str) -> Place {
    match station {
        None => Place::Host { link: interface.to_owned() },
        Some(guest) => Place::Guest { guest: guest.to_owned(), interface: interface.to_owned() },
    }
}

/// The one route that it takes; `None` if it stays.
fn outward<'a>(machine: &Machine<'a>, flow: Flow<'_>) -> Result<Option<Route<'a>>, Stop> {
    let (name, to) = (machine.name(), flow.destination);
    if is_link_local(to) && to.is_ipv6() && flow.out_link.is_none() && !machine.has(to) {
        return Err(Stop::unknown(
            machine.subject(),
            format!("{to} is an address on every link, and it is not said which is meant"),
            format!("{to} 在每个链路上都有效，没有说明是哪一个"),
        ));
    }
    match (machine.way(flow), flow.out_link) {
        (Way::Local, _) => Ok(None),
        (Way::Out(routes), _) => match routes.as_slice() {
            [route] => Ok(Some(*route)),
            several => {
                let all: Vec<String> = several.iter().map(Route::to_string).collect();
                let all = all.join(", ");
                Err(Stop::unknown(
                    machine.subject(),
                    format!("{name} has several equal routes to {to}: {all}"),
                    format!("{name} 有几条同样好的路由通往 {to}：{all}"),
                ))
            }
        },
        // Who insists on an interface asks there, route or not (`ip_route_output_key_hash_rcu`, net/ipv4/route.c).
        (Way::Nowhere, Some(link)) => {
            let interface = machine.interface(link).map(|interface| interface.name);
            Ok(Some(Route {
                table: crate::topology::MAIN,
                destination: to.into(),
                gateway: None,
                interface,
                metric: 0,
                source: None,
                kind: "unicast",
                connected: false,
            }))
        }
        (Way::Nowhere, None) => Err(Stop::no(
            machine.subject(),
            format!("{name} has no route to {to}"),
            format!("{name} 没有通往 {to} 的路由"),
        )),
        (Way::Refused(route), _) => Err(Stop::no(
            machine.subject(),
            format!("{name} has a route that refuses {to}: {route}"),
            format!("{name} 有一条拒绝 {to} 的路由：{route}"),
        )),
        (Way::Unclear(rule), _) => Err(Stop::unknown(
            machine.subject(),
            format!("this routing rule of {name} may be for it: {rule}"),
            format!("{name} 的这条路由规则可能适用于它：{rule}"),
        )),
    }
}

fn leaves_by<'a>(machine: &Machine<'a>, route: Route<'a>) -> Result<&'a str, Stop> {
    route.interface.ok_or_else(|| {
        let name = machine.name();
        Stop::unknown(
            machine.subject(),
            format!("this route of {name} names no interface that is known: {route}"),
            format!("{name} 的这条路由没有指明已知的接口：{route}"),
        )
    })
}

fn mute(machine: &Machine<'_>, interface: &str, v6: bool) -> Stop {
    let (name, version) = (machine.name(), if v6 { "IPv6" } else { "IPv4" });
    Stop::no(
        machine.subject(),
        format!("{name} has no {version} address to speak by on {interface}"),
        format!("{name} 在 {interface} 上没有可用的 {version} 地址"),
    )
}

fn unread(machine: &Machine<'_>, interface: &str) -> Stop {
    let name = machine.name();
    Stop::unknown(
        machine.subject(),
        format!(
            "what comes by {interface} is not answered by it, and how {name} filters by reverse path there is not known"
        ),
        format!("从 {interface} 进来的包不从它回去，而不知道 {name} 在那里如何做反向路径过滤"),
    )
}
