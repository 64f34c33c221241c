//! systemd.network(5).

use std::fmt::Write;

use crate::Mac;

use super::{Nic, name};

/// Interfaces made on top of a NIC borrow its MAC, but have no permanent one.
pub fn write(mac: Mac, nic: &Nic) -> (String, String) {
    let mut text = format!("[Match]\nPermanentMACAddress={mac}\n\n[Link]\nRequiredForOnline=no\n\n[Network]\n");
    // Writing to a string cannot fail.
    for address in &nic.addresses {
        let _ = writeln!(text, "Address={address}");
    }
    if let Some(via) = nic.via {
        let _ = writeln!(text, "\n[Route]\nGateway={via}\nMetric={}", super::METRIC);
    }
    (format!("/etc/systemd/network/{}.network", name(mac)), text)
}
