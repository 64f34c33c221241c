//! Routes inside guests: the default one moved to a gateway, further ones set, and what was there given back.

use std::collections::BTreeSet;

use crate::{
    Mac,
    note::{Note, Sentence, Severity, Subject},
    observed::{Domain, GuestFacts, NicMark, RouteMark},
    resolve::Inside,
    step::{GuestRoute, Step},
    topology::mac_of,
};

use super::{Phase, Planner, wishes::RouteWish};

pub(super) fn plan(planner: &mut Planner<'_>) {
    let guests: BTreeSet<String> =
        planner.old.guests().into_iter().chain(planner.new.guests()).map(str::to_owned).collect();
    for guest in guests {
        let Some(domain) = planner.observed.domains.get(&guest) else { continue };
        let inside = Inside::of(planner.observed, domain);
        if matches!(inside, Inside::Off) && !planner.new.routes.contains_key(&guest) {
            forget(planner, domain);
        }
        let Some(facts) = inside.facts() else { continue };
        match planner.new.routes.get(&guest).copied() {
            Some(wish) => want(planner, &guest, facts, wish),
            None => give_back(planner, &guest, facts),
        }
        further(planner, &guest, facts);
    }
}

/// A guest that is off has lost what was set inside it: it starts with its own routes.
fn forget(planner: &mut Planner<'_>, domain: &Domain) {
    let out = |mac: &Mac| planner.new.nics.get(mac).is_some_and(|wish| wish.attachment.is_none());
    let stale: Vec<RouteMark> = domain.marks.routes.iter().filter(|mark| !out(&mark.mac)).cloned().collect();
    planner.marks(&domain.name).last_routes.extend(stale);
}

/// The guest's routes that have a next hop and a known NIC.
fn routes(facts: &GuestFacts) -> Vec<GuestRoute> {
    let all = facts.routes.iter().flatten();
    all.filter_map(|route| {
        let mac = mac_of(facts, route.interface.as_deref()?)?;
        let to = (!route.is_default()).then_some(route.destination);
        Some(GuestRoute { mac, to, via: route.via?, metric: route.metric })
    })
    .collect()
}

fn mark(route: &GuestRoute) -> RouteMark {
    RouteMark { mac: route.mac, to: route.to, via: route.via, metric: route.metric }
}

/// What is left of a route that goes with the addresses of its NIC is taken out before them.
fn off(planner: &Planner<'_>, route: &GuestRoute) -> Phase {
    if planner.emptied.contains(&route.mac) { Phase::RoutesOff } else { Phase::Routes }
}

fn want(planner: &mut Planner<'_>, guest: &str, facts: &GuestFacts, wish: RouteWish) {
    let now = routes(facts);
    let before = planner.old.routes.get(guest).copied();
    // The next lease would bring it again.
    let leased = |mac: &Mac| planner.new.nics.get(mac).is_some_and(|wish| wish.dhcp);
    let others: Vec<_> = now.iter().filter(|route| wish.replaces(route) && !leased(&route.mac)).collect();
    for route in others {
        if before.is_none_or(|before| !before.is(route)) {
            planner.marks(guest).note_route(mark(route));
        }
        let phase = off(planner, route);
        planner.push(phase, Step::RemoveGuestRoute { guest: guest.to_owned(), route: route.clone() });
    }
    let there = now.iter().find(|route| wish.is(route)).cloned();
    let wanted = there.clone().unwrap_or_else(|| GuestRoute::default(wish.mac, wish.via, wish.metric.unwrap_or(0)));
    set(planner, guest, wanted, there.is_some());
}

/// A route that is to be there, and is not, or will not be when its NIC has lost its addresses.
fn set(planner: &mut Planner<'_>, guest: &str, route: GuestRoute, there: bool) {
    let emptied = planner.emptied.contains(&route.mac);
    if there && emptied {
        planner.push(Phase::RoutesOff, Step::RemoveGuestRoute { guest: guest.to_owned(), route: route.clone() });
    }
    if !there || emptied {
        planner.push(Phase::Routes, Step::AddGuestRoute { guest: guest.to_owned(), route });
    }
}

/// What we set goes; and what leaves by a NIC that goes is noted first, unless the NIC was ours with all on it.
fn give_back(planner: &mut Planner<'_>, guest: &str, facts: &GuestFacts) {
    let ours = planner.old.routes.get(guest).copied();
    for route in routes(facts).iter().filter(|route| route.to.is_none()) {
        if ours.is_some_and(|ours| ours.is(route)) {
            let phase = off(planner, route);
            planner.push(phase, Step::RemoveGuestRoute { guest: guest.to_owned(), route: route.clone() });
        } else {
            leave(planner, guest, route);
        }
    }
    restore(planner, guest, facts, |mark| mark.to.is_none());
}

/// Further routes: those that we set and that nobody wants any more go, those that are wanted come.
fn further(planner: &mut Planner<'_>, guest: &str, facts: &GuestFacts) {
    let now: Vec<GuestRoute> = routes(facts).into_iter().filter(|route| route.to.is_some()).collect();
    let old = planner.old.further.get(guest).cloned().unwrap_or_default();
    let new = planner.new.further.get(guest).cloned().unwrap_or_default();
    for route in &now {
        if old.contains(route) && !new.contains(route) {
            planner.push(Phase::RoutesOff, Step::RemoveGuestRoute { guest: guest.to_owned(), route: route.clone() });
        } else if !new.contains(route) {
            leave(planner, guest, route);
        }
    }
    for route in new {
        let there = now.contains(&route);
        set(planner, guest, route, there);
    }
    restore(planner, guest, facts, |mark| mark.to.is_some());
}

/// A route of somebody else's goes with its NIC, and is noted if the NIC may come back.
fn leave(planner: &mut Planner<'_>, guest: &str, route: &GuestRoute) {
    if planner.gone.contains(&route.mac) {
        if planner.new.nics.contains_key(&route.mac) {
            planner.marks(guest).note_route(mark(route));
        }
        planner.push(Phase::Routes, Step::RemoveGuestRoute { guest: guest.to_owned(), route: route.clone() });
    }
}

/// Gives back the routes that were noted, where their NICs are home.
fn restore(planner: &mut Planner<'_>, guest: &str, facts: &GuestFacts, which: impl Fn(&RouteMark) -> bool) {
    let now = routes(facts);
    let Some(domain) = planner.observed.domains.get(guest) else { return };
    for mark in domain.marks.routes.iter().filter(|mark| which(mark)).cloned().collect::<Vec<_>>() {
        // A NIC that stays out, or goes elsewhere, keeps its old route in the notes until it comes home.
        let home = match domain.marks.nics.get(&mark.mac) {
            Some(NicMark::Found { attachment, .. }) => Some(attachment),
            _ => None,
        };
        let wish = planner.new.nics.get(&mark.mac);
        if wish.is_some_and(|wish| wish.attachment.is_none() || home.is_some() && wish.attachment.as_ref() != home) {
            continue;
        }
        let route = GuestRoute { mac: mark.mac, to: mark.to, via: mark.via, metric: mark.metric };
        if !there_after(planner, &domain.nics, mark.mac) {
            planner.notes.push(lost(guest, &mark));
        } else if !now.contains(&route) {
            planner.push(Phase::Routes, Step::AddGuestRoute { guest: guest.to_owned(), route });
        }
        planner.marks(guest).last_routes.push(mark);
    }
}

fn there_after(planner: &Planner<'_>, nics: &[crate::observed::Nic], mac: Mac) -> bool {
    let there = nics.iter().any(|nic| nic.mac == mac) && !planner.gone.contains(&mac);
    there || planner.back.contains(&mac) || planner.new.nics.get(&mac).is_some_and(|wish| wish.attachment.is_some())
}

fn lost(guest: &str, mark: &RouteMark) -> Note {
    let (via, mac) = (mark.via, mark.mac);
    let text = Sentence::new(
        format!("{guest} had a route by way of {via}; its NIC {mac} is gone, so it is not given back."),
        format!("{guest} 原有经 {via} 的路由，但网卡 {mac} 已不存在，无法恢复。"),
    );
    Note::new(Severity::Warn, Subject::Guest(guest.to_owned()), "route-lost", text)
}
