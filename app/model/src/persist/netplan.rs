//! netplan(5).

use std::fmt::Write;

use crate::{Mac, cluster::Route};

use super::{Nic, name};

pub fn write(mac: Mac, nic: &Nic) -> (String, String) {
    let text = format!("network:\n  version: 2\n  ethernets:\n{}", ethernet(mac, nic));
    (format!("/etc/netplan/{}.yaml", name(mac)), text)
}

/// One of `ethernets`.
pub fn ethernet(mac: Mac, nic: &Nic) -> String {
    let mut text = matched(mac);
    // Writing to a string cannot fail.
    if let Some(mtu) = nic.mtu {
        let _ = writeln!(text, "      mtu: {mtu}");
    }
    if nic.dhcp {
        text += "      dhcp4: true\n";
    }
    if nic.accept_ra {
        text += "      accept-ra: true\n";
    }
    if !nic.addresses.is_empty() {
        text += "      addresses:\n";
    }
    for address in &nic.addresses {
        let _ = writeln!(text, "        - \"{address}\"");
    }
    if nic.via.is_some() || !nic.further.is_empty() {
        text += "      routes:\n";
    }
    if let Some(via) = nic.via {
        let _ = writeln!(text, "        - to: \"default\"\n          via: \"{via}\"");
        if let Some(metric) = nic.metric {
            let _ = writeln!(text, "          metric: {metric}");
        }
    }
    for Route { to, via } in &nic.further {
        let _ = writeln!(text, "        - to: \"{to}\"\n          via: \"{via}\"");
    }
    text
}

/// One of `ethernets` that DHCP sets up.
#[cfg(feature = "toml")]
pub fn dhcp(mac: Mac) -> String {
    matched(mac) + "      dhcp4: true\n"
}

fn matched(mac: Mac) -> String {
    let name = name(mac);
    format!("    {name}:\n      match:\n        macaddress: \"{mac}\"\n      optional: true\n")
}
