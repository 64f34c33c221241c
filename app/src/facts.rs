//! Facts in words: what states, agents and origins are called.

use model::{
    observed::{AgentChannel, DomainState},
    topology::Origin,
};

use crate::{
    texts::{Texts, fill, later},
    ui::clock,
};

pub fn state(state: DomainState, texts: &Texts) -> &'static str {
    match state {
        DomainState::Running => texts.running,
        DomainState::Paused => texts.paused,
        DomainState::Off => texts.shut_off,
        DomainState::Crashed => texts.crashed,
        DomainState::Suspended => texts.suspended,
    }
}

/// What can be said of a running guest's agent.
pub fn agent(agent: AgentChannel, trouble: bool, texts: &Texts) -> &'static str {
    match agent {
        AgentChannel::Missing => texts.no_agent,
        AgentChannel::Disconnected => texts.agent_silent,
        AgentChannel::Connected if trouble => texts.agent_silent,
        AgentChannel::Connected => texts.agent_answers,
    }
}

/// `running · agent answers`.
pub fn standing(is: DomainState, channel: AgentChannel, trouble: bool, texts: &Texts) -> String {
    match is {
        DomainState::Running => format!("{} · {}", texts.running, agent(channel, trouble, texts)),
        other => state(other, texts).to_owned(),
    }
}

/// Who says which address a NIC has.
pub fn origin(origin: &Origin, texts: &Texts) -> String {
    match origin {
        Origin::Agent { leased: false } => texts.said_by_agent.to_owned(),
        Origin::Agent { leased: true } => texts.from_lease.to_owned(),
        Origin::Lease { expires, .. } => fill(texts.lease_until, &[&clock(seconds(*expires))]),
        Origin::Reserved { .. } => texts.reserved.to_owned(),
        Origin::Neighbour { .. } => texts.seen_on_wire.to_owned(),
    }
}

/// Seconds since 1970 as milliseconds.
pub fn seconds(at: i64) -> u64 {
    u64::try_from(at).unwrap_or(0).saturating_mul(1000)
}

pub fn yes(value: bool, texts: &later::Texts) -> &'static str {
    if value { texts.yes } else { texts.no }
}

pub fn on(value: bool, texts: &Texts) -> &'static str {
    if value { texts.on } else { texts.off }
}
