//! Which changes run only under confirm-or-revert: those that could cut off whoever asked for them.

use std::collections::BTreeSet;

use crate::{
    cluster::Protocol,
    note::Subject,
    observed::{Link, Observed},
    step::{Step, TableEntry},
    topology::MAIN,
};

/// Where an SSH server listens.
pub const SSH: u16 = 22;

/// Whether a plan touches the operator's own wire, the host's way out, or what its firewall lets in.
///
/// `wire` is the link by which the operator's own connection comes, if it is known. A connection that comes by loopback
/// (an SSH tunnel) comes by one of the links that lead out.
pub fn needs_confirmation(observed: &Observed, steps: &[Step], wire: Option<&str>) -> bool {
    let lifelines = lifelines(observed, wire);
    steps.iter().any(|step| match step {
        Step::AddRoute { route } | Step::RemoveRoute { route } if route.destination.prefix_len() == 0 => true,
        Step::InsertRule { rule } | Step::DeleteRule { rule } => {
            let table = observed.tables.get(&format!("{} {}", rule.family, rule.table));
            let hook = table.and_then(|table| table.chain(&rule.chain)).and_then(|chain| chain.hook.as_deref());
            hook == Some("input")
        }
        Step::ReplaceTable { translations, was } => {
            translations.iter().any(|entry| hides_ssh(entry) && !was.contains(entry))
        }
        _ => step.touches().iter().any(|subject| matches!(subject, Subject::Link(name) if lifelines.contains(name))),
    })
}

/// Whether the host's own SSH server is no longer reached: many an operator comes by it.
fn hides_ssh(entry: &TableEntry) -> bool {
    entry.destination().is_some_and(|asked| (asked.protocol, asked.port) == (Protocol::Tcp, SSH))
}

/// The links that the operator's connection may come by, and the bridges and host NICs that they are one with.
fn lifelines(observed: &Observed, wire: Option<&str>) -> BTreeSet<String> {
    let out = observed.routes.iter().filter(|route| route.table == MAIN && route.is_default());
    let mut indexes: BTreeSet<u32> = out.filter_map(|route| route.link).collect();
    indexes.extend(wire.and_then(|wire| observed.link(wire)).map(|link| link.index));
    let masters: Vec<u32> = indexes.iter().filter_map(|index| observed.links.get(index)?.master).collect();
    indexes.extend(masters);
    // A guest's tap is no way in.
    let port = |link: &&Link| link.tun.is_none() && link.master.is_some_and(|master| indexes.contains(&master));
    let ports: Vec<u32> = observed.links.values().filter(port).map(|link| link.index).collect();
    indexes.extend(ports);
    indexes.iter().filter_map(|index| observed.links.get(index)).map(|link| link.name.clone()).collect()
}
