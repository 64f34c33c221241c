//! netplan(5).

use std::fmt::Write;

use crate::cluster::Bridge;

use super::{File, networkd};

pub fn write(bridges: &[Bridge]) -> Vec<File> {
    if bridges.is_empty() {
        return Vec::new();
    }
    // Names are quoted, since YAML takes some like `1e3` and `no` for something else. Writing to a string cannot fail.
    let mut text = "# For root alone: chmod 600\nnetwork:\n  version: 2\n".to_owned();
    let mut uplinks = bridges.iter().filter_map(|bridge| bridge.uplink.as_ref()).peekable();
    if uplinks.peek().is_some() {
        text += "  # The addresses of these are the bridges': remove them where they are set.\n  ethernets:\n";
    }
    for uplink in uplinks {
        let _ = writeln!(text, "    \"{uplink}\": {{}}");
    }
    text += "  bridges:\n";
    for bridge in bridges {
        let _ = writeln!(text, "    \"{}\":", bridge.name);
        if let Some(uplink) = &bridge.uplink {
            let _ = writeln!(text, "      interfaces: [\"{uplink}\"]");
        }
        if !bridge.address.is_empty() {
            text += "      addresses:\n";
        }
        for address in &bridge.address {
            let _ = writeln!(text, "        - \"{address}\"");
        }
        if let Some(gateway) = bridge.default_route {
            let _ = writeln!(text, "      routes:\n        - to: \"default\"\n          via: \"{gateway}\"");
        }
        if let Some(mtu) = bridge.mtu {
            let _ = writeln!(text, "      mtu: {mtu}");
        }
        if bridge.uplink.is_none() {
            text += "      optional: true\n";
        }
        let _ = writeln!(text, "      parameters:\n        stp: {}", bridge.stp);
    }
    std::iter::once(File::new("/etc/netplan/90-bridgehead.yaml", text)).chain(networkd::links(bridges)).collect()
}
