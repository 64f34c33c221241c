//! Whether a document makes sense on a host: what blocks it, what deserves a second look.
//!
//! Each note names the field at fault as `table.name.field`, e.g. `bridge.mybr0.address`.

mod autostart;
mod bridge;
mod channel;
mod client;
mod destinations;
mod dhcp;
mod forward;
mod gateway;
mod inside;
mod lease;
mod manager;
mod nic;
mod persist;
mod promise;
mod resolver;
mod setting;
mod uplink;

use std::collections::BTreeMap;

use crate::{
    Cluster, Observed,
    note::{Note, Sentence, Severity, Subject},
    step::Step,
};

pub use resolver::wrong_hostname;

/// Checks a document for itself: everything in it counts as new.
pub fn check(observed: &Observed, cluster: &Cluster) -> Vec<Note> {
    review(observed, &Cluster::default(), cluster)
}

/// Checks a draft. What `committed` says too is not blocked for what has only fallen silent since.
pub fn review(observed: &Observed, committed: &Cluster, draft: &Cluster) -> Vec<Note> {
    let mut notes = Vec::new();
    bridge::check(observed, committed, draft, &mut notes);
    uplink::check(observed, committed, draft, &mut notes);
    dhcp::check(observed, committed, draft, &mut notes);
    nic::check(observed, draft, &mut notes);
    client::check(observed, draft, &mut notes);
    gateway::check(observed, committed, draft, &mut notes);
    forward::check(observed, committed, draft, &mut notes);
    destinations::check(observed, draft, &mut notes);
    inside::check(observed, committed, draft, &mut notes);
    autostart::check(observed, committed, draft, &mut notes);
    channel::check(observed, committed, draft, &mut notes);
    resolver::check(draft, &mut notes);
    lease::check(observed, committed, draft, &mut notes);
    manager::check(observed, committed, draft, &mut notes);
    persist::check(observed, draft, &mut notes);
    promise::check(observed, committed, draft, &mut notes);
    notes
}

/// Whether the guests have room for what is to be plugged in while they run.
pub fn slots(observed: &Observed, steps: &[Step]) -> Vec<Note> {
    let mut wanted: BTreeMap<&str, u32> = BTreeMap::new();
    for step in steps {
        if let Step::AttachNic { guest, live: true, .. } = step {
            *wanted.entry(guest).or_default() += 1;
        }
    }
    let mut notes = Vec::new();
    for (guest, count) in wanted {
        let Some(free) = observed.domains.get(guest).and_then(|domain| domain.free_slots) else { continue };
        if free < count {
            let text = Sentence::new(
                format!(
                    "{guest} has {free} free PCI slots and needs {count}. Shut it down and add pcie-root-port controllers, \
                     or unplug a NIC that it does not need."
                ),
                format!(
                    "{guest} 只剩 {free} 个空闲 PCI 插槽，需要 {count} 个。请关机后添加 pcie-root-port，或先拔掉不需要的网卡。"
                ),
            );
            notes.push(note(Severity::Block, Subject::Guest(guest.to_owned()), "no-slots", text, None));
        }
    }
    notes
}

fn note(severity: Severity, subject: Subject, code: &str, text: Sentence, field: Option<String>) -> Note {
    let note = Note::new(severity, subject, code, text);
    match field {
        Some(field) => note.field(field),
        None => note,
    }
}
