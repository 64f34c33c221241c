//! interfaces(5) and bridge-utils-interfaces(5).

use std::fmt::Write;

use ipnet::IpNet;

use crate::cluster::Bridge;

use super::File;

pub fn write(bridges: &[Bridge]) -> Vec<File> {
    if bridges.is_empty() {
        return Vec::new();
    }
    let mut text = "# bridge_ports and bridge_stp need the package bridge-utils.\n".to_owned();
    bridges.iter().for_each(|bridge| stanzas(&mut text, bridge));
    vec![File::new("/etc/network/interfaces.d/90-bridgehead", text)]
}

/// One stanza makes the bridge, with its first address; each further address has its own.
fn stanzas(text: &mut String, bridge: &Bridge) {
    let name = &bridge.name;
    let mut addresses = bridge.address.iter();
    // Writing to a string cannot fail.
    let _ = writeln!(text);
    if let Some(uplink) = &bridge.uplink {
        let _ = writeln!(text, "# Its addresses are those of {name}: any other stanza for {uplink} has to go.");
        let _ = writeln!(text, "iface {uplink} inet manual\n");
    }
    let _ = writeln!(text, "auto {name}");
    stanza(text, bridge, addresses.next());
    let (ports, stp) = (bridge.uplink.as_deref().unwrap_or("none"), if bridge.stp { "on" } else { "off" });
    let _ = writeln!(text, "    bridge_ports {ports}\n    bridge_stp {stp}");
    if let Some(mtu) = bridge.mtu {
        let _ = writeln!(text, "    post-up ip link set dev {name} mtu {mtu}");
    }
    let _ = writeln!(text, "    post-up ip link set dev {name} alias bridgehead");
    for address in addresses {
        text.push('\n');
        stanza(text, bridge, Some(address));
    }
}

fn stanza(text: &mut String, bridge: &Bridge, address: Option<&IpNet>) {
    let name = &bridge.name;
    let _ = match address {
        None => writeln!(text, "iface {name} inet manual"),
        Some(net @ IpNet::V4(_)) => writeln!(text, "iface {name} inet static\n    address {net}"),
        Some(net @ IpNet::V6(_)) => writeln!(text, "iface {name} inet6 static\n    address {net}"),
    };
    if let Some(gateway) = bridge.default_route.filter(|gateway| address.is_some_and(|net| net.contains(gateway))) {
        let _ = writeln!(text, "    gateway {gateway}");
    }
}
