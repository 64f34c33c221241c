//! What is still to be done of a step on a host that may be there already: after a crash, a step may have had all of its
//! effect, a part, or none, and the host may have been restarted since.

use crate::{
    Mac,
    observed::{AgentChannel, DomainState, Nic, Observed, Source, SourceState},
};

use super::{GuestRoute, Step};

impl Step {
    /// This step without what is so already; `None` if nothing is left of it.
    ///
    /// What cannot be known is not taken to be done: a source that does not answer leaves its steps whole.
    #[must_use]
    pub fn remaining(&self, observed: &Observed) -> Option<Self> {
        if self.has_gone_with_nic(observed) {
            return None;
        }
        let mut rest = self.clone();
        match &mut rest {
            Self::AttachNic { guest, nic, live, config } => {
                let there = found(observed, guest, nic.mac);
                *live &= is_active(observed, guest) && there.is_none_or(|nic| nic.live.is_none());
                *config &= there.is_none_or(|nic| nic.config.is_none());
            }
            Self::DetachNic { guest, nic, live, config } | Self::UpdateNic { guest, nic, live, config, .. } => {
                let there = found(observed, guest, nic.mac);
                *live &= there.is_some_and(|nic| nic.live.is_some());
                *config &= there.is_some_and(|nic| nic.config.is_some());
            }
            Self::AttachChannel { guest, live, config } => {
                let there = observed.domains.get(guest);
                *live &= is_active(observed, guest) && there.is_none_or(|domain| domain.agent == AgentChannel::Missing);
                *config &= there.is_none_or(|domain| !domain.agent_config);
            }
            Self::DetachChannel { guest, live, config } => {
                let there = observed.domains.get(guest);
                *live &=
                    is_active(observed, guest) && there.is_some_and(|domain| domain.agent != AgentChannel::Missing);
                *config &= there.is_some_and(|domain| domain.agent_config);
            }
            Self::SetLease { network, live, config, .. } | Self::SetDhcpRanges { network, live, config, .. } => {
                let there = observed.networks.get(network);
                *live &= there.is_some_and(|network| network.active);
                *config &= there.is_some_and(|network| network.persistent);
            }
            _ => {}
        }
        if !rest.can_be_judged(observed) {
            return Some(self.clone());
        }
        if let Self::AttachNic { live: false, config: false, .. }
        | Self::DetachNic { live: false, config: false, .. }
        | Self::UpdateNic { live: false, config: false, .. }
        | Self::AttachChannel { live: false, config: false, .. }
        | Self::DetachChannel { live: false, config: false, .. } = rest
        {
            return None;
        }
        let mut after = observed.clone();
        rest.simulate(&mut after);
        (after != *observed).then_some(rest)
    }

    /// Whether a guest still has what this step takes out of it. When the mark is gone too, no plan tells of that.
    pub fn leaves_behind(&self, observed: &Observed) -> bool {
        let facts = |guest: &str| observed.guests.get(guest).filter(|facts| facts.trouble.is_none());
        match self {
            Self::ReplaceGuestFiles { guest, files, .. } if files.is_empty() => {
                facts(guest).is_some_and(|facts| facts.files.values().any(Option::is_some))
            }
            Self::SetGuestDns { guest, servers: None, .. } => facts(guest).is_some_and(|facts| facts.dns.is_some()),
            _ => false,
        }
    }

    /// Whether what was observed tells if this step is done.
    fn can_be_judged(&self, observed: &Observed) -> bool {
        observed.sources.get(&self.source()) == Some(&SourceState::Answers)
            // What runs in a guest is gone when the guest is off; its files are not.
            && self.inside().is_none_or(|guest| {
                let told = observed.guests.get(guest).is_some_and(|facts| facts.trouble.is_none());
                (!is_active(observed, guest) && !self.writes_files()) || told
            })
    }

    /// Whether it writes files inside a guest.
    fn writes_files(&self) -> bool {
        let files = matches!(self, Self::ReplaceGuestFiles { .. } | Self::SetGuestDns { .. });
        files || matches!(self, Self::SetGuestHostname { hostname, was, .. } if !hostname.same_file(was))
    }

    /// Who tells whether it is done; of what is inside a guest, that the guest runs.
    pub fn source(&self) -> Source {
        match self {
            Self::ReplaceTable { .. } | Self::InsertRule { .. } | Self::DeleteRule { .. } => Source::Firewall,
            _ if self.guest().is_some() || self.network().is_some() => Source::Libvirt,
            _ => Source::Kernel,
        }
    }

    /// The guest that this step changes.
    pub fn guest(&self) -> Option<&str> {
        match self {
            Self::AttachNic { guest, .. }
            | Self::DetachNic { guest, .. }
            | Self::UpdateNic { guest, .. }
            | Self::AttachChannel { guest, .. }
            | Self::DetachChannel { guest, .. }
            | Self::SetGuestAutostart { guest, .. }
            | Self::SetMarks { guest, .. } => Some(guest),
            _ => self.inside(),
        }
    }

    /// The libvirt network that this step changes.
    pub fn network(&self) -> Option<&str> {
        match self {
            Self::SetNetworkAutostart { network, .. }
            | Self::SetLease { network, .. }
            | Self::SetDhcpRanges { network, .. } => Some(network),
            Self::DefineNetwork { network }
            | Self::UndefineNetwork { network }
            | Self::StartNetwork { network }
            | Self::StopNetwork { network } => Some(&network.name),
            _ => None,
        }
    }

    /// Whether it takes something away inside a guest that has gone with its NIC.
    fn has_gone_with_nic(&self, observed: &Observed) -> bool {
        let (Self::SetGuestLinkUp { guest, mac, up: false }
        | Self::SetGuestMtu { guest, mac, .. }
        | Self::SetGuestFilter { guest, mac, .. }
        | Self::SetGuestDhcp { guest, mac, on: false, .. }
        | Self::SetGuestAcceptRa { guest, mac, .. }
        | Self::RemoveGuestAddress { guest, mac, .. }
        | Self::RemoveGuestRoute { guest, route: GuestRoute { mac, .. } }) = self
        else {
            return false;
        };
        observed.sources.get(&Source::Libvirt) == Some(&SourceState::Answers) && found(observed, guest, *mac).is_none()
    }

    /// Whether it fails where `earlier`, inside the same guest on the same NIC, was undone by the guest's own system.
    pub fn rests_on(&self, earlier: &Self) -> bool {
        let Self::AddGuestRoute { guest, route } = self else { return false };
        match earlier {
            Self::SetGuestLinkUp { guest: of, mac, up: true } => (of, *mac) == (guest, route.mac),
            Self::AddGuestAddress { guest: of, mac, address } => {
                (of, *mac) == (guest, route.mac) && address.contains(&route.via)
            }
            _ => false,
        }
    }

    /// The guest whose inside this step changes.
    pub fn inside(&self) -> Option<&str> {
        match self {
            Self::SetGuestLinkUp { guest, .. }
            | Self::SetGuestMtu { guest, .. }
            | Self::SetGuestFilter { guest, .. }
            | Self::SetGuestDhcp { guest, .. }
            | Self::SetGuestAcceptRa { guest, .. }
            | Self::AddGuestAddress { guest, .. }
            | Self::RemoveGuestAddress { guest, .. }
            | Self::AddGuestRoute { guest, .. }
            | Self::RemoveGuestRoute { guest, .. }
            | Self::SetGuestForwarding { guest, .. }
            | Self::ReplaceGuestTable { guest, .. }
            | Self::ReplaceGuestFiles { guest, .. }
            | Self::SetGuestDns { guest, .. }
            | Self::SetGuestHostname { guest, .. } => Some(guest),
            _ => None,
        }
    }
}

fn found<'a>(observed: &'a Observed, guest: &str, mac: Mac) -> Option<&'a Nic> {
    observed.domains.get(guest)?.nics.iter().find(|nic| nic.mac == mac)
}

fn is_active(observed: &Observed, guest: &str) -> bool {
    observed.domains.get(guest).is_some_and(|domain| !matches!(domain.state, DomainState::Off | DomainState::Crashed))
}
