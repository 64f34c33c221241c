//! A NIC as libvirt's `<interface>`, a static lease as its `<host>`.

use std::net::IpAddr;

use crate::{
    Mac,
    observed::{Attachment, DhcpHost},
};

use super::NicDefinition;

impl NicDefinition {
    /// The element, in one line.
    pub fn interface(&self) -> String {
        format!("{}</interface>", self.elements().concat())
    }

    /// The start of `<interface>`, then each element in it.
    pub(crate) fn elements(&self) -> Vec<String> {
        let mut elements = vec![
            format!("<interface type=\"{}\">", escape(self.kind())),
            format!("<mac address=\"{}\"/>", self.mac),
            source(&self.attachment),
        ];
        elements.extend(self.model.as_ref().map(|model| format!("<model type=\"{}\"/>", escape(model))));
        elements.extend(self.mtu.map(|mtu| format!("<mtu size=\"{mtu}\"/>")));
        if !self.link_up {
            elements.push("<link state=\"down\"/>".to_owned());
        }
        elements.retain(|element| !element.is_empty());
        elements
    }

    /// The element's `type`.
    pub(crate) fn kind(&self) -> &str {
        match &self.attachment {
            Attachment::Network { .. } => "network",
            Attachment::Bridge { .. } => "bridge",
            Attachment::Direct { .. } => "direct",
            Attachment::Other { kind } => kind,
        }
    }

    /// Whether `virsh attach-interface` can make it: that has no option for an MTU, and none for a cable that is out.
    pub(crate) fn is_plain(&self) -> bool {
        let known = matches!(self.attachment, Attachment::Network { .. } | Attachment::Bridge { .. });
        known && self.link_up && self.mtu.is_none()
    }
}

/// The `<source>` of an interface; nothing for kinds that Bridgehead does not make.
pub(crate) fn source(attachment: &Attachment) -> String {
    match attachment {
        Attachment::Network { network } => format!("<source network=\"{}\"/>", escape(network)),
        Attachment::Bridge { bridge } => format!("<source bridge=\"{}\"/>", escape(bridge)),
        Attachment::Direct { dev, mode } => format!("<source dev=\"{}\" mode=\"{}\"/>", escape(dev), escape(mode)),
        Attachment::Other { .. } => String::new(),
    }
}

impl DhcpHost {
    /// A static lease as libvirt's `<host>`.
    pub fn element(&self) -> String {
        host(self.mac, self.name.as_deref(), Some(self.address))
    }
}

pub(crate) fn host(mac: Option<Mac>, name: Option<&str>, address: Option<IpAddr>) -> String {
    let mac = mac.map(|mac| format!(" mac=\"{mac}\"")).unwrap_or_default();
    let name = name.map(|name| format!(" name=\"{}\"", escape(name))).unwrap_or_default();
    let address = address.map(|address| format!(" ip=\"{address}\"")).unwrap_or_default();
    format!("<host{mac}{name}{address}/>")
}

/// Text of XML or an attribute's value. What XML 1.0 has no way to write becomes the replacement character.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
