//! ifupdown: which interfaces are up, and what it was told of them: interfaces(5).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use model::observed::{Manager, ManagerKind};

use super::{Found, files, text};

pub const STATE: &str = "run/network";
pub const FOLDER: &str = "etc/network";
pub const PARTS: &str = "etc/network/interfaces.d";

/// Its own file, and those that Debian's sources.
pub fn interfaces(root: &Path) -> Vec<Found> {
    let own = text(&root.join(FOLDER).join("interfaces"));
    let own = own.map(|text| Found { path: format!("/{FOLDER}/interfaces"), text });
    own.into_iter().chain(files(root, PARTS)).collect()
}

/// By name of the link: those that it has brought up, and those that it brings up by itself.
pub fn managers(state: &str, files: &[Found]) -> BTreeMap<String, Manager> {
    let mut claimed: BTreeSet<&str> = state.lines().filter_map(|line| Some(line.split_once('=')?.0.trim())).collect();
    // Where several files have a stanza, somebody else's comes before ours.
    let mut stanzas: BTreeMap<&str, Manager> = BTreeMap::new();
    for file in files {
        let manager = Manager { kind: ManagerKind::Ifupdown, file: Some(file.path.clone()) };
        for line in file.text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("auto") => claimed.extend(words),
                Some(word) if word.starts_with("allow-") => claimed.extend(words),
                Some("iface") => {
                    let Some(link) = words.next() else { continue };
                    if stanzas.get(link).is_none_or(Manager::is_ours) {
                        stanzas.insert(link, manager.clone());
                    }
                }
                _ => {}
            }
        }
    }
    let somehow = || Manager { kind: ManagerKind::Ifupdown, file: None };
    let claim = |link: &str| stanzas.get(link).cloned().unwrap_or_else(somehow);
    claimed.into_iter().filter(|link| !link.is_empty()).map(|link| (link.to_owned(), claim(link))).collect()
}
