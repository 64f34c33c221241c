//! Name servers and hostnames of guests. What was there before is given back when the document no longer says another; so
//! is what the document knows nothing of and a mark does, because its guest was off when it should have been done.

use std::net::IpAddr;

use crate::{
    observed::{Domain, GuestFacts, HostnameMark},
    resolve::Inside,
    resolver::is_so,
    step::{Hostname, Step},
};

use super::{Phase, Planner};

pub(super) fn plan(planner: &mut Planner<'_>) {
    let observed = planner.observed;
    for domain in observed.domains.values() {
        let Some(facts) = Inside::of(observed, domain).facts() else { continue };
        dns(planner, domain, facts);
        hostname(planner, domain, facts);
    }
}

fn dns(planner: &mut Planner<'_>, domain: &Domain, facts: &GuestFacts) {
    let (Some(now), Some(resolver)) = (&facts.nameservers, facts.resolver) else { return };
    let guest = &domain.name;
    let servers = planner.new.dns.get(guest).cloned();
    if servers.is_none() && domain.marks.dns.is_none() {
        return;
    }
    planner.marks(guest).last_dns |= servers.is_none();
    if is_so(facts, servers.as_deref()) {
        return;
    }
    let own = facts.dns.as_deref().unwrap_or_default();
    let others = || now.iter().filter(|server| !own.contains(server)).copied().collect::<Vec<IpAddr>>();
    let others = domain.marks.dns.clone().unwrap_or_else(others);
    if servers.is_some() {
        planner.marks(guest).plus.dns.get_or_insert_with(|| others.clone());
    }
    // Where the resolver reads our file alone, somebody else may have written there since.
    let was = facts.dns.as_ref().map(|own| if resolver.reload().is_some() { own } else { now }).cloned();
    planner.push(Phase::Inside, Step::SetGuestDns { guest: guest.clone(), resolver, servers, was, others });
}

/// Where nobody is known to keep what is set inside, only the kernel is told.
fn hostname(planner: &mut Planner<'_>, domain: &Domain, facts: &GuestFacts) {
    let Some(name) = facts.hostname.clone() else { return };
    let guest = &domain.name;
    let mark = domain.marks.hostname.clone();
    let is = Hostname { name, file: facts.static_hostname.clone(), found: mark.is_none() };
    let keeps = facts.manager().is_some();
    let wanted = match (planner.new.hostnames.get(guest).cloned(), mark) {
        (Some(name), _) if !keeps => Hostname { name, ..is.clone() },
        (Some(name), _) => Hostname { file: Some(name.clone()), name, found: false },
        (None, Some(mark)) => {
            planner.marks(guest).last_hostname = true;
            let HostnameMark { name, file } = mark;
            if keeps { Hostname { name, file, found: true } } else { Hostname { name, ..is.clone() } }
        }
        (None, None) => return,
    };
    if (&wanted.name, &wanted.file) == (&is.name, &is.file) && (!wanted.found || is.found) {
        return;
    }
    if planner.new.hostnames.contains_key(guest) {
        let mark = HostnameMark { name: is.name.clone(), file: is.file.clone() };
        planner.marks(guest).plus.hostname.get_or_insert(mark);
    }
    planner.push(Phase::Inside, Step::SetGuestHostname { guest: guest.clone(), hostname: wanted, was: is });
}
