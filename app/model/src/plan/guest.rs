//! Default routes inside guests: moved to a gateway, and given back.

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
    }
}

/// A guest that is off has lost what was set inside it: it starts with its own routes.
fn forget(planner: &mut Planner<'_>, domain: &Domain) {
    let out = |mac: &Mac| planner.new.nics.get(mac).is_some_and(|wish| wish.attachment.is_none());
    let stale: Vec<RouteMark> = domain.marks.routes.iter().filter(|mark| !out(&mark.mac)).cloned().collect();
    planner.marks(&domain.name).last_routes.extend(stale);
}

/// The guest's default routes that have a next hop and a known NIC.
fn defaults(facts: &GuestFacts) -> Vec<GuestRoute> {
    let all = facts.routes.iter().flatten().filter(|route| route.is_default());
    all.filter_map(|route| {
        let mac = mac_of(facts, route.interface.as_deref()?)?;
        Some(GuestRoute { mac, via: route.via?, metric: route.metric })
    })
    .collect()
}

fn is(route: &GuestRoute, wish: RouteWish) -> bool {
    route.mac == wish.mac && route.via == wish.via
}

fn want(planner: &mut Planner<'_>, guest: &str, facts: &GuestFacts, wish: RouteWish) {
    let now = defaults(facts);
    let before = planner.old.routes.get(guest).copied();
    for route in now.iter().filter(|route| !is(route, wish) && route.via.is_ipv4() == wish.via.is_ipv4()) {
        if before.is_none_or(|before| !is(route, before)) {
            let mark = RouteMark { mac: route.mac, via: route.via, metric: route.metric };
            planner.marks(guest).note_route(mark);
        }
        planner.push(Phase::Routes, Step::RemoveGuestRoute { guest: guest.to_owned(), route: route.clone() });
    }
    if !now.iter().any(|route| is(route, wish)) {
        let route = GuestRoute { mac: wish.mac, via: wish.via, metric: 0 };
        planner.push(Phase::Routes, Step::AddGuestRoute { guest: guest.to_owned(), route });
    }
}

fn give_back(planner: &mut Planner<'_>, guest: &str, facts: &GuestFacts) {
    let now = defaults(facts);
    let remove = |planner: &mut Planner<'_>, route: &GuestRoute| {
        planner.push(Phase::Routes, Step::RemoveGuestRoute { guest: guest.to_owned(), route: route.clone() });
    };
    // What we set goes; and what leaves by a NIC that goes is noted first, unless the NIC was ours with all on it.
    let ours = planner.old.routes.get(guest).copied();
    for route in &now {
        if ours.is_some_and(|ours| is(route, ours)) {
            remove(planner, route);
        } else if planner.gone.contains(&route.mac) {
            if planner.new.nics.contains_key(&route.mac) {
                let mark = RouteMark { mac: route.mac, via: route.via, metric: route.metric };
                planner.marks(guest).note_route(mark);
            }
            remove(planner, route);
        }
    }
    let Some(domain) = planner.observed.domains.get(guest) else { return };
    for mark in domain.marks.routes.clone() {
        // A NIC that stays out, or goes elsewhere, keeps its old route in the notes until it comes home.
        let home = match domain.marks.nics.get(&mark.mac) {
            Some(NicMark::Found { attachment, .. }) => Some(attachment),
            _ => None,
        };
        let wish = planner.new.nics.get(&mark.mac);
        if wish.is_some_and(|wish| wish.attachment.is_none() || home.is_some() && wish.attachment.as_ref() != home) {
            continue;
        }
        let route = GuestRoute { mac: mark.mac, via: mark.via, metric: mark.metric };
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
        format!("{guest} had a default route by way of {via}; its NIC {mac} is gone, so it is not given back."),
        format!("{guest} 原有经 {via} 的默认路由，但网卡 {mac} 已不存在，无法恢复。"),
    );
    Note::new(Severity::Warn, Subject::Guest(guest.to_owned()), "route-lost", text)
}
