//! `RTM_NEWRULE` to [`PolicyRule`].

use std::net::IpAddr;

use ipnet::IpNet;
use model::observed::PolicyRule;
use rtnetlink::packet_route::{
    AddressFamily,
    rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage},
};

/// What the kernel says where a rule suppresses no prefix: -1.
const SUPPRESSES_NOTHING: u32 = u32::MAX;

/// Nothing for a rule that every kernel begins with.
pub fn decode(message: RuleMessage) -> Option<PolicyRule> {
    let header = &message.header;
    let v6 = match header.family {
        AddressFamily::Inet => false,
        AddressFamily::Inet6 => true,
        _ => return None,
    };
    let mut rule = PolicyRule {
        v6,
        not: header.flags.contains(RuleFlags::Invert),
        other: header.tos != 0,
        kind: kind(header.action).to_owned(),
        ..PolicyRule::default()
    };
    let mut table = u32::from(header.table);
    let net = |address: &IpAddr, length: u8| IpNet::new(*address, length).ok();
    for attribute in &message.attributes {
        match attribute {
            RuleAttribute::Priority(priority) => rule.priority = *priority,
            RuleAttribute::Table(number) => table = *number,
            RuleAttribute::Source(address) => rule.from = net(address, header.src_len),
            RuleAttribute::Destination(address) => rule.to = net(address, header.dst_len),
            RuleAttribute::Iifname(name) => rule.in_link = Some(name.clone()),
            RuleAttribute::Oifname(name) => rule.out_link = Some(name.clone()),
            RuleAttribute::FwMark(mark) => rule.mark = Some(*mark),
            RuleAttribute::FwMask(mask) => rule.mask = Some(*mask).filter(|mask| *mask != u32::MAX),
            RuleAttribute::SuppressPrefixLen(SUPPRESSES_NOTHING) => {}
            RuleAttribute::SuppressPrefixLen(length) => rule.suppress = u8::try_from(*length).ok(),
            RuleAttribute::Protocol(_) | RuleAttribute::Realm(_) | RuleAttribute::Goto(_) => {}
            _ => rule.other = true,
        }
    }
    rule.table = (header.action == RuleAction::ToTable).then_some(table);
    (!rule.is_kernels()).then_some(rule)
}

/// As `ip rule` names them.
fn kind(action: RuleAction) -> &'static str {
    match action {
        RuleAction::ToTable => "lookup",
        RuleAction::Goto => "goto",
        RuleAction::Nop => "nop",
        RuleAction::Blackhole => "blackhole",
        RuleAction::Unreachable => "unreachable",
        RuleAction::Prohibit => "prohibit",
        _ => "unknown",
    }
}
