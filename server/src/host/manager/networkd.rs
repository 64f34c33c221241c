//! systemd-networkd: one file of state for each link (`networkctl status` reads the same).

use model::observed::{Manager, ManagerKind};

use super::{Found, netplan, setting};

/// By ifindex.
pub const LINKS: &str = "run/systemd/netif/links";

/// Who told networkd to set up the link with this state, if anybody did.
pub fn manager(state: &str, netplan: &[Found]) -> Option<Manager> {
    let managed = matches!(setting(state, "", "ADMIN_STATE")?, "configuring" | "configured" | "failed" | "linger");
    let file = setting(state, "", "NETWORK_FILE");
    if !managed && (file.is_none() || setting(state, "", "ADMIN_STATE") == Some("unmanaged")) {
        return None;
    }
    let id = file
        .and_then(|file| file.strip_prefix("/run/systemd/network/"))
        .and_then(|name| name.split_once("-netplan-")?.1.strip_suffix(".network"));
    Some(match id {
        Some(id) => netplan::manager(id, netplan),
        None => Manager { kind: ManagerKind::Networkd, file: file.map(str::to_owned) },
    })
}
