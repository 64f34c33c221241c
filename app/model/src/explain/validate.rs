//! What a machine does not take, or not pass on, whatever its firewall says.

use super::{
    Packet,
    machine::{Machine, Route},
    route::Way,
    stack::LOOPBACK,
    stop::Stop,
    walk::Walk,
};
use crate::RpFilter;

impl<'a> Walk<'a> {
    pub fn may_forward(&mut self, machine: &Machine<'a>, interface: &str, packet: &Packet) -> Result<(), Stop> {
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
    pub fn validate(&mut self, machine: &Machine<'a>, interface: &str, packet: &Packet) -> Result<(), Stop> {
        if packet.is_v6() || interface == LOOPBACK {
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
