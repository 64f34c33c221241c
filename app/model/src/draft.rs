//! Drafts, entry by entry: what a draft changes, what two of them disagree about, and how one is carried over to a newer
//! version of the document.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    Cluster, Mac,
    cluster::{Bridge, Gateway, Guest, Lease, Network, Nic, Promise},
    name::{GuestName, LinkName, NetworkName},
    note::{Note, Sentence, Severity, Subject},
    observed::ManagerKind,
    wire::Sealed,
};

/// An edited document that somebody has not applied yet, as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Draft {
    /// Whose it is, as the journal names operators.
    pub who: String,
    /// The page that edited it last: an operator may have several.
    pub page: String,
    /// When that was, in milliseconds since 1970.
    pub at: u64,
    /// The version of the document that it is a draft of.
    pub version: u64,
    pub cluster: Cluster,
    /// Entries that a version has changed since the draft did.
    pub conflicts: Vec<Entry>,
}

/// An entry of the document, by what it is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "kind", content = "name")]
pub enum Entry {
    Bridge(LinkName),
    Nic(Mac),
    /// By its bridge.
    Gateway(LinkName),
    Guest(GuestName),
    Network(NetworkName),
    Lease {
        network: NetworkName,
        mac: Mac,
    },
    /// By who asks, and what: `node1 > 10.0.0.9 tcp 443`.
    Promise(String),
    /// The one that keeps the bridges in its files.
    Manager,
}

/// What a draft does with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    Added,
    Changed,
    Removed,
}

/// An entry with what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Bridge(Bridge),
    Nic(Nic),
    Gateway(Gateway),
    Guest(Guest),
    Network(Network),
    Lease(Lease),
    Promise(Promise),
    Manager(ManagerKind),
}

/// The entries that a draft adds, changes or removes, in the order of the document.
pub fn edits(base: &Cluster, draft: &Cluster) -> Vec<(Entry, Edit)> {
    let (before, after) = (items(base), items(draft));
    let said = |entry: &Entry| before.iter().find(|item| item.entry() == *entry);
    let mut edits = Vec::new();
    for item in &after {
        let entry = item.entry();
        match said(&entry) {
            None => edits.push((entry, Edit::Added)),
            Some(was) if was != item => edits.push((entry, Edit::Changed)),
            Some(_) => {}
        }
    }
    let gone = before.iter().map(Item::entry).filter(|entry| after.iter().all(|item| item.entry() != *entry));
    edits.extend(gone.map(|entry| (entry, Edit::Removed)));
    edits
}

/// The draft without what it does to one entry.
#[must_use]
pub fn without(base: &Cluster, draft: &Cluster, entry: &Entry) -> Cluster {
    let mut rest = draft.clone();
    put(&mut rest, entry, find(base, entry));
    rest
}

/// What the draft edits, edited in a newer version; and the entries that the newer version has changed too, and otherwise.
pub fn carry(base: &Cluster, newer: &Cluster, draft: &Cluster) -> (Cluster, Vec<Entry>) {
    let mut carried = newer.clone();
    for (entry, _) in edits(base, draft) {
        put(&mut carried, &entry, find(draft, &entry));
    }
    (carried, conflicts(base, newer, draft))
}

/// The entries that both edit, not in the same way.
pub fn conflicts(base: &Cluster, one: &Cluster, other: &Cluster) -> Vec<Entry> {
    let others = edits(base, other);
    let both = edits(base, one).into_iter().map(|(entry, _)| entry);
    let both = both.filter(|entry| others.iter().any(|(edited, _)| edited == entry));
    both.filter(|entry| find(one, entry) != find(other, entry)).collect()
}

/// What an operator has to know of a draft before applying it: what changed under it, and who else drafts the same entries.
pub fn review(committed: &Cluster, draft: &Cluster, conflicts: &[Entry], others: &[Draft]) -> Vec<Note> {
    let note = |entry: &Entry, code: &str, text: Sentence| Note::new(Severity::Warn, entry.subject(), code, text);
    let mut notes: Vec<Note> = conflicts
        .iter()
        .map(|entry| {
            let text = Sentence::new(
                format!(
                    "{entry} has been changed since this draft did so, and not in the same way. Applying the draft replaces that."
                ),
                format!("本草稿编辑 {entry} 之后，它已被改成别的样子。执行草稿会覆盖该更改。"),
            );
            note(entry, "draft-overtaken", text)
        })
        .collect();
    for other in others {
        let who = &other.who;
        for entry in self::conflicts(committed, draft, &other.cluster) {
            let text = Sentence::new(
                format!("{who} is drafting {entry} too, and not in the same way."),
                format!("{who} 也在编辑 {entry}，内容与本草稿不同。"),
            );
            notes.push(note(&entry, "draft-conflict", text));
        }
    }
    notes
}

impl Entry {
    /// Where it is on the picture.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Bridge(name) => Subject::Link(name.to_string()),
            Self::Nic(mac) => Subject::Nic(mac.to_string()),
            Self::Gateway(bridge) => Subject::Gateway(bridge.to_string()),
            Self::Guest(name) => Subject::Guest(name.to_string()),
            Self::Network(network) | Self::Lease { network, .. } => Subject::Network(network.to_string()),
            Self::Promise(asked) => Promise::subject(asked),
            Self::Manager => Subject::Host,
        }
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bridge(name) => write!(f, "bridge {name}"),
            Self::Nic(mac) => write!(f, "nic {mac}"),
            Self::Gateway(bridge) => write!(f, "gateway of {bridge}"),
            Self::Guest(name) => write!(f, "guest {name}"),
            Self::Network(name) => write!(f, "network {name}"),
            Self::Lease { network, mac } => write!(f, "lease of {mac} on {network}"),
            Self::Promise(asked) => write!(f, "promise {asked}"),
            Self::Manager => f.write_str("manager"),
        }
    }
}

impl Item {
    fn entry(&self) -> Entry {
        match self {
            Self::Bridge(bridge) => Entry::Bridge(bridge.name.clone()),
            Self::Nic(nic) => Entry::Nic(nic.mac),
            Self::Gateway(gateway) => Entry::Gateway(gateway.bridge.clone()),
            Self::Guest(guest) => Entry::Guest(guest.name.clone()),
            Self::Network(network) => Entry::Network(network.name.clone()),
            Self::Lease(lease) => Entry::Lease { network: lease.network.clone(), mac: lease.mac },
            Self::Promise(promise) => Entry::Promise(promise.asked()),
            Self::Manager(_) => Entry::Manager,
        }
    }
}

fn items(cluster: &Cluster) -> Vec<Item> {
    let Cluster { manager, bridges, nics, gateways, guests, networks, leases, promises } = cluster.clone();
    let mut items: Vec<Item> = bridges.into_iter().map(Item::Bridge).collect();
    items.extend(nics.into_iter().map(Item::Nic));
    items.extend(gateways.into_iter().map(Item::Gateway));
    items.extend(guests.into_iter().map(Item::Guest));
    items.extend(networks.into_iter().map(Item::Network));
    items.extend(leases.into_iter().map(Item::Lease));
    items.extend(promises.iter().cloned().map(Item::Promise));
    items.extend(manager.map(Item::Manager));
    items
}

fn find(cluster: &Cluster, entry: &Entry) -> Option<Item> {
    items(cluster).into_iter().find(|item| item.entry() == *entry)
}

/// Puts the item in the entry's place, or at the end of its kind; `None` takes the entry out.
fn put(cluster: &mut Cluster, entry: &Entry, item: Option<Item>) {
    let mut items = items(cluster);
    let place = items.iter().position(|item| item.entry() == *entry);
    match (place, item) {
        (Some(place), Some(item)) => items[place] = item,
        (Some(place), None) => drop(items.remove(place)),
        (None, Some(item)) => items.push(item),
        (None, None) => {}
    }
    *cluster = Cluster::default();
    let mut promises = Vec::new();
    for item in items {
        match item {
            Item::Bridge(bridge) => cluster.bridges.push(bridge),
            Item::Nic(nic) => cluster.nics.push(nic),
            Item::Gateway(gateway) => cluster.gateways.push(gateway),
            Item::Guest(guest) => cluster.guests.push(guest),
            Item::Network(network) => cluster.networks.push(network),
            Item::Lease(lease) => cluster.leases.push(lease),
            Item::Promise(promise) => promises.push(promise),
            Item::Manager(manager) => cluster.manager = Some(manager),
        }
    }
    cluster.promises = Sealed::of(&promises);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(name: &str, address: &str) -> Bridge {
        Bridge { address: vec![address.parse().expect("an address")], ..Bridge::new(name.parse().expect("a name")) }
    }

    fn cluster(bridges: &[(&str, &str)]) -> Cluster {
        Cluster { bridges: bridges.iter().map(|(name, net)| bridge(name, net)).collect(), ..Cluster::default() }
    }

    const A: (&str, &str) = ("a", "10.1.0.1/24");
    const B: (&str, &str) = ("b", "10.2.0.1/24");
    const C: (&str, &str) = ("c", "10.3.0.1/24");
    const A2: (&str, &str) = ("a", "10.1.0.2/24");
    const A3: (&str, &str) = ("a", "10.1.0.3/24");

    fn named(name: &str) -> Entry {
        Entry::Bridge(name.parse().expect("a name"))
    }

    #[test]
    fn each_edit_is_found_and_taken_back_alone() {
        let (base, draft) = (cluster(&[A, B]), cluster(&[A2, C]));
        let found = edits(&base, &draft);
        assert_eq!(found, [(named("a"), Edit::Changed), (named("c"), Edit::Added), (named("b"), Edit::Removed)]);
        assert_eq!(without(&base, &draft, &named("a")), cluster(&[A, C]));
        assert_eq!(without(&base, &draft, &named("c")), cluster(&[A2]));
        assert_eq!(without(&base, &draft, &named("b")), cluster(&[A2, C, B]));
        let nothing = found.iter().fold(draft, |draft, (entry, _)| without(&base, &draft, entry));
        assert!(edits(&base, &nothing).is_empty());
    }

    #[test]
    fn a_draft_is_carried_over_to_a_newer_version() {
        let base = cluster(&[A, B]);
        assert_eq!(carry(&base, &cluster(&[A, B, C]), &cluster(&[A2, B])), (cluster(&[A2, B, C]), vec![]));
        assert_eq!(carry(&base, &cluster(&[A2, B]), &cluster(&[A2])), (cluster(&[A2]), vec![]));
        assert_eq!(carry(&base, &cluster(&[A3, B]), &cluster(&[A2])), (cluster(&[A2]), vec![named("a")]));
        assert_eq!(carry(&base, &cluster(&[B]), &cluster(&[A2, B])), (cluster(&[B, A2]), vec![named("a")]));
    }

    #[test]
    fn operators_are_told_of_each_other() {
        let base = cluster(&[A]);
        let other = |bridges: &[(&str, &str)]| Draft {
            who: "session 7".to_owned(),
            page: String::new(),
            at: 0,
            version: 1,
            cluster: cluster(bridges),
            conflicts: Vec::new(),
        };
        assert!(review(&base, &cluster(&[A2]), &[], &[other(&[A2]), other(&[A, B])]).is_empty());
        let notes = review(&base, &cluster(&[A2]), &[named("a")], &[other(&[A3])]);
        assert_eq!(
            notes.iter().map(|note| note.code.as_str()).collect::<Vec<_>>(),
            ["draft-overtaken", "draft-conflict"]
        );
        assert!(notes[1].text.en.contains("session 7 is drafting bridge a too"), "{notes:?}");
    }
}
