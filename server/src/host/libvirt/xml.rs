//! Small pieces of XML: the one writer that escapes, and what the parsers share.

use quick_xml::{
    Writer,
    events::{BytesEnd, BytesStart, BytesText, Event},
};
use roxmltree::Node;

/// Why a text from or for libvirt is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    #[error("it is not XML: {0}")]
    Malformed(String),
    #[error("it has no <{0}>")]
    Missing(&'static str),
    #[error("{name} {value:?} has control characters")]
    Control { name: &'static str, value: String },
    #[error("an interface of the kind {0:?} is not made by Bridgehead")]
    Kind(String),
    #[error("it cannot be written: {0}")]
    Write(String),
}

/// Longest text that is parsed, in bytes. libvirt's own limit for a reply is 4 MiB (REMOTE_STRING_MAX).
pub const LIMIT: usize = 4 << 20;

pub fn parse(text: &str) -> Result<roxmltree::Document<'_>, XmlError> {
    if text.len() > LIMIT {
        return Err(XmlError::Malformed(format!("it is longer than {LIMIT} bytes")));
    }
    roxmltree::Document::parse(text).map_err(|error| XmlError::Malformed(error.to_string()))
}

/// The child element of this name, whatever its namespace.
pub fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

pub fn children<'a, 'input>(node: Node<'a, 'input>, name: &'static str) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// An attribute of a child: `attribute(node, "source", "bridge")` is `<source bridge='…'>` below `node`.
pub fn attribute<'a>(node: Node<'a, '_>, name: &str, attribute: &str) -> Option<&'a str> {
    child(node, name)?.attribute(attribute)
}

/// The text of a child element, without space around it.
pub fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim).filter(|text| !text.is_empty())
}

/// What came from outside, fit to be shown: no control characters, nothing that cannot be seen or turns the direction of
/// what follows, no towers of accents; at most `limit` characters.
pub fn clean(text: &str, limit: usize) -> String {
    /// As many marks as a letter of a living language has above one another.
    const MARKS: usize = 2;
    let mut marks = 0;
    text.chars()
        .filter(|c| {
            marks = if is_mark(*c) { marks + 1 } else { 0 };
            marks <= MARKS && !c.is_control() && !is_invisible(*c)
        })
        .take(limit)
        .collect()
}

/// Unicode's `Default_Ignorable_Code_Point` (DerivedCoreProperties.txt), with the separators of lines and paragraphs, and the
/// marks of annotations.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Unicode's blocks of combining marks.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

/// An element on its way into a text, values escaped.
#[derive(Debug, Clone)]
pub struct Element {
    start: BytesStart<'static>,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    None,
    Text(String),
    Children(Vec<Element>),
}

impl Element {
    pub fn new(name: &'static str) -> Self {
        Self { start: BytesStart::new(name), content: Content::None }
    }

    /// XML 1.0 has no way to write control characters, and an attribute's line breaks do not survive: both are refused.
    pub fn attribute(mut self, name: &'static str, value: &str) -> Result<Self, XmlError> {
        if value.chars().any(|c| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')) {
            return Err(XmlError::Control { name, value: clean(value, 64) });
        }
        self.start.push_attribute((name, value));
        Ok(self)
    }

    pub fn text(mut self, text: &str) -> Result<Self, XmlError> {
        if text.chars().any(|c| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')) {
            return Err(XmlError::Control { name: "text", value: clean(text, 64) });
        }
        self.content = Content::Text(text.to_owned());
        Ok(self)
    }

    pub fn children(mut self, children: Vec<Self>) -> Self {
        self.content = Content::Children(children);
        self
    }

    pub fn write(&self) -> Result<String, XmlError> {
        let mut writer = Writer::new(Vec::new());
        self.write_to(&mut writer).map_err(|error| XmlError::Write(error.to_string()))?;
        String::from_utf8(writer.into_inner()).map_err(|error| XmlError::Write(error.to_string()))
    }

    fn write_to(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        if let Content::None = self.content {
            return writer.write_event(Event::Empty(self.start.borrow()));
        }
        writer.write_event(Event::Start(self.start.borrow()))?;
        match &self.content {
            Content::None => {}
            Content::Text(text) => writer.write_event(Event::Text(BytesText::new(text)))?,
            Content::Children(children) => {
                for child in children {
                    child.write_to(writer)?;
                }
            }
        }
        writer.write_event(Event::End(BytesEnd::from(self.start.name())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_it_writes() {
        let element = Element::new("a").attribute("b", "'\"<>&").expect("no control characters");
        let written = element.children(vec![Element::new("c").text("]]>&<d/>").expect("text")]).write().expect("XML");
        let read = parse(&written).expect("XML");
        assert_eq!(read.root_element().attribute("b"), Some("'\"<>&"));
        assert_eq!(text(read.root_element(), "c"), Some("]]>&<d/>"));
    }

    #[test]
    fn cleans_what_others_say() {
        assert_eq!(clean("<b>é中 a\u{301}\u{302}", 99), "<b>é中 a\u{301}\u{302}");
        let tricks = "a\0\u{1b}\u{7f}\u{9b}\r\n\u{ad}\u{61c}\u{200b}\u{2028}\u{202e}\u{2066}\u{3164}\u{feff}\u{e0041}b";
        assert_eq!(clean(tricks, 99), "ab");
        assert_eq!(clean(&format!("o{}k", "\u{30a}".repeat(99)), 99), "o\u{30a}\u{30a}k");
        assert_eq!(clean("中文字", 2), "中文");
    }

    #[test]
    fn refuses_what_xml_cannot_hold() {
        assert!(Element::new("a").attribute("b", "c\0").is_err());
        assert!(Element::new("a").attribute("b", "c\nd").is_err());
    }
}
