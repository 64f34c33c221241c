//! systemd.network(5).

use std::fmt::Write;

use crate::{Mac, cluster::Route};

use super::{Nic, name};

/// Interfaces made on top of a NIC borrow its MAC, but have no permanent one.
pub fn write(mac: Mac, nic: &Nic) -> (String, String) {
    // Writing to a string cannot fail.
    let mut text = format!("[Match]\nPermanentMACAddress={mac}\n\n[Link]\nRequiredForOnline=no\n");
    if let Some(mtu) = nic.mtu {
        let _ = writeln!(text, "MTUBytes={mtu}");
    }
    text += "\n[Network]\n";
    if nic.dhcp {
        text += "DHCP=ipv4\n";
    }
    if nic.accept_ra {
        text += "IPv6AcceptRA=yes\n";
    }
    for address in &nic.addresses {
        let _ = writeln!(text, "Address={address}");
    }
    if let Some(via) = nic.via {
        let _ = writeln!(text, "\n[Route]\nGateway={via}");
        if let Some(metric) = nic.metric {
            let _ = writeln!(text, "Metric={metric}");
        }
    }
    for Route { to, via } in &nic.further {
        let _ = writeln!(text, "\n[Route]\nDestination={to}\nGateway={via}");
    }
    (format!("/etc/systemd/network/{}.network", name(mac)), text)
}
