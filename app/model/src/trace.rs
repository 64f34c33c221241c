//! The proof of an explanation: the same packet, really sent, and where it was seen.
//!
//! ```text
//! Question ─► Explanation ─► links to watch ─┐
//!     └─────► probe ─────────► frames ───────┴─► Sightings ─► each hop seen or not, predicted beside seen
//! ```

mod sighting;
mod text;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Observed,
    explain::{Explanation, Packet, Place, Verdict},
    topology::is_uplink,
};
pub use sighting::Sighting;

/// Most links of the host that are watched for one question.
pub const LINKS: usize = 64;

/// What was predicted, and what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trace {
    /// As it was predicted before the probe was sent.
    pub explanation: Explanation,
    /// Whether the probe was answered.
    pub answered: bool,
    /// What the probe printed, at most 2 kB.
    pub said: String,
    /// In order of time.
    pub sightings: Vec<Sighting>,
    /// One for each hop of the explanation.
    pub looks: Vec<Look>,
    /// Whether all happened as predicted; `None` where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agrees: Option<bool>,
    /// Links that could not be watched, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwatched: Vec<String>,
}

/// What a capture at a predicted hop saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", tag = "look")]
pub enum Look {
    Seen {
        /// Since the probe was begun.
        micros: u64,
    },
    NotSeen,
    /// Inside a guest, or outside.
    NotWatched,
}

/// Links of the host by which the packet may pass, or turn up where it should not: those of the way first, then every other
/// bridge, tap and uplink that is up; at most [`LINKS`].
pub fn links(observed: &Observed, explanation: &Explanation) -> Vec<String> {
    let way = explanation.hops.iter().filter_map(|hop| match &hop.place {
        Place::Host { link } => Some(link.clone()),
        _ => None,
    });
    let taps: BTreeSet<&str> =
        observed.domains.values().flat_map(|domain| &domain.nics).filter_map(|nic| nic.tap.as_deref()).collect();
    let others = observed
        .links
        .values()
        .filter(|link| link.up && (link.is_bridge() || taps.contains(link.name.as_str()) || is_uplink(observed, link)));
    let mut links = Vec::new();
    for link in way.chain(others.map(|link| link.name.clone())) {
        if links.len() < LINKS && !links.contains(&link) {
            links.push(link);
        }
    }
    links
}

/// Addresses that the packet or its answer has anywhere on the way: what captures look for.
pub fn addresses(explanation: &Explanation) -> BTreeSet<std::net::IpAddr> {
    explanation.hops.iter().flat_map(|hop| [hop.packet.source, hop.packet.destination]).collect()
}

impl Trace {
    /// Lays what was seen beside what was predicted. `watched` are the links that were captured on from before the probe until
    /// after its end.
    pub fn of(
        explanation: Explanation,
        watched: &BTreeSet<String>,
        mut sightings: Vec<Sighting>,
        answered: bool,
        said: String,
        unwatched: Vec<String>,
    ) -> Self {
        // Frames of one moment lie in the order of the way.
        let place = |seen: &Sighting| {
            let hop = explanation.hops.iter().position(|hop| is_at(seen, &hop.place, &hop.packet));
            hop.unwrap_or(explanation.hops.len())
        };
        sightings.sort_by_cached_key(|seen| (seen.micros, place(seen)));
        let looks: Vec<Look> = explanation
            .hops
            .iter()
            .map(|hop| {
                let Place::Host { link } = &hop.place else { return Look::NotWatched };
                if !watched.contains(link) {
                    return Look::NotWatched;
                }
                let seen = sightings.iter().find(|seen| is_at(seen, &hop.place, &hop.packet));
                seen.map_or(Look::NotSeen, |seen| Look::Seen { micros: seen.micros })
            })
            .collect();
        let agrees = agrees(&explanation, &looks, &sightings, answered);
        Self { explanation, answered, said, sightings, looks, agrees, unwatched }
    }

    /// The last hop at which it was seen, and the first after that at which it was looked for in vain.
    pub fn ends(&self) -> (Option<usize>, Option<usize>) {
        let last = self.looks.iter().rposition(|look| matches!(look, Look::Seen { .. }));
        let first = self
            .looks
            .iter()
            .enumerate()
            .find(|(nth, look)| **look == Look::NotSeen && last.is_none_or(|last| *nth > last));
        (last, first.map(|(nth, _)| nth))
    }
}

/// Whether a sighting is what was predicted there. A port that the sender chose may be any.
fn is_at(seen: &Sighting, place: &Place, predicted: &Packet) -> bool {
    let port = |predicted: Option<u16>, seen: Option<u16>| predicted.is_none() || predicted == seen;
    let Sighting { link, packet, .. } = seen;
    matches!(place, Place::Host { link: at } if at == link)
        && (packet.transport, packet.reply) == (predicted.transport, predicted.reply)
        && (packet.source, packet.destination) == (predicted.source, predicted.destination)
        && port(predicted.source_port, packet.source_port)
        && port(predicted.destination_port, packet.destination_port)
}

/// A "yes" is answered and seen all the way. A "no" is not, is seen as far as was said, and nowhere else.
fn agrees(explanation: &Explanation, looks: &[Look], sightings: &[Sighting], answered: bool) -> Option<bool> {
    let seen = !looks.contains(&Look::NotSeen);
    match explanation.verdict {
        Verdict::Unknown => None,
        Verdict::Yes => Some(answered && seen),
        Verdict::No => {
            let stray = |seen: &Sighting| !explanation.hops.iter().any(|hop| is_at(seen, &hop.place, &hop.packet));
            Some(!answered && seen && !sightings.iter().any(stray))
        }
    }
}
