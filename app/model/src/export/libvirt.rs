//! libvirt's XML: a file for `virsh net-define` for each bridge, so that guests may be plugged into it by name, one for
//! `virsh attach-device` for each NIC and each channel of an agent, and one for `virsh net-update` for each static lease.

use crate::{
    Cluster, Observed, channel, cluster, dhcp,
    observed::Nic,
    plan::nic::MODEL,
    step::{NicDefinition, ServedNetwork, interface::escape},
};

use super::File;

pub fn write(observed: &Observed, cluster: &Cluster) -> Vec<File> {
    let networks = cluster.bridges.iter().map(|bridge| {
        let served = dhcp::wanted(observed, cluster, cluster, bridge);
        served.map_or_else(|| network(&bridge.name), |served| self::served(&served))
    });
    let nics = cluster.nics.iter().filter(|nic| nic.plugged);
    // Those of a network that is here are in its definition.
    let given = |lease: &&cluster::Lease| cluster.bridge(&lease.network).is_some_and(|bridge| bridge.dhcp.is_some());
    let leases = cluster.leases.iter().filter(|lease| !given(lease)).map(lease);
    let channels =
        cluster.guests.iter().filter(|guest| guest.agent).map(|guest| {
            File::new(format!("90-bridgehead-channel-{}.xml", guest.name), format!("{}\n", channel::ELEMENT))
        });
    networks.chain(nics.filter_map(|nic| interface(observed, nic))).chain(channels).chain(leases).collect()
}

fn lease(lease: &cluster::Lease) -> File {
    let mac = lease.mac.to_string().replace(':', "-");
    File::new(format!("90-bridgehead-lease-{}-{mac}.xml", lease.network), format!("{}\n", lease.host().element()))
}

fn served(network: &ServedNetwork) -> File {
    File::new(format!("90-bridgehead-{}.xml", network.name), format!("{}\n", network.elements().join("\n")))
}

fn network(bridge: &str) -> File {
    let name = escape(bridge);
    File::new(
        format!("90-bridgehead-{bridge}.xml"),
        format!(
            "<network>\n  <name>{name}</name>\n  <forward mode=\"bridge\"/>\n  <bridge name=\"{name}\"/>\n</network>\n"
        ),
    )
}

/// The NIC as the document has it. What it does not say is taken from the guest.
fn interface(observed: &Observed, nic: &cluster::Nic) -> Option<File> {
    let found: Option<&Nic> =
        observed.domains.get(&*nic.guest).and_then(|domain| domain.nics.iter().find(|found| found.mac == nic.mac));
    let definition = NicDefinition {
        mac: nic.mac,
        attachment: nic.attachment()?,
        model: found.map_or_else(|| Some(MODEL.to_owned()), |found| found.model.clone()),
        link_up: nic.cable,
        mtu: found.and_then(|found| found.mtu),
    };
    let mac = nic.mac.to_string().replace(':', "-");
    let path = format!("90-bridgehead-{}-{mac}.xml", nic.guest);
    Some(File::new(path, format!("{}\n</interface>\n", definition.elements().join("\n  "))))
}
