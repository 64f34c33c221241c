//! systemd.netdev(5), systemd.network(5) and systemd.link(5).

use std::fmt::Write;

use crate::cluster::Bridge;

use super::File;

const FOLDER: &str = "/etc/systemd/network";

pub fn write(bridges: &[Bridge]) -> Vec<File> {
    let own = bridges.iter().flat_map(|bridge| [device(bridge), network(bridge)]);
    own.chain(bridges.iter().filter_map(uplink)).chain(links(bridges)).collect()
}

/// What lets Bridgehead know the bridges as its own, whoever makes them at the next start: udev sets their alias. The
/// MAC is what udev gives a bridge where no such file is (99-default.link), or that of the NIC that it takes over.
pub fn links(bridges: &[Bridge]) -> impl Iterator<Item = File> {
    bridges.iter().map(|bridge| {
        let name = &bridge.name;
        let mac = if bridge.uplink.is_some() { "none" } else { "persistent" };
        let text = format!("[Match]\nOriginalName={name}\n\n[Link]\nAlias=bridgehead\nMACAddressPolicy={mac}\n");
        File::new(format!("{FOLDER}/90-bridgehead-{name}.link"), text)
    })
}

fn device(bridge: &Bridge) -> File {
    let name = &bridge.name;
    let stp = if bridge.stp { "yes" } else { "no" };
    // Else it would be one of networkd's own making.
    let mac = if bridge.uplink.is_some() { "MACAddress=none\n" } else { "" };
    let text = format!("[NetDev]\nName={name}\nKind=bridge\n{mac}\n[Bridge]\nSTP={stp}\n");
    File::new(format!("{FOLDER}/90-bridgehead-{name}.netdev"), text)
}

fn network(bridge: &Bridge) -> File {
    let name = &bridge.name;
    // Writing to a string cannot fail.
    let mut text = format!("[Match]\nName={name}\n\n[Link]\n");
    // A bridge for guests alone has no carrier before they start: nobody waits for it.
    let _ = writeln!(text, "RequiredForOnline={}", if bridge.uplink.is_some() { "yes" } else { "no" });
    if let Some(mtu) = bridge.mtu {
        // Here and not in the device: there it would give way to that of the first port.
        let _ = writeln!(text, "MTUBytes={mtu}");
    }
    text += "\n[Network]\nConfigureWithoutCarrier=yes\n";
    for address in &bridge.address {
        let _ = writeln!(text, "Address={address}");
    }
    if let Some(gateway) = bridge.default_route {
        let _ = writeln!(text, "Gateway={gateway}");
    }
    File::new(format!("{FOLDER}/90-bridgehead-{name}.network"), text)
}

/// The NIC that the bridge takes over.
fn uplink(bridge: &Bridge) -> Option<File> {
    let (name, uplink) = (&bridge.name, bridge.uplink.as_ref()?);
    let text = format!(
        "# Its addresses are those of {name}: any other file for {uplink} has to go.\n\
         [Match]\nName={uplink}\n\n[Network]\nBridge={name}\n"
    );
    Some(File::new(format!("{FOLDER}/90-bridgehead-{uplink}.network"), text))
}
