//! Guests' NICs: plugged in, moved, set inside, and given back as they were.

use ipnet::IpNet;

use crate::{
    Cluster, Mac,
    observed::{Attachment, Domain, Nic, NicMark, Observed},
    resolve::{Inside, is_global, runs},
    step::{NicDefinition, Step},
    topology::bridge_of,
};

use super::{Phase, Planner, client, setting, wishes::NicWish};

/// What a NIC gets if nobody says otherwise: the fastest that every kernel of a guest knows.
pub(crate) const MODEL: &str = "virtio";

pub(super) fn plan(planner: &mut Planner<'_>) {
    let (old, new) = (planner.old.nics.clone(), planner.new.nics.clone());
    for (mac, wish) in &old {
        let moved = new.get(mac).is_some_and(|next| next.guest != wish.guest);
        if !new.contains_key(mac) || moved {
            give_back(planner, *mac, wish);
        }
    }
    for (mac, wish) in &new {
        let before = old.get(mac).filter(|before| before.guest == wish.guest);
        want(planner, *mac, wish, before);
    }
    let named = |nic: &&Nic| match &nic.live {
        Some(Attachment::Network { network }) => planner.draft.network(network).is_some(),
        _ => false,
    };
    let others = planner.observed.domains.values().flat_map(|domain| &domain.nics);
    let orphans = others.filter(|nic| !new.contains_key(&nic.mac)).filter(named);
    let steps: Vec<Step> = orphans.filter_map(|nic| reseat(planner.observed, planner.draft, nic)).collect();
    planner.steps.extend(steps.into_iter().map(|step| (Phase::Replug, step)));
}

fn want(planner: &mut Planner<'_>, mac: Mac, wish: &NicWish, before: Option<&NicWish>) {
    let Some(domain) = planner.observed.domains.get(&wish.guest) else { return };
    let nic = domain.nics.iter().find(|nic| nic.mac == mac);
    match (&wish.attachment, nic) {
        (None, None) => {}
        (None, Some(nic)) => {
            // Nothing of one that we made is to be given back.
            if domain.marks.nics.get(&mac) == Some(&NicMark::Made) {
                forget(planner, mac, wish);
            }
            mark_found(planner, domain, nic);
            take_out(planner, domain, nic, Phase::Detach);
        }
        (Some(attachment), None) => {
            let mark = domain.marks.nics.get(&mac);
            if mark.is_none() {
                planner.marks(&wish.guest).note(mac, NicMark::Made);
            }
            let (model, mtu) = match mark {
                Some(NicMark::Found { model, mtu, .. }) => (model.clone(), *mtu),
                _ => (Some(MODEL.to_owned()), None),
            };
            let definition = NicDefinition { mac, attachment: attachment.clone(), model, link_up: wish.cable, mtu };
            attach(planner, domain, definition, Phase::Attach, runs(domain), domain.persistent);
            // Where it was found it gets what it had, besides what is wanted.
            let mut wish = wish.clone();
            if let Some(NicMark::Found { attachment: home, addresses, .. }) = mark
                && home == attachment
            {
                let had = addresses.iter().filter(|net| !wish.addresses.contains(net)).copied().collect::<Vec<_>>();
                wish.addresses.extend(had);
            }
            inside(planner, domain, mac, &wish, None);
        }
        (Some(attachment), Some(nic)) => {
            if place(planner, domain, nic, attachment, wish.cable, Phase::Attach) {
                mark_found(planner, domain, nic);
            }
            inside(planner, domain, mac, wish, before);
        }
    }
}

fn attach(planner: &mut Planner<'_>, domain: &Domain, nic: NicDefinition, phase: Phase, live: bool, config: bool) {
    if live || config {
        planner.push(phase, Step::AttachNic { guest: domain.name.clone(), nic, live, config });
    }
}

/// Brings a NIC that is there to where it is to be. Says whether anything has to be done.
fn place(
    planner: &mut Planner<'_>,
    domain: &Domain,
    nic: &Nic,
    attachment: &Attachment,
    cable: bool,
    phase: Phase,
) -> bool {
    let before = planner.len();
    planner.steps.extend(reseat(planner.observed, planner.draft, nic).map(|step| (phase, step)));
    let definition = NicDefinition {
        mac: nic.mac,
        attachment: attachment.clone(),
        model: nic.model.clone(),
        link_up: cable,
        mtu: nic.mtu,
    };
    let wrong = |there: &&Attachment| *there != attachment || nic.link_up != cable;
    let live = nic.live.as_ref().filter(wrong);
    let config = nic.config.as_ref().filter(wrong);
    let update = |planner: &mut Planner<'_>, was: &Attachment, live: bool, config: bool| {
        let was = NicDefinition { attachment: was.clone(), link_up: nic.link_up, ..definition.clone() };
        let guest = domain.name.clone();
        planner.push(phase, Step::UpdateNic { guest, nic: definition.clone(), was, live, config });
    };
    match (live, config) {
        (Some(live), Some(config)) if live == config => update(planner, live, true, true),
        (live, config) => {
            if let Some(was) = live {
                update(planner, was, true, false);
            }
            if let Some(was) = config {
                update(planner, was, false, true);
            }
        }
    }
    let (missing, fleeting) = (runs(domain) && nic.live.is_none(), domain.persistent && nic.config.is_none());
    attach(planner, domain, definition.clone(), phase, missing, fleeting);
    planner.len() > before
}

/// A tap that was moved behind libvirt's back, or orphaned by the restart of its network, goes back to where libvirt says
/// that it is; also onto a bridge that was deleted under it, if the draft makes that again.
pub(super) fn reseat(observed: &Observed, draft: &Cluster, nic: &Nic) -> Option<Step> {
    let link = observed.link(nic.tap.as_deref()?)?;
    let said = bridge_of(observed, nic.live.as_ref()?)?;
    let bridge = observed.link(&said).map(|bridge| bridge.index);
    if bridge.map_or(draft.bridge(&said).is_none(), |bridge| link.master == Some(bridge)) {
        return None;
    }
    let was = link.master.and_then(|index| observed.links.get(&index)).map(|link| link.name.clone());
    Some(Step::SetMaster { link: link.name.clone(), master: Some(said), was })
}

/// Notes how a NIC that is not ours was, before it is changed.
pub(super) fn mark_found(planner: &mut Planner<'_>, domain: &Domain, nic: &Nic) {
    let addresses = set_inside(planner, domain, nic.mac);
    let marks = planner.marks(&domain.name);
    match marks.plus.nics.get_mut(&nic.mac) {
        Some(NicMark::Made) => {}
        Some(NicMark::Found { addresses: known, .. }) => {
            if known.is_empty() {
                *known = addresses;
            }
        }
        None => {
            let Some(attachment) = nic.attachment().cloned() else { return };
            let (model, link_up, mtu) = (nic.model.clone(), nic.link_up, nic.mtu);
            marks.note(nic.mac, NicMark::Found { attachment, model, link_up, mtu, addresses });
        }
    }
}

/// The addresses of a NIC inside its guest, without what a client of ours, or an advertisement, has brought.
pub(super) fn set_inside(planner: &Planner<'_>, domain: &Domain, mac: Mac) -> Vec<IpNet> {
    let found = match domain.marks.nics.get(&mac) {
        Some(NicMark::Found { addresses, .. }) => addresses.as_slice(),
        _ => &[],
    };
    let said = |net: &IpNet| {
        let mut wishes = [&planner.old, &planner.new].into_iter().filter_map(|wishes| wishes.nics.get(&mac));
        found.contains(net) || wishes.any(|wish| wish.addresses.contains(net))
    };
    let brought = |net: &IpNet| match net {
        IpNet::V4(_) => domain.marks.dhcp.contains(&mac),
        IpNet::V6(_) => domain.marks.accept_ra.contains_key(&mac),
    };
    let facts = Inside::of(planner.observed, domain).facts();
    let addresses = facts.and_then(|facts| facts.interface(mac)).into_iter().flat_map(|own| &own.addresses);
    addresses.filter(|net| is_global(net) && (said(net) || !brought(net))).copied().collect()
}

/// All that is wanted of a NIC inside its guest.
fn inside(planner: &mut Planner<'_>, domain: &Domain, mac: Mac, wish: &NicWish, before: Option<&NicWish>) {
    if Inside::of(planner.observed, domain).facts().is_none() {
        return;
    }
    setting::set(planner, domain, mac, wish.mtu, wish.rp_filter);
    addresses(planner, domain, mac, wish, before);
    client::set(planner, domain, mac, Some(wish));
}

/// Addresses of a NIC inside its guest, and the NIC up.
fn addresses(planner: &mut Planner<'_>, domain: &Domain, mac: Mac, wish: &NicWish, before: Option<&NicWish>) {
    let Some(facts) = Inside::of(planner.observed, domain).facts() else { return };
    let guest = &domain.name;
    let interface = facts.interface(mac);
    let has = |net: &IpNet| interface.is_some_and(|interface| interface.addresses.contains(net));
    let old: Vec<IpNet> = before.into_iter().flat_map(|before| before.addresses.clone()).collect();
    let gone: Vec<IpNet> = old.into_iter().filter(|net| has(net) && !wish.addresses.contains(net)).collect();
    let new: Vec<IpNet> = wish.addresses.iter().filter(|net| !has(net)).copied().collect();
    let routed = planner.new.routes.get(guest).is_some_and(|route| route.mac == mac);
    let down = interface.is_none_or(|interface| interface.up == Some(false));
    let raise = down && (routed || wish.dhcp || wish.accept_ra || !wish.addresses.is_empty());
    if gone.is_empty() && new.is_empty() && !raise {
        return;
    }
    if let Some(nic) = domain.nics.iter().find(|nic| nic.mac == mac) {
        mark_found(planner, domain, nic);
    }
    let stays = |net: &&IpNet| is_global(net) && net.addr().is_ipv4() && !gone.contains(net);
    let emptied = interface.is_some_and(|interface| !interface.addresses.iter().any(|net| stays(&net)));
    if emptied && gone.iter().any(|net| net.addr().is_ipv4()) {
        planner.emptied.insert(mac);
    }
    if raise {
        planner.push(Phase::Inside, Step::SetGuestLinkUp { guest: guest.clone(), mac, up: true });
    }
    for address in gone {
        planner.push(Phase::Inside, Step::RemoveGuestAddress { guest: guest.clone(), mac, address });
    }
    for address in new {
        planner.push(Phase::Inside, Step::AddGuestAddress { guest: guest.clone(), mac, address });
    }
}

/// Unplugs a NIC. What was set on it goes first, step by step, so that taking the plan back sets it again.
fn take_out(planner: &mut Planner<'_>, domain: &Domain, nic: &Nic, phase: Phase) {
    let (guest, mac) = (&domain.name, nic.mac);
    let Some(attachment) = nic.attachment().cloned() else { return };
    client::take_out(planner, domain, nic, phase);
    for address in set_inside(planner, domain, mac) {
        planner.push(phase, Step::RemoveGuestAddress { guest: guest.clone(), mac, address });
    }
    let facts = Inside::of(planner.observed, domain).facts();
    if facts.and_then(|facts| facts.interface(mac)).is_some_and(|interface| interface.up == Some(true)) {
        planner.push(phase, Step::SetGuestLinkUp { guest: guest.clone(), mac, up: false });
    }
    setting::take_out(planner, domain, nic, phase);
    let definition = |attachment: &Attachment| NicDefinition {
        mac,
        attachment: attachment.clone(),
        model: nic.model.clone(),
        link_up: nic.link_up,
        mtu: nic.mtu,
    };
    let mut detach = |attachment: &Attachment, live: bool, config: bool| {
        let nic = definition(attachment);
        planner.push(phase, Step::DetachNic { guest: guest.clone(), nic, live, config });
    };
    match (&nic.live, &nic.config) {
        (Some(live), Some(config)) if live != config => {
            detach(live, true, false);
            detach(config, false, true);
        }
        (live, config) => detach(&attachment, live.is_some(), config.is_some()),
    }
    planner.gone.insert(mac);
}

fn give_back(planner: &mut Planner<'_>, mac: Mac, wish: &NicWish) {
    let Some(domain) = planner.observed.domains.get(&wish.guest) else { return };
    let nic = domain.nics.iter().find(|nic| nic.mac == mac);
    let Some(mark) = domain.marks.nics.get(&mac).cloned() else {
        // It was only set, and never moved.
        if nic.is_some() {
            setting::set(planner, domain, mac, None, None);
            client::set(planner, domain, mac, None);
        }
        return;
    };
    match (mark, nic) {
        (NicMark::Made, Some(nic)) => take_out(planner, domain, nic, Phase::Detach),
        (NicMark::Made, None) => {}
        (NicMark::Found { attachment, model, link_up, mtu, addresses }, None) => {
            let definition = NicDefinition { mac, attachment, model, link_up, mtu };
            attach(planner, domain, definition, Phase::Replug, runs(domain), domain.persistent);
            planner.back.insert(mac);
            if Inside::of(planner.observed, domain).facts().is_some() && !addresses.is_empty() {
                let guest = &wish.guest;
                planner.push(Phase::Replug, Step::SetGuestLinkUp { guest: guest.clone(), mac, up: true });
                for address in addresses {
                    planner.push(Phase::Replug, Step::AddGuestAddress { guest: guest.clone(), mac, address });
                }
            }
        }
        (NicMark::Found { attachment, link_up, addresses, .. }, Some(nic)) => {
            place(planner, domain, nic, &attachment, link_up, Phase::Replug);
            setting::set(planner, domain, mac, None, None);
            client::set(planner, domain, mac, None);
            let has = set_inside(planner, domain, mac);
            let guest = || wish.guest.clone();
            let goes = |net: &IpNet| wish.addresses.contains(net) && !addresses.contains(net);
            for address in has.iter().copied().filter(goes) {
                planner.push(Phase::InsideOff, Step::RemoveGuestAddress { guest: guest(), mac, address });
            }
            // What it lost while it was out. A newer address of the same subnet, from a lease, is as good.
            let Some(facts) = Inside::of(planner.observed, domain).facts() else { return forget(planner, mac, wish) };
            let stays: Vec<IpNet> = has.iter().copied().filter(|net| !goes(net)).map(|net| net.trunc()).collect();
            let lost: Vec<IpNet> = addresses.iter().copied().filter(|net| !stays.contains(&net.trunc())).collect();
            let down = facts.interface(mac).is_none_or(|interface| interface.up == Some(false));
            if down && !addresses.is_empty() {
                planner.push(Phase::Inside, Step::SetGuestLinkUp { guest: guest(), mac, up: true });
            }
            for address in lost {
                planner.push(Phase::Inside, Step::AddGuestAddress { guest: guest(), mac, address });
            }
        }
    }
    forget(planner, mac, wish);
}

fn forget(planner: &mut Planner<'_>, mac: Mac, wish: &NicWish) {
    let marks = planner.marks(&wish.guest);
    marks.last_nics.insert(mac);
    marks.last_mtus.insert(mac);
    marks.last_filters.insert(mac);
    marks.last_dhcp.insert(mac);
    marks.last_accept_ra.insert(mac);
}
