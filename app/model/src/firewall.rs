//! What the ruleset means: reading nft's JSON, following a packet through a chain, and the rules that are ours.
//!
//! Only as much is understood as is needed to say whether forwarded traffic is dropped, and to recognise our own rules.
//! Whatever is not understood is a *maybe*, and said so.

pub mod narrow;
pub mod statement;
pub mod translation;
pub mod walk;

pub use statement::{Field, Statement};
pub use walk::{Outcome, Packet, walk};

/// A string of nft's own language. It knows no escapes: what would end the string becomes a character that no name of
/// an interface has.
fn quoted(text: &str) -> String {
    let fits = |c: char| if c.is_control() || matches!(c, '"' | '\\') { '/' } else { c };
    format!("\"{}\"", text.chars().map(fits).collect::<String>())
}
