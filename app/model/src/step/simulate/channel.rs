//! The guest agent's channel, coming and going.

use crate::observed::{AgentChannel, DomainState, Observed};

/// While a guest is off, what is observed of its channel is what its definition has.
pub fn set(observed: &mut Observed, guest: &str, there: bool, live: bool, config: bool) {
    let Some(domain) = observed.domains.get_mut(guest) else { return };
    let off = matches!(domain.state, DomainState::Off | DomainState::Crashed);
    if config && domain.persistent {
        domain.agent_config = there;
    }
    if if off { config && domain.persistent } else { live } {
        domain.agent = match (there, domain.agent) {
            (false, _) => AgentChannel::Missing,
            // Nobody has opened it yet.
            (true, AgentChannel::Missing) => AgentChannel::Disconnected,
            (true, known) => known,
        };
    }
}
