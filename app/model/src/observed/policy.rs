//! Policy routing: which table is asked for whom (`ip rule`).

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::GuestRoute;
use crate::wire;

/// One rule. The three that every kernel begins with (0 `local`, 32766 `main`, 32767 `default`) are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyRule {
    pub priority: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub v6: bool,
    /// It is for all that does not match.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    #[borsh(serialize_with = "wire::write_some_net", deserialize_with = "wire::read_some_net")]
    pub from: Option<IpNet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    #[borsh(serialize_with = "wire::write_some_net", deserialize_with = "wire::read_some_net")]
    pub to: Option<IpNet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_link: Option<String>,
    /// `fwmark`, under `mask` if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<u32>,
    /// It asks for something else too (a port, a user, a TOS, …).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other: bool,
    /// `suppress_prefixlength`: routes with a prefix no longer than this do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppress: Option<u8>,
    /// The table to look in; `None` for a rule that refuses (`blackhole`, `unreachable`, `prohibit`) or does something
    /// else, which `kind` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    /// `lookup`, `goto`, `nop`, `blackhole`, `unreachable` or `prohibit`.
    #[serde(default)]
    pub kind: String,
}

/// Priority and table of the rules that every kernel begins with (net/ipv4/fib_rules.c).
const KERNELS: [(u32, u32); 3] = [(0, 255), (32766, 254), (32767, 253)];

impl PolicyRule {
    /// Whether it is one of those that every kernel begins with.
    pub fn is_kernels(&self) -> bool {
        let own = |(priority, table)| Self {
            priority,
            v6: self.v6,
            table: Some(table),
            kind: "lookup".to_owned(),
            ..Self::default()
        };
        KERNELS.map(own).contains(self)
    }
}

/// What a guest does beyond its main table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuestPolicy {
    pub rules: Vec<PolicyRule>,
    /// Routes of the tables that these rules name, `main` left out.
    #[borsh(deserialize_with = "wire::read_map")]
    pub routes: BTreeMap<u32, Vec<GuestRoute>>,
}
