//! What the API answers when it refuses (RFC 9457).

use serde::{Deserialize, Serialize};

use crate::note::Note;

/// An error as the caller needs it: what was wrong, with which field, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    pub kind: ProblemKind,
    /// HTTP status.
    pub status: u16,
    pub title: String,
    pub detail: String,
    /// The field at fault, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The request cannot be read.
    Malformed,
    Unauthenticated,
    /// Somebody else may do this.
    Forbidden,
    /// The request came from another site.
    ForeignOrigin,
    TooManyAttempts,
    NotFound,
    /// A note blocks the plan.
    Blocked,
    /// The network or the document has changed since the plan was made.
    Outdated,
    /// Another change is being applied.
    Busy,
    /// Host, libvirt or guest refused or did not answer.
    Unavailable,
    Internal,
}
