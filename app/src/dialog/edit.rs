//! Edits of the draft that need no form, by the functions that the command line uses too.

use leptos::prelude::*;
use model::{
    Cluster, Mac, Observed, autostart, gateway,
    nic::{self, Place},
    note::{Note, Subject},
};

use crate::{draft::Draft, live::Live};

/// From `bridge:<name>` or `network:<name>`.
pub fn place(text: &str) -> Option<Place> {
    match text.split_once(':')? {
        ("bridge", name) => name.parse().ok().map(Place::Bridge),
        ("network", name) => name.parse().ok().map(Place::Network),
        _ => None,
    }
}

/// A rail of the picture: its libvirt network if it has one, so that libvirt knows of the NIC. A bridge of ours stays one,
/// whoever makes it.
fn rail(live: Live, rail: &str) -> Option<Place> {
    let network = live.topology.with_untracked(|topology| {
        let mut networks = topology.networks.values();
        networks
            .find(|network| network.bridge.as_deref() == Some(rail) && !network.ours)
            .map(|network| network.name.clone())
    });
    match network {
        Some(network) => network.parse().ok().map(Place::Network),
        None => rail.parse().ok().map(Place::Bridge),
    }
}

/// Puts an edited document in the draft's place, or says why it cannot be edited so.
pub fn edit(live: Live, draft: Draft, edit: impl FnOnce(&Observed, &Cluster) -> Result<Cluster, Note>) -> bool {
    let cluster = untrack(|| draft.cluster());
    match live.observed.with_untracked(|observed| edit(observed, &cluster)) {
        Ok(cluster) => {
            draft.put(cluster);
            true
        }
        Err(note) => {
            draft.refusal.set(Some(note.into()));
            false
        }
    }
}

pub fn attach(live: Live, draft: Draft, guest: &str, to: &str) {
    let Some(place) = rail(live, to) else { return };
    let Ok(guest) = guest.parse() else { return };
    edit(live, draft, |observed, cluster| nic::attach(observed, cluster, &guest, &place));
}

pub fn move_nic(live: Live, draft: Draft, mac: Mac, to: &str) {
    let Some(place) = rail(live, to) else { return };
    edit(live, draft, |observed, cluster| nic::move_nic(observed, cluster, mac, &place));
}

/// A bridge that takes over this NIC of the host.
pub fn bridge_over(live: Live, draft: Draft, uplink: &str) {
    let Ok(uplink) = uplink.parse() else { return };
    let cluster = untrack(|| draft.cluster());
    let bridge = live.observed.with_untracked(|observed| nic::bridge_over(observed, &cluster, &uplink));
    if let Some(bridge) = bridge {
        draft.put(nic::with_bridge(&cluster, bridge));
    }
}

pub fn set_cable(live: Live, draft: Draft, mac: Mac, cable: bool) {
    edit(live, draft, |observed, cluster| nic::set_cable(observed, cluster, mac, cable));
}

pub fn unplug(live: Live, draft: Draft, mac: Mac) {
    edit(live, draft, |observed, cluster| nic::unplug(observed, cluster, mac));
}

/// Takes `unplug` back: the entry is again what the committed document says.
pub fn keep(live: Live, draft: Draft, mac: Mac) {
    let mut cluster = untrack(|| draft.cluster());
    let committed = live.document.with_untracked(|document| document.cluster.nic(mac).cloned());
    cluster.nics.retain(|nic| nic.mac != mac);
    cluster.nics.extend(committed);
    draft.put(cluster);
}

/// Whether this object is put back without asking, and how the document says so; `None` if it cannot.
pub fn put_back(cluster: &Cluster, subject: &Subject) -> Option<bool> {
    match subject {
        Subject::Link(name) => cluster.bridge(name).map(|bridge| bridge.put_back),
        Subject::Nic(mac) => cluster.nic(mac.parse().ok()?).map(|nic| nic.put_back),
        Subject::Network(name) => Some(cluster.network(name).is_some_and(|network| network.put_back)),
        _ => None,
    }
}

pub fn set_put_back(draft: Draft, subject: &Subject, always: bool) {
    let mut cluster = untrack(|| draft.cluster());
    match subject {
        Subject::Link(name) => {
            let bridges = cluster.bridges.iter_mut().filter(|bridge| *bridge.name == **name);
            bridges.for_each(|bridge| bridge.put_back = always);
        }
        Subject::Nic(mac) => {
            let nics = cluster.nics.iter_mut().filter(|nic| nic.mac.to_string() == *mac);
            nics.for_each(|nic| nic.put_back = always);
        }
        Subject::Network(name) => {
            let Ok(name) = name.parse() else { return };
            cluster = autostart::edit_network(&cluster, &name, |network| network.put_back = always);
        }
        _ => {}
    }
    draft.put(cluster);
}

pub fn delete_bridge(draft: Draft, name: &str) {
    draft.put(gateway::remove_bridge(&untrack(|| draft.cluster()), name));
}

pub fn remove_gateway(draft: Draft, bridge: &str) {
    draft.put(gateway::remove_gateway(&untrack(|| draft.cluster()), bridge));
}
