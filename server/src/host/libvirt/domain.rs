//! A domain's XML: text in, struct out. No calls here.

use std::collections::BTreeSet;

use model::{
    observed::{AgentChannel, Domain, DomainState},
    wire::Sealed,
};
use roxmltree::Node;

use super::{
    channel, marks, nic,
    xml::{XmlError, attribute, child, children, clean, parse, text},
};

/// What libvirt says of a domain beside its XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    pub state: DomainState,
    pub active: bool,
    pub persistent: bool,
    pub autostart: bool,
}

/// Joins the running definition (`virsh dumpxml`) and the persistent one (`virsh dumpxml --inactive`). A domain that is
/// off has only the latter, a transient one only the former.
pub fn read(status: Status, live: Option<&str>, config: Option<&str>) -> Result<Domain, XmlError> {
    let live = live.map(parse).transpose()?;
    let config = config.map(parse).transpose()?;
    let live = live.as_ref().map(roxmltree::Document::root_element);
    let config = config.as_ref().map(roxmltree::Document::root_element);
    let now = live.or(config).ok_or(XmlError::Missing("domain"))?;
    Ok(Domain {
        name: clean(text(now, "name").ok_or(XmlError::Missing("name"))?, 256),
        uuid: clean(text(now, "uuid").unwrap_or_default(), 64),
        state: status.state,
        persistent: status.persistent,
        autostart: status.autostart,
        title: text(now, "title").map(|title| clean(title, 256)),
        agent: agent(now, live.is_some()),
        agent_config: config.is_some_and(|config| channel::find(config).is_some()),
        virtio_serial: live.is_some_and(channel::has_controller),
        nics: nic::join(live.map(nic::interfaces).unwrap_or_default(), config.map(nic::interfaces).unwrap_or_default()),
        free_slots: free_slots(now),
        marks: Sealed::of(&marks::read(now)),
    })
}

fn agent(domain: Node<'_, '_>, live: bool) -> AgentChannel {
    match channel::find(domain).map(|channel| attribute(channel, "target", "state")) {
        None => AgentChannel::Missing,
        Some(Some("connected")) if live => AgentChannel::Connected,
        Some(_) => AgentChannel::Disconnected,
    }
}

/// On machines with PCI Express (q35, and `virt` of other architectures) a hot-plugged device needs a
/// `pcie-root-port` of its own; libvirt adds ports to a definition but not to a running machine
/// (libvirt, docs/pci-hotplug.rst).
fn free_slots(domain: Node<'_, '_>) -> Option<u32> {
    let devices = child(domain, "devices")?;
    let controllers = || children(devices, "controller").filter(|it| it.attribute("type") == Some("pci"));
    controllers().find(|controller| controller.attribute("model") == Some("pcie-root"))?;
    let ports: BTreeSet<u32> = controllers()
        .filter(|controller| controller.attribute("model") == Some("pcie-root-port"))
        .filter(|controller| attribute(*controller, "target", "hotplug") != Some("off"))
        .filter_map(|controller| controller.attribute("index")?.parse().ok())
        .collect();
    let taken: BTreeSet<u32> = devices
        .children()
        .filter_map(|device| child(device, "address"))
        .filter(|address| address.attribute("type") == Some("pci"))
        .filter_map(|address| bus(address.attribute("bus")?))
        .collect();
    u32::try_from(ports.difference(&taken).count()).ok()
}

/// libvirt writes `0x03`, people also write `3`.
fn bus(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
