//! What Bridgehead notes in a domain's metadata, as the text of one element.

use model::observed::Marks;
use roxmltree::Node;

use super::xml::{Element, XmlError, child};

/// The namespace of our element.
pub const NAMESPACE: &str = "https://bridgehead.dev/domain/1";
/// The prefix that libvirt writes for it.
pub const PREFIX: &str = "bridgehead";

/// The element to hand to `virDomainSetMetadata`; `None` removes it.
pub fn build(marks: &Marks) -> Result<Option<String>, XmlError> {
    if marks.is_empty() {
        return Ok(None);
    }
    let json = serde_json::to_string(marks).map_err(|error| XmlError::Write(error.to_string()))?;
    Element::new("marks").text(&json)?.write().map(Some)
}

/// The marks in a domain's definition. What cannot be read is not ours: no marks.
pub fn read(domain: Node<'_, '_>) -> Marks {
    child(domain, "metadata")
        .and_then(|metadata| metadata.children().find(|node| node.tag_name().namespace() == Some(NAMESPACE)))
        .and_then(|node| node.text())
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}
