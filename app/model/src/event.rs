//! What travels over `/api/v1/live`.
//!
//! The server says hello (with a snapshot unless the client already has that generation), then keyed upserts and
//! removals. A client that lags or reconnects gets a snapshot again.
//!
//! Frames travel as JSON, or as the bytes of [`wire`] to the page that the server itself served.

use std::{collections::BTreeMap, net::IpAddr};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    Cluster,
    draft::Draft,
    note::Note,
    observed::{
        Counters, Domain, FdbEntry, Folder, GuestFacts, Hits, Host, Link, Neighbour, Network, Observed, PolicyRule,
        Route, Source, SourceState, Table,
    },
    plan::Change,
    wire::{self, Sealed},
};

/// Server to browser. The tag comes before the content, so that what is keyed by number can be read straight away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "frame", content = "is")]
pub enum Frame {
    Hello {
        generation: u64,
        /// `None` if the client said that it has this generation.
        snapshot: Option<Box<Observed>>,
        document: Document,
        /// The link by which this client came, if its address could be found on one.
        you: Option<YouAreHere>,
        /// How the journal and drafts name this client.
        who: String,
    },
    Patch(Patch),
    /// This client comes in by another link now.
    You(YouAreHere),
    /// The document has a new version.
    Document(Document),
    /// Progress of a change.
    Change(Change),
    /// All that is not as the document says, now.
    Drift(Vec<Note>),
    /// What operators are drafting, now.
    Drafts(Vec<Draft>),
    Counters(Traffic),
    /// Nothing happened for a while; the connection lives.
    Alive,
}

/// Browser to server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "ask", deny_unknown_fields)]
pub enum Ask {
    /// Send counters of links, and of the rules of these tables, at 1 Hz.
    Counters { links: bool, tables: Vec<String> },
}

/// A version of the cluster document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Document {
    /// 0 before the first change.
    pub version: u64,
    pub cluster: Cluster,
}

/// The way by which this browser's own connection reaches the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct YouAreHere {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub address: IpAddr,
    pub link: Option<String>,
}

/// Counters since each object was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Traffic {
    /// Milliseconds since 1970: rates are differences over this.
    pub at: u64,
    /// By ifindex.
    #[borsh(deserialize_with = "wire::read_map")]
    pub links: BTreeMap<u32, Counters>,
    /// By `family table handle`.
    #[borsh(deserialize_with = "wire::read_map")]
    pub rules: BTreeMap<String, Hits>,
}

/// From one generation to the next.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Patch {
    pub generation: u64,
    pub set: Vec<Object>,
    pub removed: Vec<Key>,
}

/// One keyed part of `Observed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "object", content = "is")]
pub enum Object {
    Host(Host),
    Source {
        source: Source,
        state: SourceState,
    },
    Link(Link),
    Routes(Vec<Route>),
    Rules {
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<PolicyRule>>))]
        rules: Sealed<Option<Vec<PolicyRule>>>,
    },
    Neighbours(Vec<Neighbour>),
    Fdb(Vec<FdbEntry>),
    Sysctls(#[borsh(deserialize_with = "wire::read_map")] BTreeMap<String, String>),
    Table(Table),
    Network(Network),
    Domain(Domain),
    Guest {
        name: String,
        facts: Box<GuestFacts>,
    },
    Folders(#[borsh(deserialize_with = "wire::read_map")] BTreeMap<String, Folder>),
}

/// Names a keyed part that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "object", content = "key")]
pub enum Key {
    Source(Source),
    Link(u32),
    Table(String),
    Network(String),
    Domain(String),
    Guest(String),
}

impl Patch {
    /// What turns `old` into `new`. Empty if they are equal but for the generation.
    pub fn between(old: &Observed, new: &Observed) -> Self {
        let mut patch = Self { generation: new.generation, ..Self::default() };
        if old.host != new.host {
            patch.set.push(Object::Host(new.host.clone()));
        }
        patch.map(
            &old.sources,
            &new.sources,
            |key, state| Object::Source { source: *key, state: state.clone() },
            Key::Source,
        );
        patch.map(&old.links, &new.links, |_, link| Object::Link(link.clone()), Key::Link);
        patch.whole(&old.routes, &new.routes, Object::Routes);
        patch.whole(&old.rules, &new.rules, |rules| Object::Rules { rules });
        patch.whole(&old.neighbours, &new.neighbours, Object::Neighbours);
        patch.whole(&old.fdb, &new.fdb, Object::Fdb);
        patch.whole(&old.sysctls, &new.sysctls, Object::Sysctls);
        patch.map(&old.tables, &new.tables, |_, table| Object::Table(table.clone()), Key::Table);
        patch.map(&old.networks, &new.networks, |_, network| Object::Network(network.clone()), Key::Network);
        patch.map(&old.domains, &new.domains, |_, domain| Object::Domain(domain.clone()), Key::Domain);
        patch.map(
            &old.guests,
            &new.guests,
            |name, facts| Object::Guest { name: name.clone(), facts: Box::new(facts.clone()) },
            Key::Guest,
        );
        patch.whole(&old.folders, &new.folders, Object::Folders);
        patch
    }

    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }

    /// Brings `observed` to this patch's generation.
    pub fn apply(self, observed: &mut Observed) {
        observed.generation = self.generation;
        for key in self.removed {
            match key {
                Key::Source(source) => drop(observed.sources.remove(&source)),
                Key::Link(index) => drop(observed.links.remove(&index)),
                Key::Table(key) => drop(observed.tables.remove(&key)),
                Key::Network(name) => drop(observed.networks.remove(&name)),
                Key::Domain(name) => drop(observed.domains.remove(&name)),
                Key::Guest(name) => drop(observed.guests.remove(&name)),
            }
        }
        for object in self.set {
            match object {
                Object::Host(host) => observed.host = host,
                Object::Source { source, state } => drop(observed.sources.insert(source, state)),
                Object::Link(link) => drop(observed.links.insert(link.index, link)),
                Object::Routes(routes) => observed.routes = routes,
                Object::Rules { rules } => observed.rules = rules,
                Object::Neighbours(neighbours) => observed.neighbours = neighbours,
                Object::Fdb(fdb) => observed.fdb = fdb,
                Object::Sysctls(sysctls) => observed.sysctls = sysctls,
                Object::Table(table) => drop(observed.tables.insert(table.key(), table)),
                Object::Network(network) => drop(observed.networks.insert(network.name.clone(), network)),
                Object::Domain(domain) => drop(observed.domains.insert(domain.name.clone(), domain)),
                Object::Guest { name, facts } => drop(observed.guests.insert(name, *facts)),
                Object::Folders(folders) => observed.folders = folders,
            }
        }
    }

    fn map<K: Ord + Clone, V: PartialEq>(
        &mut self,
        old: &BTreeMap<K, V>,
        new: &BTreeMap<K, V>,
        object: impl Fn(&K, &V) -> Object,
        gone: impl Fn(K) -> Key,
    ) {
        self.set.extend(
            new.iter().filter(|(key, value)| old.get(key) != Some(value)).map(|(key, value)| object(key, value)),
        );
        self.removed.extend(old.keys().filter(|key| !new.contains_key(key)).cloned().map(gone));
    }

    fn whole<V: PartialEq + Clone>(&mut self, old: &V, new: &V, object: impl Fn(V) -> Object) {
        if old != new {
            self.set.push(object(new.clone()));
        }
    }
}
