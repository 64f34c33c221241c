//! The one way that a machine sends a packet, or why it has none.

use std::net::IpAddr;

use super::{
    machine::{Machine, Route},
    route::{Flow, Way, is_link_local},
    stack::LOOPBACK,
    stop::Stop,
};
use crate::topology::MAIN;

#[derive(Debug, Clone, Copy)]
pub struct Out<'a> {
    /// `None` for the machine itself.
    pub route: Option<Route<'a>>,
    pub interface: &'a str,
    pub next_hop: IpAddr,
}

impl<'a> Out<'a> {
    pub fn of(machine: &Machine<'a>, flow: Flow<'_>) -> Result<Self, Stop> {
        let route = route(machine, flow)?;
        let interface = route.map_or(Ok(LOOPBACK), |route| leaves_by(machine, route))?;
        let next_hop = route.and_then(|route| route.gateway).unwrap_or(flow.destination);
        Ok(Self { route, interface, next_hop })
    }

    /// The source of what the machine itself sends this way.
    pub fn speaks_by(&self, machine: &Machine<'a>) -> Result<IpAddr, Stop> {
        let Some(route) = self.route else { return Ok(self.next_hop) };
        let chosen = route.source.or_else(|| machine.speaks_by(self.interface, self.next_hop));
        chosen.ok_or_else(|| mute(machine, self.interface, self.next_hop.is_ipv6()))
    }
}

/// The one route that it takes; `None` if it stays.
fn route<'a>(machine: &Machine<'a>, flow: Flow<'_>) -> Result<Option<Route<'a>>, Stop> {
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
        (Way::Nowhere, Some(link)) if to.is_ipv4() || is_link_local(to) => {
            let interface = machine.interface(link).map(|interface| interface.name);
            Ok(Some(Route {
                table: MAIN,
                destination: to.into(),
                gateway: None,
                interface,
                metric: 0,
                source: None,
                kind: "unicast",
                connected: false,
            }))
        }
        (Way::Nowhere, _) => Err(Stop::no(
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
