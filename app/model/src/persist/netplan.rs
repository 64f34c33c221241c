//! netplan(5).

use std::fmt::Write;

use crate::Mac;

use super::{Nic, name};

pub fn write(mac: Mac, nic: &Nic) -> (String, String) {
    let name = name(mac);
    let mut text = format!(
        "network:\n  version: 2\n  ethernets:\n    {name}:\n      match:\n        macaddress: \"{mac}\"\n      \
         optional: true\n      addresses:\n"
    );
    // Writing to a string cannot fail.
    for address in &nic.addresses {
        let _ = writeln!(text, "        - \"{address}\"");
    }
    if let Some(via) = nic.via {
        let _ = writeln!(
            text,
            "      routes:\n        - to: \"default\"\n          via: \"{via}\"\n          metric: {}",
            super::METRIC
        );
    }
    (format!("/etc/netplan/{name}.yaml"), text)
}
