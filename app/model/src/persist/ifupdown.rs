//! interfaces(5). A pattern finds the NIC by its MAC, and gives it the name of its stanzas.

use std::fmt::Write;

use ipnet::IpNet;

use crate::{Mac, cluster::Route};

use super::{Nic, name};

pub fn write(mac: Mac, nic: &Nic) -> (String, String) {
    let name = name(mac);
    let mut text = format!("auto mac/{mac}={name}\n");
    for address in &nic.addresses {
        let family = if matches!(address, IpNet::V4(_)) { "inet" } else { "inet6" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\niface {name} {family} static\n    address {address}");
        let option = if address.addr().is_ipv4() { "-4" } else { "-6" };
        if let Some(via) = nic.via.filter(|via| address.contains(via)) {
            // A DHCP client may have set its own by then.
            let metric = nic.metric.map(|metric| format!(" metric {metric}")).unwrap_or_default();
            let _ = writeln!(text, "    post-up ip {option} route replace default via {via} dev $IFACE{metric}");
        }
        if let Some(mtu) = nic.mtu {
            let _ = writeln!(text, "    post-up ip link set dev $IFACE mtu {mtu}");
        }
        for Route { to, via } in nic.further.iter().filter(|route| address.contains(&route.via)) {
            let _ = writeln!(text, "    post-up ip {option} route replace {to} via {via} dev $IFACE");
        }
    }
    (format!("/etc/network/interfaces.d/{name}"), text)
}
