//! What a NIC is set to inside its guest, addresses aside: MTU and source validation.
//!
//! What was before is noted in the guest's marks, and given back when nothing is wanted any more.

use crate::{
    Mac, RpFilter,
    observed::{Domain, Nic},
    resolve::Inside,
    step::Step,
};

use super::{Phase, Planner};

/// The MTU that a NIC has in its guest when nobody has set one.
const MTU: u32 = 1500;

/// What is wanted of a NIC that stays, or is plugged in.
pub fn set(planner: &mut Planner<'_>, domain: &Domain, mac: Mac, mtu: Option<u32>, filter: Option<RpFilter>) {
    set_mtu(planner, domain, mac, mtu);
    set_filter(planner, domain, mac, filter);
}

fn set_mtu(planner: &mut Planner<'_>, domain: &Domain, mac: Mac, wanted: Option<u32>) {
    let guest = &domain.name;
    let mark = domain.marks.mtus.get(&mac).copied();
    if wanted.is_none() && mark.is_some() {
        planner.marks(guest).last_mtus.insert(mac);
    }
    let Some(mtu) = wanted.or(mark) else { return };
    let Some(facts) = Inside::of(planner.observed, domain).facts() else { return };
    let own = domain.nics.iter().find(|nic| nic.mac == mac).and_then(|nic| nic.mtu);
    let was = match facts.interface(mac) {
        Some(interface) => interface.mtu.unwrap_or(mtu),
        None => own.unwrap_or(MTU),
    };
    if was != mtu {
        if wanted.is_some() {
            planner.marks(guest).plus.mtus.entry(mac).or_insert(was);
        }
        planner.push(Phase::Inside, Step::SetGuestMtu { guest: guest.clone(), mac, mtu, was });
    }
}

/// The NIC's own; that of all is never ours to change.
fn set_filter(planner: &mut Planner<'_>, domain: &Domain, mac: Mac, wanted: Option<RpFilter>) {
    let guest = &domain.name;
    let mark = domain.marks.rp_filters.get(&mac).copied();
    if wanted.is_none() && mark.is_some() {
        planner.marks(guest).last_filters.insert(mac);
    }
    let Some(mode) = wanted.or(mark) else { return };
    let Some(facts) = Inside::of(planner.observed, domain).facts() else { return };
    let was = match facts.interface(mac) {
        Some(interface) => interface.rp_filter.and_then(RpFilter::of).unwrap_or(mode),
        None => facts.rp_filter_default.and_then(RpFilter::of).unwrap_or(RpFilter::Off),
    };
    // The guest's own system may say something of a new one, after the kernel.
    if was != mode || wanted.is_some() && facts.interface(mac).is_none() {
        if wanted.is_some() {
            planner.marks(guest).plus.rp_filters.entry(mac).or_insert(was);
        }
        planner.push(Phase::Inside, Step::SetGuestFilter { guest: guest.clone(), mac, mode, was });
    }
}

/// Of a NIC that is unplugged: as it would be if it were plugged in anew, so that taking the plan back sets it again.
pub fn take_out(planner: &mut Planner<'_>, domain: &Domain, nic: &Nic, phase: Phase) {
    let (guest, mac) = (&domain.name, nic.mac);
    let interface = Inside::of(planner.observed, domain).facts().and_then(|facts| facts.interface(mac)).cloned();
    let fresh = nic.mtu.unwrap_or(MTU);
    if let Some(was) = interface.as_ref().and_then(|interface| interface.mtu).filter(|mtu| *mtu != fresh) {
        planner.push(phase, Step::SetGuestMtu { guest: guest.clone(), mac, mtu: fresh, was });
    }
    if domain.marks.mtus.contains_key(&mac) {
        planner.marks(guest).last_mtus.insert(mac);
    }
    if let Some(mode) = domain.marks.rp_filters.get(&mac).copied() {
        let now = interface.and_then(|interface| RpFilter::of(interface.rp_filter?));
        if let Some(was) = now.filter(|now| *now != mode) {
            planner.push(phase, Step::SetGuestFilter { guest: guest.clone(), mac, mode, was });
        }
        planner.marks(guest).last_filters.insert(mac);
    }
}
