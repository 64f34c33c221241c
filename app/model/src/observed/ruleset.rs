//! The firewall: every nftables table, those of iptables-nft included.

mod text;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::wire;

/// One table. Objects that are not understood stay in `raw`, so that nothing vanishes from the picture.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Table {
    /// `ip`, `ip6`, `inet`, `arp`, `bridge` or `netdev`.
    pub family: String,
    pub name: String,
    pub handle: u64,
    pub chains: Vec<Chain>,
    /// Sets, maps, flowtables and whatever else nft printed, as its JSON.
    #[borsh(serialize_with = "wire::write_json", deserialize_with = "wire::read_json")]
    pub raw: Vec<serde_json::Value>,
}

/// One chain with its rules in order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Chain {
    pub name: String,
    pub handle: u64,
    /// Base chains only: `filter`, `nat` or `route`.
    pub kind: Option<String>,
    /// Base chains only: `prerouting`, `forward`, …
    pub hook: Option<String>,
    pub priority: Option<i32>,
    /// Base chains only: `accept` or `drop`.
    pub policy: Option<String>,
    pub device: Option<String>,
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rule {
    pub handle: u64,
    pub comment: Option<String>,
    /// nft's own JSON statements (libnftables-json(5)), with the numbers of `counter` statements set to 0: they travel as [`Hits`].
    #[borsh(serialize_with = "wire::write_json", deserialize_with = "wire::read_json")]
    pub statements: Vec<serde_json::Value>,
}

/// What a rule's counter has seen. Travels in its own frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hits {
    pub packets: u64,
    pub bytes: u64,
}

impl Table {
    /// `family name`, the key in [`Observed::tables`](crate::Observed).
    pub fn key(&self) -> String {
        format!("{} {}", self.family, self.name)
    }

    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.name == name)
    }
}

impl Rule {
    /// What a rule of ours in somebody else's chain carries as its comment: `bridgehead:<object>`.
    pub fn mark(object: &str) -> String {
        format!("bridgehead:{object}")
    }

    /// The object that this rule of ours serves, if it is one.
    pub fn serves(&self) -> Option<&str> {
        self.comment.as_deref()?.strip_prefix("bridgehead:")
    }
}
