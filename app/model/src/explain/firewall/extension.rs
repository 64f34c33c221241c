//! What iptables-nft wrote and nft has no words for: only the name is known.

use serde_json::Value;

use super::{Effect, Nat};

pub enum Extension {
    Nothing,
    Condition,
    /// With a mark that is not told.
    Marks,
    Ends(Effect),
}

impl Extension {
    /// An `xt` statement.
    pub fn read(body: &Value) -> Self {
        let word = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        match (word("type"), word("name")) {
            ("match", "comment") => Self::Nothing,
            ("match", _) => Self::Condition,
            (_, "REJECT") => Self::Ends(Effect::Reject),
            (_, "DROP") => Self::Ends(Effect::Drop),
            (_, "MASQUERADE") => Self::Ends(Effect::Translate(Nat::Masquerade)),
            (_, "MARK" | "CONNMARK") => Self::Marks,
            (_, "LOG" | "NFLOG" | "CHECKSUM" | "TCPMSS" | "TRACE" | "DSCP" | "CLASSIFY" | "SECMARK") => Self::Nothing,
            _ => Self::Ends(Effect::Unclear),
        }
    }
}
