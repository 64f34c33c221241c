//! Drafts that say whether guests and networks start with the host.
//!
//! What is so already gets no entry, and what is to be the opposite of what the committed document says loses its entry: so
//! that an entry, when it goes, gives back what was there before it.

use crate::{
    Cluster, Observed,
    cluster::{Guest, Network},
    name::{GuestName, NetworkName},
};

/// With this guest to start with the host, or not.
#[must_use]
pub fn set_guest(observed: &Observed, committed: &Cluster, draft: &Cluster, name: &GuestName, on: bool) -> Cluster {
    let is = observed.domains.get(&**name).is_some_and(|domain| domain.autostart);
    let said = committed.guest(name).and_then(|guest| guest.autostart);
    let mut edited = draft.clone();
    edited.guests.retain(|guest| guest.name != *name);
    if let Some(on) = entry(said, is, on) {
        edited.guests.push(Guest { name: name.clone(), autostart: Some(on) });
    }
    edited
}

/// With this network to start with the host, or not.
#[must_use]
pub fn set_network(observed: &Observed, committed: &Cluster, draft: &Cluster, name: &NetworkName, on: bool) -> Cluster {
    let is = observed.networks.get(&**name).is_some_and(|network| network.autostart);
    let said = committed.network(name).and_then(|network| network.autostart);
    edit_network(draft, name, |network| network.autostart = entry(said, is, on))
}

/// With an edited entry of a network; one that says nothing is none.
#[must_use]
pub fn edit_network(draft: &Cluster, name: &NetworkName, edit: impl FnOnce(&mut Network)) -> Cluster {
    let blank = Network { name: name.clone(), autostart: None, put_back: false };
    let mut edited = draft.clone();
    let mut network = draft.network(name).cloned().unwrap_or_else(|| blank.clone());
    edited.networks.retain(|network| network.name != *name);
    edit(&mut network);
    if network != blank {
        edited.networks.push(network);
    }
    edited
}

fn entry(said: Option<bool>, is: bool, on: bool) -> Option<bool> {
    match said {
        Some(said) => (said == on).then_some(on),
        None => (is != on).then_some(on),
    }
}
