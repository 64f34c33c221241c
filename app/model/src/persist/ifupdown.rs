//! interfaces(5). A pattern finds the NIC by its MAC, and gives it the name of its stanzas.

use std::{fmt::Write, net::IpAddr};

use ipnet::IpNet;

use crate::{Mac, cluster::Route};

use super::{Nic, name};

pub fn write(mac: Mac, nic: &Nic) -> (String, String) {
    let name = name(mac);
    let mut text = format!("auto mac/{mac}={name}\n");
    // Writing to a string cannot fail.
    for address in &nic.addresses {
        let four = matches!(address, IpNet::V4(_));
        let family = if four { "inet" } else { "inet6" };
        let _ = writeln!(text, "\niface {name} {family} static\n    address {address}");
        if nic.accept_ra && !four {
            text += "    accept_ra 2\n    autoconf 1\n";
        }
        post_up(&mut text, nic, if four { "-4" } else { "-6" }, |via| address.contains(via));
    }
    let reached = |via: &IpAddr| nic.addresses.iter().any(|net| net.contains(via));
    if nic.dhcp {
        let _ = writeln!(text, "\niface {name} inet dhcp");
        post_up(&mut text, nic, "-4", |via| via.is_ipv4() && !reached(via));
    }
    if nic.accept_ra && !nic.addresses.iter().any(|net| net.addr().is_ipv6()) {
        let _ = writeln!(text, "\niface {name} inet6 auto");
        post_up(&mut text, nic, "-6", |via| via.is_ipv6());
    }
    (format!("/etc/network/interfaces.d/{name}"), text)
}

/// What goes by next hops that a stanza reaches.
fn post_up(text: &mut String, nic: &Nic, option: &str, reaches: impl Fn(&IpAddr) -> bool) {
    // Writing to a string cannot fail.
    if let Some(via) = nic.via.filter(&reaches) {
        // A DHCP client may have set its own by then.
        let metric = nic.metric.map(|metric| format!(" metric {metric}")).unwrap_or_default();
        let _ = writeln!(text, "    post-up ip {option} route replace default via {via} dev $IFACE{metric}");
    }
    if let Some(mtu) = nic.mtu {
        let _ = writeln!(text, "    post-up ip link set dev $IFACE mtu {mtu}");
    }
    for Route { to, via } in nic.further.iter().filter(|route| reaches(&route.via)) {
        let _ = writeln!(text, "    post-up ip {option} route replace {to} via {via} dev $IFACE");
    }
}
