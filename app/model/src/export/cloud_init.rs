//! A seed for cloud-init, by which a guest that is only now installed is at its first start what the document says: the
//! three files of the data source NoCloud, on a disk or in an image with the label `CIDATA`.
//!
//! See <https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html>.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use crate::{Cluster, Mac, Observed, observed::Folder, persist::Settings, plan::wishes::Wishes};

use super::{Export, File};

/// The seed of one guest, whatever the document says of it, or those of all guests that the document names. `key` is the
/// line of `authorized_keys` that lets Bridgehead in; none, if it is empty.
pub fn write(observed: &Observed, cluster: &Cluster, guest: Option<&str>, key: &str) -> Export {
    let named = cluster.nics.iter().map(|nic| nic.guest.to_string());
    let named = named.chain(cluster.gateways.iter().flat_map(|gateway| gateway.guest.iter().map(ToString::to_string)));
    let guests: BTreeSet<String> = match guest {
        Some(guest) => BTreeSet::from([guest.to_owned()]),
        None => named.collect(),
    };
    let wishes = Wishes::of(observed, cluster);
    Export { files: guests.iter().flat_map(|guest| seed(observed, cluster, &wishes, guest, key)).collect() }
}

fn seed(observed: &Observed, cluster: &Cluster, wishes: &Wishes, guest: &str, key: &str) -> [File; 3] {
    let settings = Settings::of(wishes, guest);
    let network = settings.network_config(&nics(observed, cluster, guest));
    let user = user_data(&settings, key);
    let host = host_name(guest);
    let identity = observed.domains.get(guest).map_or(host.as_str(), |domain| domain.uuid.as_str());
    // Another seed is another instance: cloud-init takes up what it has not seen.
    let instance = format!("{identity}-{:016x}", hash(&[&network, &user]));
    let wished = cluster.guest(guest).and_then(|guest| guest.hostname.as_deref()).unwrap_or(&host);
    let meta = format!("instance-id: {}\nlocal-hostname: {}\n", quoted(&instance), quoted(wished));
    let file = |name: &str, text: String| File::new(format!("cloud-init/{host}/{name}"), text);
    [file("meta-data", meta), file("user-data", user), file("network-config", network)]
}

/// The NICs that it has, and is to have.
fn nics(observed: &Observed, cluster: &Cluster, guest: &str) -> BTreeSet<Mac> {
    let there = observed.domains.get(guest).into_iter().flat_map(|domain| &domain.nics).map(|nic| nic.mac);
    let there = there.filter(|mac| cluster.nic(*mac).is_none());
    let wanted = cluster.nics.iter().filter(|nic| &*nic.guest == guest && nic.plugged).map(|nic| nic.mac);
    there.chain(wanted).collect()
}

fn user_data(settings: &Settings, key: &str) -> String {
    let mut text = "#cloud-config\n# Written by Bridgehead.\n".to_owned();
    if !key.is_empty() {
        text += &format!("disable_root: false\nssh_authorized_keys:\n  - {}\n", quoted(key));
    }
    text += "packages:\n  - \"qemu-guest-agent\"\n";
    let files: BTreeMap<String, String> = settings.gateway_files().into_iter().collect();
    if !files.is_empty() {
        text += "write_files:\n";
    }
    for (path, content) in &files {
        let (path, mode, content) = (quoted(path), Folder::mode(path), quoted(content));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  - path: {path}\n    permissions: \"{mode:04o}\"\n    content: {content}");
    }
    text += "runcmd:\n  - [\"systemctl\", \"enable\", \"--now\", \"qemu-guest-agent.service\"]\n";
    if !files.is_empty() {
        text += "  - [\"sysctl\", \"--system\"]\n  - [\"systemctl\", \"daemon-reload\"]\n";
        if files.keys().any(|path| path.ends_with(".service")) {
            text += "  - [\"systemctl\", \"start\", \"90-bridgehead-nftables.service\"]\n";
        }
    }
    text
}

/// What RFC 1123 allows in a host's name; a domain's may hold more.
fn host_name(guest: &str) -> String {
    let letters = guest.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let name: String = letters.take(63).collect();
    match name.trim_matches('-') {
        "" => "guest".to_owned(),
        name => name.to_owned(),
    }
}

/// A string of JSON is one of YAML.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// FNV-1a: the same on every machine, and nobody is kept out by it.
fn hash(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
