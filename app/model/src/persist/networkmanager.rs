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
    family(&mut text, "ipv4", "disabled", nic, |net| net.addr().is_ipv4());
    family(&mut text, "ipv6", "link-local", nic, |net| net.addr().is_ipv6());
    (format!("/etc/NetworkManager/system-connections/{name}.nmconnection"), text)
}

fn family(text: &mut String, section: &str, without: &str, nic: &Nic, is_of: fn(&IpNet) -> bool) {
    let nets: Vec<&IpNet> = nic.addresses.iter().filter(|net| is_of(net)).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n[{section}]\nmethod={}", if nets.is_empty() { without } else { "manual" });
    for (nth, net) in (1..).zip(&nets) {
        let _ = writeln!(text, "address{nth}={net}");
    }
    if let Some(via) = nic.via.filter(|via| is_of(&IpNet::from(*via))) {
        let _ = writeln!(text, "gateway={via}");
        if let Some(metric) = nic.metric {
            let _ = writeln!(text, "route-metric={metric}");
        }
    }
    for (nth, Route { to, via }) in (1..).zip(nic.further.iter().filter(|route| is_of(&route.to))) {
        let _ = writeln!(text, "route{nth}={to},{via}");
    }
}
