//! Static leases: a network's `<host>` elements, changed one by one (`virNetworkUpdate`).

use std::collections::BTreeMap;

use model::{Mac, observed::DhcpHost};
use virt::{connect::Connect, network::Network};
use virt_sys as sys;

use super::{
    Libvirt,
    error::Error,
    events::LibvirtEvent,
    write::LIMIT,
    xml::{Element, XmlError, child, children, parse},
};

impl Libvirt {
    /// Makes this the network's static lease for its MAC: now, in its persistent definition, or both. `None` removes the one
    /// that `was`. `subnet` is the place of its `<ip>`.
    pub async fn set_lease(
        &self,
        network: &str,
        subnet: u32,
        lease: Option<&DhcpHost>,
        was: Option<&DhcpHost>,
        live: bool,
        config: bool,
    ) -> Result<(), Error> {
        let Some(mac) = lease.or(was).and_then(|lease| lease.mac) else { return Ok(()) };
        let doing = format!("set the static lease of {mac} on network {network}");
        let text = element(mac, lease).map_err(|error| Error::xml(&doing, error))?;
        let wanted = lease.is_some();
        let (inside, name) = (doing.clone(), network.to_owned());
        let outcome = self
            .call(doing, LIMIT, move |connect: &Connect| {
                let refuse = |error: virt::error::Error| Error::from_virt(&inside, &error);
                let network = Network::lookup_by_name(connect, &name).map_err(refuse)?;
                // What is the same for both definitions is one call: then both are changed, or neither.
                let mut updates: BTreeMap<sys::virNetworkUpdateCommand, sys::virNetworkUpdateFlags> = BTreeMap::new();
                for (read, affect) in definitions(live, config) {
                    let xml = network.get_xml_desc(read).map_err(refuse)?;
                    let there = is_there(&xml, subnet, mac).map_err(|error| Error::xml(&inside, error))?;
                    if let Some(command) = command(there, wanted) {
                        *updates.entry(command).or_default() |= affect;
                    }
                }
                let place = i32::try_from(subnet).unwrap_or(i32::MAX);
                for (command, affect) in updates {
                    let section = sys::VIR_NETWORK_SECTION_IP_DHCP_HOST;
                    network.update(command, section, place, &text, affect).map_err(refuse)?;
                }
                Ok(())
            })
            .await;
        // libvirt has no event for it.
        self.announce(&LibvirtEvent::Network(network.to_owned()));
        outcome
    }
}

/// How to read each definition, and how to change it.
pub(super) fn definitions(
    live: bool,
    config: bool,
) -> impl Iterator<Item = (sys::virNetworkXMLFlags, sys::virNetworkUpdateFlags)> {
    let live = live.then_some((0, sys::VIR_NETWORK_UPDATE_AFFECT_LIVE));
    let config = config.then_some((sys::VIR_NETWORK_XML_INACTIVE, sys::VIR_NETWORK_UPDATE_AFFECT_CONFIG));
    live.into_iter().chain(config)
}

fn command(there: bool, wanted: bool) -> Option<sys::virNetworkUpdateCommand> {
    match (there, wanted) {
        (true, true) => Some(sys::VIR_NETWORK_UPDATE_COMMAND_MODIFY),
        (true, false) => Some(sys::VIR_NETWORK_UPDATE_COMMAND_DELETE),
        (false, true) => Some(sys::VIR_NETWORK_UPDATE_COMMAND_ADD_LAST),
        (false, false) => None,
    }
}

/// The element; to find one that is to go, its MAC is enough.
fn element(mac: Mac, lease: Option<&DhcpHost>) -> Result<String, XmlError> {
    let mut host = Element::new("host").attribute("mac", &mac.to_string())?;
    if let Some(lease) = lease {
        if let Some(name) = &lease.name {
            host = host.attribute("name", name)?;
        }
        host = host.attribute("ip", &lease.address.to_string())?;
    }
    host.write()
}

fn is_there(network: &str, subnet: u32, mac: Mac) -> Result<bool, XmlError> {
    let document = parse(network)?;
    let place = usize::try_from(subnet).unwrap_or(usize::MAX);
    let dhcp = children(document.root_element(), "ip").nth(place).and_then(|ip| child(ip, "dhcp"));
    let own = |text: &str| text.parse::<Mac>().is_ok_and(|found| found == mac);
    Ok(dhcp.is_some_and(|dhcp| children(dhcp, "host").filter_map(|host| host.attribute("mac")).any(own)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::libvirt::live::LAB;

    const MAC: Mac = Mac([0x52, 0x54, 0, 0x7a, 0, 1]);

    fn lease(address: &str, name: Option<&str>) -> DhcpHost {
        DhcpHost { mac: Some(MAC), name: name.map(str::to_owned), address: address.parse().expect("an address") }
    }

    #[test]
    fn a_name_stays_one_attribute() {
        let text = element(MAC, Some(&lease("10.1.0.7", Some("a'/><b c=\"&")))).expect("XML");
        let document = parse(&text).expect("XML");
        let host = document.root_element();
        assert_eq!(host.attribute("name"), Some("a'/><b c=\"&"));
        assert_eq!((host.attribute("ip"), host.children().count()), (Some("10.1.0.7"), 0));
        assert!(element(MAC, Some(&lease("10.1.0.7", Some("a\0b")))).is_err());
    }

    #[test]
    fn one_is_looked_for_in_its_own_subnet() {
        let text = "<network><ip address='fd00::1'/><ip address='10.1.0.1'><dhcp>\
            <host mac='52:54:00:7A:00:01' ip='10.1.0.7'/></dhcp></ip></network>";
        let found: Vec<bool> = (0..3).map(|subnet| is_there(text, subnet, MAC).expect("XML")).collect();
        assert_eq!(found, [false, true, false]);
    }

    #[tokio::test]
    async fn the_test_driver_adds_changes_and_removes_one() {
        let _held = LAB.lock().await;
        let libvirt = Libvirt::connect(Some("test:///default")).await.expect("libvirt's test driver");
        let (first, second) = (lease("192.168.122.20", Some("node1")), lease("192.168.122.21", None));
        for (wanted, was) in [(Some(&first), None), (Some(&second), Some(&first)), (None, Some(&second)), (None, None)]
        {
            libvirt.set_lease("default", 0, wanted, was, true, false).await.expect("it is set");
            let network = libvirt.read_network("default").await.expect("an answer").expect("the network");
            assert_eq!(network.subnets[0].hosts, Vec::from_iter(wanted.cloned()));
        }
    }
}
