//! How a NIC gets addresses inside its guest by itself: a DHCP client on it, and router advertisements.

use crate::{
    Mac,
    observed::{DhcpClient, Domain, GuestFacts, Nic},
    resolve::Inside,
    step::Step,
};

use super::{
    Phase, Planner,
    nic::{mark_found, set_inside},
    wishes::NicWish,
};

/// As the kernel takes router advertisements in any case, even if it forwards
/// (Documentation/networking/ip-sysctl.rst).
const ALWAYS: u8 = 2;
/// Unless it forwards: what a NIC begins with.
const UNLESS: u8 = 1;

/// What is wanted of a NIC that stays, or is plugged in; without a wish, what was before.
pub fn set(planner: &mut Planner<'_>, domain: &Domain, mac: Mac, wish: Option<&NicWish>) {
    set_dhcp(planner, domain, mac, wish.filter(|wish| wish.dhcp));
    set_accept_ra(planner, domain, mac, wish.is_some_and(|wish| wish.accept_ra));
}

fn set_dhcp(planner: &mut Planner<'_>, domain: &Domain, mac: Mac, wanted: Option<&NicWish>) {
    let guest = &domain.name;
    let ours = domain.marks.dhcp.contains(&mac);
    if wanted.is_none() && ours {
        planner.marks(guest).last_dhcp.insert(mac);
    }
    let Some(facts) = Inside::of(planner.observed, domain).facts() else { return };
    let now = facts.interface(mac).is_some_and(|interface| interface.dhcp);
    let on = wanted.is_some();
    // A client that is not ours stays.
    if now == on || !on && !ours {
        return;
    }
    // The check has said so.
    let Some(client) = facts.dhcp_client() else { return };
    if on {
        planner.marks(guest).plus.dhcp.insert(mac);
        if let Some(nic) = domain.nics.iter().find(|nic| nic.mac == mac) {
            mark_found(planner, domain, nic);
        }
    }
    let mut keep = set_inside(planner, domain, mac);
    keep.extend(wanted.into_iter().flat_map(|wish| &wish.addresses));
    keep.retain(|net| net.addr().is_ipv4());
    keep.sort();
    keep.dedup();
    // Every address may be gone for a moment.
    planner.emptied.insert(mac);
    let phase = if on && client.is_told_by_file() { Phase::Clients } else { Phase::Inside };
    planner.push(phase, Step::SetGuestDhcp { guest: guest.clone(), mac, on, client, keep });
}

fn set_accept_ra(planner: &mut Planner<'_>, domain: &Domain, mac: Mac, wanted: bool) {
    let guest = &domain.name;
    let mark = domain.marks.accept_ra.get(&mac).copied();
    if !wanted && mark.is_some() {
        planner.marks(guest).last_accept_ra.insert(mac);
    }
    let Some(facts) = Inside::of(planner.observed, domain).facts() else { return };
    if takes_themselves(facts) {
        return;
    }
    // A new one is what the kernel makes it.
    let was = facts.interface(mac).map_or(Some(UNLESS), |interface| interface.accept_ra);
    let new = facts.interface(mac).is_none();
    let (mode, was) = match (wanted, mark, was) {
        (true, _, Some(was)) if was == 0 || new => (ALWAYS, was),
        (false, Some(mode), Some(was)) if was != mode => (mode, was),
        _ => return,
    };
    if wanted {
        planner.marks(guest).plus.accept_ra.entry(mac).or_insert(was);
    }
    planner.push(Phase::Inside, Step::SetGuestAcceptRa { guest: guest.clone(), mac, mode, was });
}

/// These managers keep the kernel out of it, and take advertisements by themselves where their files say so.
fn takes_themselves(facts: &GuestFacts) -> bool {
    facts.dhcp_client().is_some_and(DhcpClient::is_told_by_file)
}

/// Of a NIC that is unplugged: a client of ours ends first.
pub fn take_out(planner: &mut Planner<'_>, domain: &Domain, nic: &Nic, phase: Phase) {
    let (guest, mac) = (&domain.name, nic.mac);
    if domain.marks.accept_ra.contains_key(&mac) {
        planner.marks(guest).last_accept_ra.insert(mac);
    }
    if !domain.marks.dhcp.contains(&mac) {
        return;
    }
    planner.marks(guest).last_dhcp.insert(mac);
    let Some(facts) = Inside::of(planner.observed, domain).facts() else { return };
    let on = facts.interface(mac).is_some_and(|interface| interface.dhcp);
    if let Some(client) = facts.dhcp_client().filter(|_| on) {
        let mut keep = set_inside(planner, domain, mac);
        keep.retain(|net| net.addr().is_ipv4());
        planner.push(phase, Step::SetGuestDhcp { guest: guest.clone(), mac, on: false, client, keep });
    }
}
