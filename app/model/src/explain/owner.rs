//! Who put a rule there, as names and comments tell.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    firewall::translation,
    observed::{Chain, Rule, Table},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    Bridgehead,
    Libvirt,
    Docker,
    Firewalld,
    Ufw,
    Somebody,
}

impl Owner {
    /// Of a rule; of a chain's policy without one.
    pub fn of(table: &Table, chain: &Chain, rule: Option<&Rule>) -> Self {
        let named = |prefix: &str| chain.name.starts_with(prefix);
        if table.name == translation::TABLE || rule.is_some_and(|rule| rule.serves().is_some()) {
            Self::Bridgehead
        } else if named("LIBVIRT") || table.name.starts_with("libvirt") {
            Self::Libvirt
        } else if named("DOCKER") || table.name.starts_with("docker") {
            Self::Docker
        } else if table.name == "firewalld" {
            Self::Firewalld
        } else if named("ufw-") || named("ufw6-") {
            Self::Ufw
        } else {
            Self::Somebody
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bridgehead => "Bridgehead",
            Self::Libvirt => "libvirt",
            Self::Docker => "Docker",
            Self::Firewalld => "firewalld",
            Self::Ufw => "ufw",
            Self::Somebody => "somebody",
        })
    }
}
