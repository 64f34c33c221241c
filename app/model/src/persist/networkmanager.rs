//! NetworkManager's key files: nm-settings-keyfile(5).

use std::fmt::Write;

use ipnet::IpNet;

use crate::{Mac, cluster::Route};

use super::{Nic, name};

pub fn write(mac: Mac, nic: &Nic) -> (String, String) {
    let name = name(mac);
    let mut text =
        format!("[connection]\nid={name}\ntype=ethernet\nautoconnect-priority=90\n\n[ethernet]\nmac-address={mac}\n");
    if let Some(mtu) = nic.mtu {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "mtu={mtu}");
    }
    let (four, six) = (if nic.dhcp { "auto" } else { "disabled" }, if nic.accept_ra { "auto" } else { "link-local" });
    family(&mut text, "ipv4", four, nic, |net| net.addr().is_ipv4());
    family(&mut text, "ipv6", six, nic, |net| net.addr().is_ipv6());
    (format!("/etc/NetworkManager/system-connections/{name}.nmconnection"), text)
}

/// `method` is that of a NIC without addresses of its own.
fn family(text: &mut String, section: &str, method: &str, nic: &Nic, is_of: fn(&IpNet) -> bool) {
    let nets: Vec<&IpNet> = nic.addresses.iter().filter(|net| is_of(net)).collect();
    let method = if nets.is_empty() || method == "auto" { method } else { "manual" };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n[{section}]\nmethod={method}");
    for (nth, net) in (1..).zip(&nets) {
        let _ = writeln!(text, "address{nth}={net}");
    }
    let via = nic.via.filter(|via| is_of(&IpNet::from(*via)));
    // A gateway wants an address beside it, and its metric would be that of what DHCP brings too.
    if let Some(via) = via.filter(|_| method == "manual") {
        let _ = writeln!(text, "gateway={via}");
        if let Some(metric) = nic.metric {
            let _ = writeln!(text, "route-metric={metric}");
        }
    }
    let mut routes: Vec<String> = Vec::new();
    let everywhere = if section == "ipv4" { "0.0.0.0/0" } else { "::/0" };
    let metric = nic.metric.map(|metric| format!(",{metric}")).unwrap_or_default();
    routes.extend(via.filter(|_| method != "manual").map(|via| format!("{everywhere},{via}{metric}")));
    let further = nic.further.iter().filter(|route| is_of(&route.to));
    routes.extend(further.map(|Route { to, via }| format!("{to},{via}")));
    for (nth, route) in (1..).zip(routes) {
        let _ = writeln!(text, "route{nth}={route}");
    }
}
