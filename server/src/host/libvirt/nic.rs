//! `<interface>` of a domain: text in, struct out; struct in, text out. No calls here.

use model::{
    Mac,
    observed::{Attachment, Nic},
    step::NicDefinition,
};
use roxmltree::Node;

use super::xml::{Element, XmlError, attribute, child, children, clean, parse};

/// One `<interface>` as one definition (live or persistent) has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    pub mac: Mac,
    pub attachment: Attachment,
    pub model: Option<String>,
    pub tap: Option<String>,
    pub alias: Option<String>,
    pub link_up: bool,
    pub mtu: Option<u32>,
}

/// The interfaces below a `<domain>`. One without a MAC cannot be told from others and is left out; libvirt always
/// gives one.
pub fn interfaces(domain: Node<'_, '_>) -> Vec<Interface> {
    child(domain, "devices").map_or_else(Vec::new, |devices| children(devices, "interface").filter_map(read).collect())
}

fn read(node: Node<'_, '_>) -> Option<Interface> {
    let name = |text: &str| clean(text, 128);
    let of = |element, key| attribute(node, element, key).map(name);
    let kind = node.attribute("type").map(name).unwrap_or_default();
    let attachment = match kind.as_str() {
        "network" => Attachment::Network { network: of("source", "network")? },
        "bridge" => Attachment::Bridge { bridge: of("source", "bridge")? },
        "direct" => Attachment::Direct {
            dev: of("source", "dev")?,
            mode: of("source", "mode").unwrap_or_else(|| "vepa".to_owned()),
        },
        _ => Attachment::Other { kind },
    };
    Some(Interface {
        mac: attribute(node, "mac", "address")?.parse().ok()?,
        attachment,
        model: of("model", "type"),
        tap: of("target", "dev"),
        alias: of("alias", "name"),
        link_up: attribute(node, "link", "state") != Some("down"),
        mtu: attribute(node, "mtu", "size").and_then(|size| size.parse().ok()),
    })
}

/// Live and persistent definitions as one list, joined by MAC; a MAC that occurs twice is joined in order.
pub fn join(live: Vec<Interface>, config: Vec<Interface>) -> Vec<Nic> {
    let mut config: Vec<Option<Interface>> = config.into_iter().map(Some).collect();
    let mut nics: Vec<Nic> = live
        .into_iter()
        .map(|live| {
            let twin = config.iter_mut().find(|twin| twin.as_ref().is_some_and(|twin| twin.mac == live.mac));
            let twin = twin.and_then(Option::take);
            Nic {
                mac: live.mac,
                live: Some(live.attachment),
                config: twin.map(|twin| twin.attachment),
                model: live.model,
                tap: live.tap,
                alias: live.alias,
                link_up: live.link_up,
                mtu: live.mtu,
            }
        })
        .collect();
    nics.extend(config.into_iter().flatten().map(|config| Nic {
        mac: config.mac,
        live: None,
        config: Some(config.attachment),
        model: config.model,
        tap: None,
        alias: None,
        link_up: config.link_up,
        mtu: config.mtu,
    }));
    nics
}

/// The text of a new `<interface>`.
pub fn build(nic: &NicDefinition) -> Result<String, XmlError> {
    let mut parts = vec![Element::new("mac").attribute("address", &nic.mac.to_string())?, source(&nic.attachment)?];
    if let Some(model) = &nic.model {
        parts.push(Element::new("model").attribute("type", model)?);
    }
    if let Some(mtu) = nic.mtu {
        parts.push(mtu_element(mtu)?);
    }
    if !nic.link_up {
        parts.push(Element::new("link").attribute("state", "down")?);
    }
    Element::new("interface").attribute("type", kind(&nic.attachment)?)?.children(parts).write()
}

/// The text of one interface of this domain, as it is and as it is to be.
pub struct Edit {
    pub before: String,
    pub after: String,
}

/// Changes where an interface is plugged in, its cable and its MTU. Everything else in it stays as it was written.
///
/// `None` if the domain has no interface of this MAC.
pub fn edit(domain: &str, nic: &NicDefinition) -> Result<Option<Edit>, XmlError> {
    let document = parse(domain)?;
    let Some(node) = find(document.root_element(), nic.mac) else { return Ok(None) };
    let now = read(node).ok_or(XmlError::Missing("source"))?;
    let mut splices: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    let mut added = String::new();
    let mut put = |name: &str, new: Option<Element>| -> Result<(), XmlError> {
        let new = new.map(|element| element.write()).transpose()?;
        match (child(node, name), new) {
            (Some(old), new) => splices.push((old.range(), new.unwrap_or_default())),
            (None, Some(new)) => added.push_str(&new),
            (None, None) => {}
        }
        Ok(())
    };
    if now.attachment != nic.attachment {
        put("source", Some(source(&nic.attachment)?))?;
    }
    if now.link_up != nic.link_up {
        let down = || Element::new("link").attribute("state", "down");
        put("link", if nic.link_up { None } else { Some(down()?) })?;
    }
    if now.mtu != nic.mtu {
        put("mtu", nic.mtu.map(mtu_element).transpose()?)?;
    }
    if let Some(attribute) = node.attribute_node("type")
        && now.attachment != nic.attachment
    {
        splices.push((attribute.range_value(), kind(&nic.attachment)?.to_owned()));
    }
    let range = node.range();
    let before = domain.get(range.clone()).ok_or(XmlError::Missing("interface"))?.to_owned();
    if let Some(mac) = child(node, "mac") {
        splices.push((mac.range().end..mac.range().end, added));
    }
    splices.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut after = before.clone();
    for (part, new) in splices {
        after.replace_range(part.start - range.start..part.end - range.start, &new);
    }
    Ok(Some(Edit { before, after }))
}

/// The text of one interface as the domain has it.
pub fn extract(domain: &str, mac: Mac) -> Result<Option<String>, XmlError> {
    let document = parse(domain)?;
    Ok(find(document.root_element(), mac).and_then(|node| domain.get(node.range())).map(str::to_owned))
}

/// libvirt's alias (`net0`) of one interface; `Some(None)` if it has none, as in a persistent definition.
pub fn alias(domain: &str, mac: Mac) -> Result<Option<Option<String>>, XmlError> {
    let document = parse(domain)?;
    let node = find(document.root_element(), mac);
    Ok(node.map(|node| attribute(node, "alias", "name").map(str::to_owned)))
}

fn find<'a, 'input>(domain: Node<'a, 'input>, mac: Mac) -> Option<Node<'a, 'input>> {
    let devices = child(domain, "devices")?;
    children(devices, "interface")
        .find(|node| attribute(*node, "mac", "address").and_then(|text| text.parse().ok()) == Some(mac))
}

fn kind(attachment: &Attachment) -> Result<&'static str, XmlError> {
    match attachment {
        Attachment::Network { .. } => Ok("network"),
        Attachment::Bridge { .. } => Ok("bridge"),
        Attachment::Direct { .. } => Ok("direct"),
        Attachment::Other { kind } => Err(XmlError::Kind(clean(kind, 64))),
    }
}

fn source(attachment: &Attachment) -> Result<Element, XmlError> {
    let source = Element::new("source");
    match attachment {
        Attachment::Network { network } => source.attribute("network", network),
        Attachment::Bridge { bridge } => source.attribute("bridge", bridge),
        Attachment::Direct { dev, mode } => source.attribute("dev", dev)?.attribute("mode", mode),
        Attachment::Other { kind } => Err(XmlError::Kind(clean(kind, 64))),
    }
}

fn mtu_element(mtu: u32) -> Result<Element, XmlError> {
    Element::new("mtu").attribute("size", &mtu.to_string())
}

#[cfg(test)]
mod tests;
