//! Networks of ours, by which libvirt makes bridges and gives addresses on them.

use std::collections::BTreeMap;

use model::{
    observed::{DhcpHost, DhcpRange},
    step::ServedNetwork,
};
use virt::{connect::Connect, error::ErrorNumber, network::Network};
use virt_sys as sys;

use super::{
    Libvirt,
    error::Error,
    events::LibvirtEvent,
    lease::definitions,
    write::LIMIT,
    xml::{Element, XmlError, child, children, parse},
};

impl Libvirt {
    /// Defines it, if it is not there, and has it start with the host if that is asked for.
    pub async fn define_network(&self, network: &ServedNetwork) -> Result<(), Error> {
        let doing = format!("define network {}", network.name);
        let text = definition(network).map_err(|error| Error::xml(&doing, error))?;
        let autostart = network.autostart;
        self.change_network(doing, &network.name, move |connect, found| {
            let network = match found {
                Some(network) => network,
                None => Network::define_xml(connect, &text)?,
            };
            if autostart { network.set_autostart(true).map(drop) } else { Ok(()) }
        })
        .await
    }

    /// Forgets it, if it is there.
    pub async fn undefine_network(&self, name: &str) -> Result<(), Error> {
        self.change_network(format!("undefine network {name}"), name, |_, found| match found {
            Some(network) => network.undefine(),
            None => Ok(()),
        })
        .await
    }

    /// Starts it, if it is not started. libvirt makes its bridge, and refuses while there is one of that name.
    pub async fn start_network(&self, name: &str) -> Result<(), Error> {
        let (doing, wanted) = (format!("start network {name}"), name.to_owned());
        self.change_network(doing, name, move |connect, found| match found {
            Some(network) if network.is_active()? => Ok(()),
            Some(network) => network.create().map(drop),
            // With libvirt's own words for what is missing.
            None => Network::lookup_by_name(connect, &wanted).map(drop),
        })
        .await
    }

    /// Stops it, if it is started: its bridge goes.
    pub async fn stop_network(&self, name: &str) -> Result<(), Error> {
        self.change_network(format!("stop network {name}"), name, |_, found| match found {
            Some(network) if network.is_active()? => network.destroy(),
            _ => Ok(()),
        })
        .await
    }

    /// Makes these the addresses that a network gives: now, in its persistent definition, or both. Of what it gives beside
    /// those that `was`, nothing changes. `subnet` is the place of its `<ip>`.
    pub async fn set_ranges(
        &self,
        name: &str,
        subnet: u32,
        ranges: &[DhcpRange],
        was: &[DhcpRange],
        live: bool,
        config: bool,
    ) -> Result<(), Error> {
        let doing = format!("set the addresses that network {name} gives");
        let gone = was.iter().filter(|range| !ranges.contains(range)).map(|range| (range, false));
        let mut wanted = Vec::new();
        for (range, stays) in gone.chain(ranges.iter().map(|range| (range, true))) {
            let text = element(range).and_then(|element| element.write()).map_err(|error| Error::xml(&doing, error))?;
            wanted.push((range.clone(), stays, text));
        }
        let place = i32::try_from(subnet).unwrap_or(i32::MAX);
        self.change_network(doing, name, move |_, found| {
            let Some(network) = found else { return Ok(()) };
            for (range, stays, text) in &wanted {
                let mut updates: BTreeMap<sys::virNetworkUpdateCommand, sys::virNetworkUpdateFlags> = BTreeMap::new();
                for (read, affect) in definitions(live, config) {
                    let command = match (is_there(&network.get_xml_desc(read)?, subnet, range), *stays) {
                        (true, false) => sys::VIR_NETWORK_UPDATE_COMMAND_DELETE,
                        (false, true) => sys::VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
                        _ => continue,
                    };
                    *updates.entry(command).or_default() |= affect;
                }
                for (command, affect) in updates {
                    network.update(command, sys::VIR_NETWORK_SECTION_IP_DHCP_RANGE, place, text, affect)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Runs a change on one network, given to it if it is there, and announces it.
    async fn change_network(
        &self,
        doing: String,
        name: &str,
        change: impl FnOnce(&Connect, Option<Network>) -> Result<(), virt::error::Error> + Send + 'static,
    ) -> Result<(), Error> {
        let (inside, wanted) = (doing.clone(), name.to_owned());
        let outcome = self
            .call(doing, LIMIT, move |connect: &Connect| {
                let found = match Network::lookup_by_name(connect, &wanted) {
                    Ok(network) => Ok(Some(network)),
                    Err(error) if error.code() == ErrorNumber::NoNetwork => Ok(None),
                    Err(error) => Err(error),
                };
                let done = found.and_then(|found| change(connect, found));
                done.map_err(|error| Error::from_virt(&inside, &error))
            })
            .await;
        self.announce(&LibvirtEvent::Network(name.to_owned()));
        outcome
    }
}

/// The text of its definition.
fn definition(network: &ServedNetwork) -> Result<String, XmlError> {
    let mark = Element::new("bridgehead:served").attribute("xmlns:bridgehead", ServedNetwork::OURS)?;
    let bridge = Element::new("bridge").attribute("name", &network.name)?;
    let mut dhcp = Vec::new();
    for range in &network.ranges {
        dhcp.push(element(range)?);
    }
    for host in &network.hosts {
        dhcp.push(fixed(host)?);
    }
    let ip = Element::new("ip")
        .attribute("address", &network.address.addr().to_string())?
        .attribute("prefix", &network.address.prefix_len().to_string())?;
    let mut options = Vec::new();
    for option in &network.options {
        options.push(Element::new("dnsmasq:option").attribute("value", option)?);
    }
    let mut parts = vec![
        Element::new("name").text(&network.name)?,
        Element::new("metadata").children(vec![mark]),
        Element::new("forward").attribute("mode", "open")?,
        bridge.attribute("stp", "off")?.attribute("delay", "0")?,
        ip.children(vec![Element::new("dhcp").children(dhcp)]),
        Element::new("dnsmasq:options").children(options),
    ];
    if let Some(mac) = network.mac {
        parts.push(Element::new("mac").attribute("address", &mac.to_string())?);
    }
    Element::new("network").attribute("xmlns:dnsmasq", ServedNetwork::DNSMASQ)?.children(parts).write()
}

fn element(range: &DhcpRange) -> Result<Element, XmlError> {
    Element::new("range").attribute("start", &range.start.to_string())?.attribute("end", &range.end.to_string())
}

fn fixed(host: &DhcpHost) -> Result<Element, XmlError> {
    let mut element = Element::new("host");
    if let Some(mac) = host.mac {
        element = element.attribute("mac", &mac.to_string())?;
    }
    if let Some(name) = &host.name {
        element = element.attribute("name", name)?;
    }
    element.attribute("ip", &host.address.to_string())
}

/// What cannot be read has none: libvirt says no then.
fn is_there(network: &str, subnet: u32, range: &DhcpRange) -> bool {
    let Ok(document) = parse(network) else { return false };
    let place = usize::try_from(subnet).unwrap_or(usize::MAX);
    let dhcp = children(document.root_element(), "ip").nth(place).and_then(|ip| child(ip, "dhcp"));
    let is = |node: roxmltree::Node<'_, '_>, name, address: std::net::IpAddr| {
        node.attribute(name).and_then(|text| text.parse().ok()) == Some(address)
    };
    dhcp.is_some_and(|dhcp| {
        children(dhcp, "range").any(|node| is(node, "start", range.start) && is(node, "end", range.end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::libvirt::{live::LAB, network};

    fn range(start: u8, end: u8) -> DhcpRange {
        DhcpRange { start: [10, 9, 0, start].into(), end: [10, 9, 0, end].into() }
    }

    fn served() -> ServedNetwork {
        ServedNetwork {
            name: "mybr9".to_owned(),
            mac: "52:54:00:48:00:09".parse().ok(),
            address: "10.9.0.1/24".parse().expect("a prefix"),
            ranges: vec![range(100, 199)],
            hosts: vec![DhcpHost {
                mac: "52:54:00:48:00:20".parse().ok(),
                name: Some("node1".to_owned()),
                address: [10, 9, 0, 20].into(),
            }],
            options: vec!["dhcp-option=3,10.9.0.10".to_owned()],
            autostart: true,
        }
    }

    #[test]
    fn a_definition_is_read_as_it_was_written() {
        let wanted = served();
        let status = network::Status { persistent: true, autostart: true, ..network::Status::default() };
        let text = definition(&wanted).expect("XML");
        assert_eq!(network::read(status.clone(), &text).expect("a network"), wanted.network());
        assert!(text.contains("<mac address=\"52:54:00:48:00:09\"/>"), "{text}");
        // What is shown as its command says the same.
        assert_eq!(network::read(status, &wanted.xml()).expect("a network"), wanted.network());
    }

    #[test]
    fn no_option_leaves_its_attribute() {
        let options = vec!["a'/><b c=\"&".to_owned()];
        let text = definition(&ServedNetwork { options: options.clone(), ..served() }).expect("XML");
        assert_eq!(network::read(network::Status::default(), &text).expect("a network").options, options);
        assert!(definition(&ServedNetwork { options: vec!["a\nb".to_owned()], ..served() }).is_err());
    }

    #[tokio::test]
    async fn the_test_driver_defines_starts_changes_stops_and_forgets_one() {
        let _held = LAB.lock().await;
        let libvirt = Libvirt::connect(Some("test:///default")).await.expect("libvirt's test driver");
        let wanted = served();
        let read = async || libvirt.read_network("mybr9").await.expect("an answer");
        for _ in 0..2 {
            libvirt.define_network(&wanted).await.expect("defined");
            let found = read().await.expect("the network");
            assert!(found.ours && found.autostart && !found.active && found.persistent);
            assert_eq!(found.subnets, wanted.network().subnets);
        }
        for _ in 0..2 {
            libvirt.start_network("mybr9").await.expect("started");
            assert!(read().await.expect("the network").active);
        }
        let (old, new) = (&wanted.ranges, [range(100, 149)]);
        for _ in 0..2 {
            libvirt.set_ranges("mybr9", 0, &new, old, true, false).await.expect("set");
            assert_eq!(read().await.expect("the network").subnets[0].ranges, new);
        }
        for _ in 0..2 {
            libvirt.stop_network("mybr9").await.expect("stopped");
            assert!(!read().await.expect("the network").active);
        }
        for _ in 0..2 {
            libvirt.undefine_network("mybr9").await.expect("forgotten");
            assert_eq!(read().await, None);
        }
        let refused = libvirt.start_network("mybr9").await;
        assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    }
}
