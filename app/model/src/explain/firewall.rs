//! What a machine's nftables do with a packet: base chain by base chain, rule by rule.
//!
//! A rule that may match or not is gone into both ways. Only if that makes a difference to what becomes of the packet is it
//! not known, and that rule is why.

mod chain;
mod compare;
mod expression;
mod extension;
mod nat;
mod truth;

pub use chain::{Outcome, base};
pub use nat::Nat;
pub use truth::Truth;

use std::net::IpAddr;

use super::{
    Packet,
    conntrack::{Side, State, Track},
    machine::Machine,
};
use crate::observed::{Chain, Table};

/// What becomes of a packet in a base chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Accept,
    Drop,
    Reject,
    Translate(Nat),
    /// A statement that is not understood.
    Unclear,
}

impl Effect {
    /// Whether the packet goes on, or does not, in the same way.
    fn is_like(self, other: Self) -> bool {
        self == other || self.refuses() && other.refuses()
    }

    pub fn refuses(self) -> bool {
        matches!(self, Self::Drop | Self::Reject)
    }
}

/// A packet at a hook, and all that rules may ask about it.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'s> {
    pub machine: &'s Machine<'s>,
    pub packet: Packet,
    pub in_link: Option<&'s str>,
    pub out_link: Option<&'s str>,
    /// In a bridge: the ports; `in_link` and `out_link` are the bridge then.
    pub in_port: Option<&'s str>,
    pub out_port: Option<&'s str>,
    /// Once it is routed: what the frame is addressed to.
    pub next_hop: Option<IpAddr>,
    pub state: State,
    /// In the direction of the answer.
    pub answers: bool,
    /// The connection's destination, source is translated.
    pub translated: [bool; 2],
    /// `None` if not known.
    pub mark: Option<u32>,
}

impl<'s> Scene<'s> {
    pub fn of(machine: &'s Machine<'s>, packet: Packet, track: Track) -> Self {
        Self {
            machine,
            packet,
            in_link: None,
            out_link: None,
            in_port: None,
            out_port: None,
            next_hop: None,
            state: track.state,
            answers: track.answers,
            translated: [false; 2],
            mark: Some(0),
        }
    }
}

/// Where chains hang.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook<'h> {
    /// Of one link, before all else.
    Ingress(&'h str),
    Ip(&'static str),
    Bridge(&'static str),
}

impl<'h> Hook<'h> {
    /// The base chains that hang here, in the order in which they are asked. Those of nat are where the kernel translates,
    /// whatever their own priority (`NF_IP_PRI_NAT_DST`, `NF_IP_PRI_NAT_SRC` of linux/netfilter_ipv4.h).
    pub fn chains<'t>(self, tables: &[&'t Table], v6: bool) -> Vec<(i32, &'t Table, &'t Chain)> {
        let mut found = Vec::new();
        for table in tables.iter().filter(|table| self.sees(table, v6)) {
            for chain in table.chains.iter().filter(|chain| self.holds(chain)) {
                found.push((priority(chain), *table, chain));
            }
        }
        found.sort_by_key(|(at, _, chain)| (*at, chain.priority));
        found
    }

    fn sees(self, table: &Table, v6: bool) -> bool {
        match (self, table.family.as_str()) {
            (Self::Ingress(_), "netdev" | "inet") | (Self::Bridge(_), "bridge") | (Self::Ip(_), "inet") => true,
            (Self::Ip(_), "ip") => !v6,
            (Self::Ip(_), "ip6") => v6,
            _ => false,
        }
    }

    fn holds(self, chain: &Chain) -> bool {
        match self {
            Self::Ingress(link) => {
                let devices = chain.device.as_deref().unwrap_or_default();
                chain.hook.as_deref() == Some("ingress") && devices.split(", ").any(|device| device == link)
            }
            Self::Ip(hook) | Self::Bridge(hook) => chain.hook.as_deref() == Some(hook),
        }
    }

    /// When the kernel translates here, and what.
    pub fn translates(self) -> Option<(i32, Side)> {
        match self {
            Self::Ip("prerouting" | "output") => Some((-100, Side::Destination)),
            Self::Ip("input" | "postrouting") => Some((100, Side::Source)),
            _ => None,
        }
    }
}

fn priority(chain: &Chain) -> i32 {
    match (chain.kind.as_deref(), chain.hook.as_deref()) {
        (Some("nat"), Some("prerouting" | "output")) => -100,
        (Some("nat"), Some("input" | "postrouting")) => 100,
        _ => chain.priority.unwrap_or(0),
    }
}
