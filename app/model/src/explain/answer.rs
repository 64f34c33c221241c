//! What is answered: the way, hop by hop, and the first "no".

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Owner, Packet, Question};
use crate::note::{Sentence, Subject};

/// The way there and back, as far as it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    pub question: Question,
    pub verdict: Verdict,
    /// In the order in which they are met, the answer's after the question's.
    pub hops: Vec<Hop>,
    /// Why not, or why that is not known; after the last hop, unless it says `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
    /// What was taken for granted, because nobody here can see it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<Sentence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It gets there, and the answer comes back.
    Yes,
    No,
    /// Something on the way cannot be known.
    Unknown,
}

/// One place that the packet is seen at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hop {
    pub place: Place,
    /// As it is there: `tcpdump` on that interface would show it so.
    pub packet: Packet,
    /// The route by which it goes on from here, as `ip route` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The rules that decided about it between the hop before and this one, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Matched>,
}

/// An interface of the host or of a guest, or the world beyond one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum Place {
    Host {
        link: String,
    },
    Guest {
        guest: String,
        interface: String,
    },
    /// Beyond this uplink.
    Outside {
        uplink: String,
    },
}

/// A rule that was met, or a chain's policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Matched {
    /// `None` for the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<String>,
    /// `family name`.
    pub table: String,
    pub chain: String,
    /// `None` for the policy of the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<u64>,
    pub owner: Owner,
    /// In nft's own words.
    pub text: String,
}

/// The first "no", or the first thing that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// What says so.
    pub subject: Subject,
    pub text: Sentence,
    /// The rule or policy that says so, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Matched>,
    /// The setting that says so, if it is one: `net.ipv4.ip_forward=0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// How many hops come before it.
    pub at: usize,
}

/// `node1:ens6`, `vnet5`, `outside`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { link } => f.write_str(link),
            Self::Guest { guest, interface } => write!(f, "{guest}:{interface}"),
            Self::Outside { .. } => f.write_str("outside"),
        }
    }
}

/// `ip filter FORWARD 12 (libvirt): iifname "virbr0" counter accept`.
impl fmt::Display for Matched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.table, self.chain)?;
        self.handle.iter().try_for_each(|handle| write!(f, " {handle}"))?;
        write!(f, " ({}): {}", self.owner, self.text)
    }
}
