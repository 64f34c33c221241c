//! NetworkManager's key files: nm-settings-keyfile(5).

use std::{fmt::Write, net::IpAddr};

use ipnet::IpNet;

use crate::cluster::Bridge;

use super::{File, networkd};

pub fn write(bridges: &[Bridge]) -> Vec<File> {
    let own = bridges.iter().map(connection);
    own.chain(bridges.iter().filter_map(uplink)).chain(networkd::links(bridges)).collect()
}

fn connection(bridge: &Bridge) -> File {
    let name = &bridge.name;
    let mut text = format!(
        "[connection]\nid=90-bridgehead-{name}\ntype=bridge\ninterface-name={name}\n\n\
         [bridge]\nstp={}\n",
        bridge.stp
    );
    if let Some(mtu) = bridge.mtu {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n[ethernet]\nmtu={mtu}");
    }
    let (four, six): (Vec<&IpNet>, Vec<&IpNet>) = bridge.address.iter().partition(|net| net.addr().is_ipv4());
    let gateway = |four: bool| bridge.default_route.filter(|gateway| gateway.is_ipv4() == four);
    addresses(&mut text, "ipv4", "disabled", &four, gateway(true));
    addresses(&mut text, "ipv6", "link-local", &six, gateway(false));
    file(name, text)
}

/// The NIC that the bridge takes over.
fn uplink(bridge: &Bridge) -> Option<File> {
    let (name, uplink) = (&bridge.name, bridge.uplink.as_ref()?);
    let text = format!(
        "# Its addresses are those of {name}: delete any other connection of {uplink}.\n\
         [connection]\nid=90-bridgehead-{uplink}\ntype=ethernet\ninterface-name={uplink}\nmaster={name}\nslave-type=bridge\n"
    );
    Some(file(uplink, text))
}

fn file(link: &str, text: String) -> File {
    let text = format!("# For root alone, or NetworkManager passes it over: chmod 600\n{text}");
    File::new(format!("/etc/NetworkManager/system-connections/90-bridgehead-{link}.nmconnection"), text)
}

fn addresses(text: &mut String, family: &str, without: &str, nets: &[&IpNet], gateway: Option<IpAddr>) {
    let _ = writeln!(text, "\n[{family}]\nmethod={}", if nets.is_empty() { without } else { "manual" });
    for (nth, net) in (1..).zip(nets) {
        let _ = writeln!(text, "address{nth}={net}");
    }
    if let Some(gateway) = gateway {
        let _ = writeln!(text, "gateway={gateway}");
    }
}
