//! Guests and networks that start with the host, or do not.

use std::collections::BTreeSet;

use crate::step::Step;

use super::{Phase, Planner};

pub(super) fn plan(planner: &mut Planner<'_>) {
    guests(planner);
    networks(planner);
}

/// What a guest was before we said anything is in its marks.
fn guests(planner: &mut Planner<'_>) {
    let (committed, draft, observed) = (planner.committed, planner.draft, planner.observed);
    let named: BTreeSet<&str> = committed.guests.iter().chain(&draft.guests).map(|guest| &*guest.name).collect();
    for name in named {
        let Some(domain) = observed.domains.get(name).filter(|domain| domain.persistent) else { continue };
        let set = |planner: &mut Planner<'_>, on: bool| {
            if domain.autostart != on {
                planner.push(Phase::Inside, Step::SetGuestAutostart { guest: name.to_owned(), on });
            }
        };
        match draft.guest(name).and_then(|guest| guest.autostart) {
            Some(on) => {
                if domain.autostart != on {
                    planner.marks(name).plus.autostart.get_or_insert(domain.autostart);
                }
                set(planner, on);
            }
            None => {
                if let Some(was) = domain.marks.autostart {
                    set(planner, was);
                    planner.marks(name).last_autostart = true;
                }
            }
        }
    }
}

/// With a network nothing can be noted: what the document no longer says becomes the opposite again.
fn networks(planner: &mut Planner<'_>) {
    let (committed, draft, observed) = (planner.committed, planner.draft, planner.observed);
    let named: BTreeSet<&str> =
        committed.networks.iter().chain(&draft.networks).map(|network| &*network.name).collect();
    for name in named {
        let Some(network) = observed.networks.get(name).filter(|network| network.persistent) else { continue };
        let said = committed.network(name).and_then(|network| network.autostart);
        let wanted = draft.network(name).and_then(|network| network.autostart).or(said.map(|said| !said));
        if let Some(on) = wanted.filter(|on| *on != network.autostart) {
            planner.push(Phase::Inside, Step::SetNetworkAutostart { network: name.to_owned(), on });
        }
    }
}
