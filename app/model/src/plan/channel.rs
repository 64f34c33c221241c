//! The guest agent's channel: added where it lacks, and taken out again where it was not there before.

use std::collections::BTreeSet;

use crate::{
    observed::{AgentChannel, ChannelMark, Domain},
    resolve::runs,
    step::Step,
};

use super::{Phase, Planner};

pub(super) fn plan(planner: &mut Planner<'_>) {
    let (committed, draft, observed) = (planner.committed, planner.draft, planner.observed);
    let named: BTreeSet<&str> =
        committed.guests.iter().chain(&draft.guests).filter(|guest| guest.agent).map(|guest| &*guest.name).collect();
    for domain in named.into_iter().filter_map(|name| observed.domains.get(name)) {
        if draft.guest(&domain.name).is_some_and(|guest| guest.agent) {
            want(planner, domain);
        } else {
            give_back(planner, domain);
        }
    }
}

fn is_live(domain: &Domain) -> bool {
    runs(domain) && domain.agent != AgentChannel::Missing
}

/// Where it cannot be plugged in now, it is there from the next start.
fn want(planner: &mut Planner<'_>, domain: &Domain) {
    let live = runs(domain) && !is_live(domain) && domain.virtio_serial;
    let config = domain.persistent && !domain.agent_config;
    if !live && !config {
        return;
    }
    // What its definition has, the guest would have after its next start anyway: that is not ours.
    if config || !domain.persistent {
        let mark = if is_live(domain) { ChannelMark::Saved } else { ChannelMark::Made };
        planner.marks(&domain.name).plus.channel.get_or_insert(mark);
    }
    planner.push(Phase::Attach, Step::AttachChannel { guest: domain.name.clone(), live, config });
}

fn give_back(planner: &mut Planner<'_>, domain: &Domain) {
    let Some(mark) = domain.marks.channel else { return };
    let live = mark == ChannelMark::Made && is_live(domain);
    let config = domain.persistent && domain.agent_config;
    if live || config {
        planner.push(Phase::ChannelsOff, Step::DetachChannel { guest: domain.name.clone(), live, config });
    }
    planner.marks(&domain.name).last_channel = true;
}
