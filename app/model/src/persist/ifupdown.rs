//! interfaces(5). A pattern finds the NIC by its MAC, and gives it the name of its stanzas.

use std::fmt::Write;

use ipnet::IpNet;

use crate::Mac;

use super::{Nic, name};

pub fn write(mac: Mac, nic: &Nic) -> (String, String) {
    let name = name(mac);
    let mut text = format!("auto mac/{mac}={name}\n");
    for address in &nic.addresses {
        let family = if matches!(address, IpNet::V4(_)) { "inet" } else { "inet6" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\niface {name} {family} static\n    address {address}");
        if let Some(via) = nic.via.filter(|via| address.contains(via)) {
            let family = if via.is_ipv4() { "-4" } else { "-6" };
            // A DHCP client may have set its own by then.
            let _ = writeln!(text, "    post-up ip {family} route replace default via {via} dev $IFACE");
        }
    }
    (format!("/etc/network/interfaces.d/{name}"), text)
}
