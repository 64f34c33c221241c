//! Which way a machine sends a packet, and by which address it speaks.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use super::{
    firewall::Truth,
    machine::{Machine, Route},
};
use crate::{observed::PolicyRule, topology::MAIN};

/// `RT_TABLE_DEFAULT` and the priorities of the kernel's own rules for it and for main (net/ipv4/fib_rules.c).
const DEFAULT: u32 = 253;
const MAIN_PRIORITY: u32 = 32766;
const DEFAULT_PRIORITY: u32 = 32767;

/// What a route is looked up for.
#[derive(Debug, Clone, Copy)]
pub struct Flow<'f> {
    pub source: Option<IpAddr>,
    pub destination: IpAddr,
    /// `None` for what the machine sends itself.
    pub in_link: Option<&'f str>,
    /// The interface that the sender insists on.
    pub out_link: Option<&'f str>,
    /// `None` if not known.
    pub mark: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way<'a> {
    /// To the machine itself.
    Local,
    /// The best route; several if they are equally good.
    Out(Vec<Route<'a>>),
    /// In words of `ip`: `unreachable 10.0.0.0/8`, `prohibit`.
    Refused(String),
    /// No route.
    Nowhere,
    /// This rule, in words of `ip`, may be for it or not.
    Unclear(String),
}

impl<'a> Machine<'a> {
    pub fn way(&self, flow: Flow<'_>) -> Way<'a> {
        let here = |link| self.interface(link).is_some_and(|interface| interface.has(flow.destination));
        if flow.out_link.map_or_else(|| self.has(flow.destination), here) {
            return Way::Local;
        }
        let mut rules: Vec<&PolicyRule> =
            self.rules.iter().copied().flatten().filter(|rule| rule.v6 == flow.destination.is_ipv6()).collect();
        rules.sort_by_key(|rule| rule.priority);
        let own = [PolicyRule::kernel(MAIN_PRIORITY, MAIN), PolicyRule::kernel(DEFAULT_PRIORITY, DEFAULT)];
        for (at, rule) in [MAIN_PRIORITY, DEFAULT_PRIORITY].into_iter().zip(&own) {
            rules.insert(rules.partition_point(|other| other.priority <= at), rule);
        }
        for rule in rules {
            let found = match (rule.kind.as_str(), rule.table) {
                ("nop", _) => continue,
                ("lookup", Some(table)) => self.best(table, flow, rule.suppress),
                ("blackhole" | "unreachable" | "prohibit", _) => Some(Way::Refused(rule.to_string())),
                _ => Some(Way::Unclear(rule.to_string())),
            };
            match (matches(rule, flow), found) {
                (Truth::Yes, Some(way)) => return way,
                (Truth::Maybe, Some(_)) => return Way::Unclear(rule.to_string()),
                _ => {}
            }
        }
        Way::Nowhere
    }

    /// The longest prefix of one table, of those the least metric; `None` to go on with the next rule.
    fn best(&self, table: u32, flow: Flow<'_>, suppress: Option<u8>) -> Option<Way<'a>> {
        let down = |route: &Route<'_>| {
            let interface = route.interface.and_then(|name| self.interface(name));
            interface.is_some_and(|interface| interface.up == Some(false))
        };
        let fits = |route: &&Route<'a>| {
            route.table == table
                && route.destination.contains(&flow.destination)
                && flow.out_link.is_none_or(|link| route.interface == Some(link))
                && !down(route)
        };
        let rank = |route: &Route<'_>| (u8::MAX - route.destination.prefix_len(), route.metric);
        let rank_of_best = self.routes.iter().filter(fits).map(rank).min()?;
        let best: Vec<_> =
            self.routes.iter().filter(fits).filter(|route| rank(route) == rank_of_best).copied().collect();
        let first = *best.first()?;
        match first.kind {
            "throw" => None,
            _ if suppress.is_some_and(|length| first.destination.prefix_len() <= length) => None,
            "unicast" => Some(Way::Out(best)),
            _ => Some(Way::Refused(first.to_string())),
        }
    }

    /// The address by which it speaks to `to` on this interface, if the route names none.
    pub fn speaks_by(&self, interface: &str, to: IpAddr) -> Option<IpAddr> {
        let usable = |own: &&IpNet| own.addr().is_ipv4() == to.is_ipv4() && !own.addr().is_loopback();
        let global = |own: &&IpNet| usable(own) && (is_link_local(own.addr()) == is_link_local(to) || to.is_ipv4());
        let here = self.interface(interface).map_or(&[][..], |interface| &interface.addresses);
        if let IpAddr::V6(wanted) = to {
            let alike = |own: IpAddr| match own {
                IpAddr::V6(own) => (u128::from(own) ^ u128::from(wanted)).leading_zeros(),
                IpAddr::V4(_) => 0,
            };
            let elsewhere = || self.interfaces.iter().flat_map(|interface| &interface.addresses).filter(global);
            let best = here.iter().filter(global).map(IpNet::addr).max_by_key(|own| alike(*own));
            return best.or_else(|| elsewhere().map(IpNet::addr).max_by_key(|own| alike(*own)));
        }
        let near = here.iter().filter(usable).find(|own| own.contains(&to));
        // Of several addresses in one subnet it is the first that was set, which the kernel's route names.
        let first = near.and_then(|near| {
            let mut connected =
                self.routes.iter().filter(|route| route.connected && route.interface == Some(interface));
            connected.find(|route| route.destination == near.trunc()).and_then(|route| route.source)
        });
        let elsewhere = || self.interfaces.iter().flat_map(|interface| &interface.addresses).find(usable);
        first.or_else(|| near.or_else(|| here.iter().find(usable)).or_else(elsewhere).map(IpNet::addr))
    }

    /// The routes by which an answer to this source would leave.
    pub fn way_back(&self, source: IpAddr, destination: IpAddr) -> Way<'a> {
        self.way(Flow { source: Some(destination), destination: source, in_link: None, out_link: None, mark: Some(0) })
    }
}

pub fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

impl PolicyRule {
    fn kernel(priority: u32, table: u32) -> Self {
        Self { priority, table: Some(table), kind: "lookup".to_owned(), ..Self::default() }
    }
}

fn matches(rule: &PolicyRule, flow: Flow<'_>) -> Truth {
    let inside = |net: Option<IpNet>, address: Option<IpAddr>| match (net, address) {
        // A source that is not chosen yet is in no prefix but that of all.
        (Some(net), address) => address.is_some_and(|address| net.contains(&address)) || net.prefix_len() == 0,
        (None, _) => true,
    };
    let named = |name: &Option<String>, link: &str| name.as_ref().is_none_or(|name| name == link);
    let certain = inside(rule.from, flow.source)
        && inside(rule.to, Some(flow.destination))
        && named(&rule.in_link, flow.in_link.unwrap_or("lo"))
        && named(&rule.out_link, flow.out_link.unwrap_or_default());
    let marked = match (rule.mark, flow.mark) {
        (Some(wanted), Some(mark)) => Truth::from(mark & rule.mask.unwrap_or(u32::MAX) == wanted),
        (Some(_), None) => Truth::Maybe,
        (None, _) => Truth::Yes,
    };
    let other = if rule.other { Truth::Maybe } else { Truth::Yes };
    let all = Truth::from(certain).and(marked).and(other);
    if rule.not { all.not() } else { all }
}

/// As `ip route` writes it.
impl fmt::Display for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind != "unicast" {
            write!(f, "{} ", self.kind)?;
        }
        if self.destination.prefix_len() == 0 {
            f.write_str("default")?;
        } else {
            let length = Some(self.destination.prefix_len()).filter(|it| *it < self.destination.max_prefix_len());
            write!(f, "{}", self.destination.addr())?;
            length.iter().try_for_each(|length| write!(f, "/{length}"))?;
        }
        self.gateway.iter().try_for_each(|gateway| write!(f, " via {gateway}"))?;
        self.interface.iter().try_for_each(|interface| write!(f, " dev {interface}"))?;
        if self.table != MAIN {
            write!(f, " table {}", self.table)?;
        }
        if self.metric != 0 {
            write!(f, " metric {}", self.metric)?;
        }
        Ok(())
    }
}

/// As `ip rule` writes it.
impl fmt::Display for PolicyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.priority)?;
        if self.not {
            f.write_str(" not")?;
        }
        match self.from {
            Some(from) => write!(f, " from {from}")?,
            None => f.write_str(" from all")?,
        }
        self.to.iter().try_for_each(|to| write!(f, " to {to}"))?;
        self.mark.iter().try_for_each(|mark| write!(f, " fwmark {mark:#x}"))?;
        self.mask.iter().try_for_each(|mask| write!(f, "/{mask:#x}"))?;
        self.in_link.iter().try_for_each(|link| write!(f, " iif {link}"))?;
        self.out_link.iter().try_for_each(|link| write!(f, " oif {link}"))?;
        write!(f, " {}", self.kind)?;
        self.table.iter().try_for_each(|table| write!(f, " {table}"))
    }
}
