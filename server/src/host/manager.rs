//! Who manages the host's links, as the files of those programs tell. No program is asked: a file is there as long as what
//! it says holds, also while its program does not run.
//!
//! Everything is read again when one of the folders changes ([`Events`]): they are few, and lie in memory or hold little.

mod events;
mod file;
mod ifupdown;
mod netplan;
mod networkd;
mod networkmanager;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use model::{
    Observed,
    observed::{Folder, Link, Manager},
};

pub use events::Events;
pub use file::Error;

/// More of a file than this is not read.
const LIMIT: u64 = 64 << 10;
/// More files of a folder than this are not looked at.
const FILES: usize = 4096;

/// All that is read is in these.
const FOLDERS: [&str; 9] = [
    networkd::LINKS,
    networkmanager::DEVICES,
    networkmanager::CONNECTIONS[0],
    networkmanager::CONNECTIONS[1],
    netplan::FOLDER,
    ifupdown::STATE,
    ifupdown::FOLDER,
    ifupdown::PARTS,
    "etc/systemd/network",
];

/// The files below this folder, `/` but for tests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Managers {
    root: PathBuf,
}

impl Managers {
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Subscribes to changes. Subscribe first, then read: nothing is missed.
    pub fn events(&self) -> io::Result<Events> {
        Events::open(&self.root)
    }

    /// What cannot be read claims nothing.
    pub fn read(&self) -> Claims {
        let folder = |folder: &str| files(&self.root, folder);
        let netplan: Vec<_> = folder(netplan::FOLDER).collect();
        Claims {
            folders: file::read(&self.root),
            networkd: folder(networkd::LINKS)
                .filter_map(|file| Some((file.name().parse().ok()?, networkd::manager(&file.text, &netplan)?)))
                .collect(),
            networkmanager: networkmanager::Claims::of(
                folder(networkmanager::DEVICES),
                networkmanager::CONNECTIONS.iter().flat_map(|name| folder(name)),
                &netplan,
            ),
            ifupdown: ifupdown::managers(
                &text(&self.root.join(ifupdown::STATE).join("ifstate")).unwrap_or_default(),
                &ifupdown::interfaces(&self.root),
            ),
        }
    }
}

/// Which links are claimed, by the name or the index that the claim has them under; and the files that are ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    networkd: BTreeMap<u32, Manager>,
    networkmanager: networkmanager::Claims,
    ifupdown: BTreeMap<String, Manager>,
    folders: BTreeMap<String, Folder>,
}

impl Claims {
    /// Those of this link, at most one of each kind.
    pub fn of(&self, link: &Link) -> Vec<Manager> {
        let networkd = self.networkd.get(&link.index);
        let networkmanager = self.networkmanager.for_link(link);
        let ifupdown = self.ifupdown.get(&link.name);
        let mut managers: Vec<Manager> = [networkd, networkmanager, ifupdown].into_iter().flatten().cloned().collect();
        managers.sort();
        // Netplan may have told both of those that it tells.
        managers.dedup_by_key(|manager| manager.kind);
        managers
    }

    /// Says it on the links, and what files of ours there are.
    pub fn put(&self, observed: &mut Observed) {
        observed.folders.clone_from(&self.folders);
        for link in observed.links.values_mut() {
            link.managers = self.of(link);
        }
    }
}

/// A file that was read, its path as its program knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    path: String,
    text: String,
}

impl Found {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// The files of a folder, by name; none if it is not there.
fn files(root: &Path, folder: &str) -> impl Iterator<Item = Found> + use<> {
    let entries = fs::read_dir(root.join(folder)).into_iter().flatten().take(FILES);
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    let (root, folder) = (root.join(folder), folder.to_owned());
    names
        .into_iter()
        .filter_map(move |name| Some(Found { text: text(&root.join(&name))?, path: format!("/{folder}/{name}") }))
}

/// The beginning of a file, whatever is in it.
fn text(path: &Path) -> Option<String> {
    // Opening a pipe would wait for its other end.
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LIMIT).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Section, key and value of each line that has them, as key files and systemd's state have them.
fn settings(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let mut section = "";
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            return None;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
            return None;
        }
        let (key, value) = line.split_once('=')?;
        Some((section, key.trim(), value.trim().trim_matches('"')))
    })
}

/// The last value of a setting, if it says something.
fn setting<'a>(text: &'a str, section: &str, key: &str) -> Option<&'a str> {
    let values = settings(text).filter(|(own, name, _)| *own == section && *name == key);
    values.last().map(|(_, _, value)| value).filter(|value| !value.is_empty())
}
