//! NICs being plugged in, moved and taken out.

use crate::{
    Mac,
    observed::{GuestInterface, Link, Nic, Observed, Port, Tun},
    step::NicDefinition,
    topology::bridge_of,
};

use super::{change, index, next_index};

pub fn plug(link: &mut Link, master: Option<u32>) {
    link.master = master;
    link.port =
        master.map(|_| Port { state: "forwarding".to_owned(), isolated: false, hairpin: false, learning: true });
}

pub fn attach(observed: &mut Observed, guest: &str, definition: &NicDefinition, live: bool, config: bool) {
    if !observed.domains.contains_key(guest) {
        return;
    }
    let tap = live.then(|| make_tap(observed, definition));
    let Some(domain) = observed.domains.get_mut(guest) else { return };
    let at = match domain.nics.iter().position(|nic| nic.mac == definition.mac) {
        Some(at) => at,
        None => {
            domain.nics.push(Nic {
                mac: definition.mac,
                live: None,
                config: None,
                model: definition.model.clone(),
                tap: None,
                alias: None,
                link_up: definition.link_up,
                mtu: definition.mtu,
            });
            domain.nics.len() - 1
        }
    };
    let aliases: Vec<Option<String>> = domain.nics.iter().map(|nic| nic.alias.clone()).collect();
    let nic = &mut domain.nics[at];
    if config {
        nic.config = Some(definition.attachment.clone());
    }
    if live {
        nic.live = Some(definition.attachment.clone());
        nic.tap = tap;
        nic.alias = (0..).map(|n| Some(format!("net{n}"))).find(|alias| !aliases.contains(alias)).flatten();
        domain.free_slots = domain.free_slots.map(|free| free.saturating_sub(1));
        if let Some(facts) = observed.guests.get_mut(guest) {
            let name = (0..)
                .map(|n| format!("eth{n}"))
                .find(|name| !facts.interfaces.iter().any(|interface| interface.name == *name))
                .unwrap_or_default();
            facts.interfaces.push(GuestInterface {
                name,
                mac: Some(definition.mac),
                up: Some(false),
                addresses: Vec::new(),
                mtu: Some(definition.mtu.unwrap_or(1500)),
                rp_filter: facts.rp_filter_default,
                dhcp: false,
                accept_ra: Some(1),
            });
        }
    }
}

fn make_tap(observed: &mut Observed, definition: &NicDefinition) -> String {
    let master = bridge_of(observed, &definition.attachment).and_then(|name| index(observed, &name));
    let name = (0..).map(|n| format!("vnet{n}")).find(|name| observed.link(name).is_none()).unwrap_or_default();
    let index = next_index(observed);
    // libvirt gives the tap the NIC's address with the first byte raised, so that the bridge never takes it as its own.
    let mut mac = definition.mac.0;
    mac[0] = 0xfe;
    let mut link = Link {
        index,
        name: name.clone(),
        kind: Some("tun".to_owned()),
        mac: Some(Mac(mac)),
        mtu: definition.mtu.unwrap_or(1500),
        up: true,
        carrier: definition.link_up,
        tun: Some(Tun { mode: "tap".to_owned(), persist: false, vnet_hdr: true }),
        ..Link::default()
    };
    plug(&mut link, master);
    observed.links.insert(index, link);
    name
}

pub fn detach(observed: &mut Observed, guest: &str, mac: Mac, live: bool, config: bool) {
    let Some(domain) = observed.domains.get_mut(guest) else { return };
    let Some(at) = domain.nics.iter().position(|nic| nic.mac == mac) else { return };
    let nic = &mut domain.nics[at];
    let mut tap = None;
    if live && nic.live.take().is_some() {
        tap = nic.tap.take();
        nic.alias = None;
        domain.free_slots = domain.free_slots.map(|free| free.saturating_add(1));
        if let Some(facts) = observed.guests.get_mut(guest) {
            facts.forget(mac);
        }
    }
    let nic = &mut domain.nics[at];
    if config {
        nic.config = None;
    }
    if nic.live.is_none() && nic.config.is_none() {
        domain.nics.remove(at);
    }
    if let Some(index) = tap.and_then(|tap| index(observed, &tap)) {
        observed.links.remove(&index);
    }
}

pub fn update(observed: &mut Observed, guest: &str, definition: &NicDefinition, live: bool, config: bool) {
    let master = bridge_of(observed, &definition.attachment).and_then(|name| index(observed, &name));
    let Some(domain) = observed.domains.get_mut(guest) else { return };
    let Some(nic) = domain.nics.iter_mut().find(|nic| nic.mac == definition.mac) else { return };
    if config && nic.config.is_some() {
        nic.config = Some(definition.attachment.clone());
    }
    nic.link_up = definition.link_up;
    if live && nic.live.is_some() {
        nic.live = Some(definition.attachment.clone());
        if let Some(tap) = nic.tap.clone() {
            change(observed, &tap, |link| {
                plug(link, master);
                link.carrier = definition.link_up;
            });
        }
    }
}
