//! What a step can cut off.

use serde::{Deserialize, Serialize};

use crate::note::Sentence;

/// How far a step reaches, the farthest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Nothing that works now can stop working.
    None,
    /// One guest.
    Guest,
    /// One bridge and what is plugged into it.
    Bridge,
    /// The whole host.
    Host,
    /// The operator's own connection.
    Wire,
}

impl Risk {
    pub fn sentence(self) -> Sentence {
        match self {
            Self::None => Sentence::new("risks nothing", "无风险"),
            Self::Guest => Sentence::new("this guest only", "仅影响这台虚拟机"),
            Self::Bridge => Sentence::new("this bridge only", "仅影响这个网桥"),
            Self::Host => Sentence::new("the whole host", "影响整台主机"),
            Self::Wire => Sentence::new("your own connection", "影响你自己的连接"),
        }
    }
}
