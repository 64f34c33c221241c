//! NetworkManager: one file of state for each device, and one for each connection profile: nm-settings-keyfile(5).

use std::collections::BTreeMap;

use model::observed::{Link, Manager, ManagerKind};

use super::{Found, netplan, setting};

/// By ifindex.
pub const DEVICES: &str = "run/NetworkManager/devices";
/// Those of `/run` are not for ever, or somebody else's, such as netplan's.
pub const CONNECTIONS: [&str; 2] = ["etc/NetworkManager/system-connections", "run/NetworkManager/system-connections"];

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// What its state says of a device: `None`, that it leaves it alone.
    devices: BTreeMap<u32, Option<Manager>>,
    /// Links that a profile names, and that it would activate by itself.
    profiles: BTreeMap<String, Manager>,
}

impl Claims {
    pub fn of(
        devices: impl Iterator<Item = Found>,
        connections: impl Iterator<Item = Found>,
        netplan: &[Found],
    ) -> Self {
        let connections: Vec<Found> = connections.collect();
        let mut profiles = BTreeMap::new();
        for file in &connections {
            let value = |key| setting(&file.text, "connection", key);
            if let Some(link) = value("interface-name").filter(|_| value("autoconnect") != Some("false")) {
                profiles.entry(link.to_owned()).or_insert_with(|| manager(file, netplan));
            }
        }
        let devices = devices.filter_map(|file| {
            let managed = setting(&file.text, "device", "managed")? == "true";
            let uuid = setting(&file.text, "device", "connection-uuid");
            let own = |file: &&Found| uuid.is_some() && setting(&file.text, "connection", "uuid") == uuid;
            let told = connections.iter().find(own).map(|file| manager(file, netplan));
            let somehow = Manager { kind: ManagerKind::NetworkManager, file: None };
            Some((file.name().parse().ok()?, managed.then(|| told.unwrap_or(somehow))))
        });
        Self { devices: devices.collect(), profiles }
    }

    pub fn for_link(&self, link: &Link) -> Option<&Manager> {
        let profile = self.profiles.get(&link.name);
        match self.devices.get(&link.index) {
            Some(None) => None,
            // A profile without a UUID gets one that is not in its file.
            Some(Some(manager)) if manager.file.is_some() => Some(manager),
            Some(Some(manager)) => profile.or(Some(manager)),
            None => profile,
        }
    }
}

fn manager(file: &Found, netplan: &[Found]) -> Manager {
    let id = file.name().strip_prefix("netplan-").map(|name| name.trim_end_matches(".nmconnection"));
    match id {
        Some(id) => netplan::manager(id, netplan),
        None => Manager { kind: ManagerKind::NetworkManager, file: Some(file.path.clone()) },
    }
}
