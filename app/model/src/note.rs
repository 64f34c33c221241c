//! Remarks with a subject on the picture: what blocks a plan, what deserves a second look, what merely is so.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{Cluster, Language};

/// One remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Note {
    pub severity: Severity,
    pub subject: Subject,
    /// A stable word for the kind of remark, e.g. `duplicate-mac`.
    pub code: String,
    pub text: Sentence,
    /// The field of the document that is at fault, e.g. `bridge.mybr0.address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// A document that would settle it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Box<Fix>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fix {
    pub label: Sentence,
    pub draft: Cluster,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The plan is refused.
    Block,
    Warn,
    Tell,
}

/// An object of the picture. Written `kind:name` in URLs and element ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "kind", content = "name")]
pub enum Subject {
    Host,
    Outside,
    Link(String),
    Network(String),
    Guest(String),
    /// By MAC.
    Nic(String),
    /// By `family name`.
    Table(String),
    /// By the bridge it serves.
    Gateway(String),
    Source(String),
}

/// One sentence in every language. Names from guests may be inside: render as text, never as markup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sentence {
    pub en: String,
    pub zh: String,
}

impl Sentence {
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }

    pub fn text(&self, language: Language) -> &str {
        language.pick(&self.en, &self.zh)
    }
}

impl Note {
    pub fn new(severity: Severity, subject: Subject, code: &str, text: Sentence) -> Self {
        Self { severity, subject, code: code.to_owned(), text, field: None, fix: None }
    }

    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Outside => f.write_str("outside"),
            Self::Link(name) => write!(f, "link:{name}"),
            Self::Network(name) => write!(f, "network:{name}"),
            Self::Guest(name) => write!(f, "guest:{name}"),
            Self::Nic(mac) => write!(f, "nic:{mac}"),
            Self::Table(key) => write!(f, "table:{key}"),
            Self::Gateway(bridge) => write!(f, "gateway:{bridge}"),
            Self::Source(name) => write!(f, "source:{name}"),
        }
    }
}

impl std::str::FromStr for Subject {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, name) = text.split_once(':').unwrap_or((text, ""));
        let name = || name.to_owned();
        Ok(match kind {
            "host" => Self::Host,
            "outside" => Self::Outside,
            "link" => Self::Link(name()),
            "network" => Self::Network(name()),
            "guest" => Self::Guest(name()),
            "nic" => Self::Nic(name()),
            "table" => Self::Table(name()),
            "gateway" => Self::Gateway(name()),
            "source" => Self::Source(name()),
            _ => return Err(()),
        })
    }
}
