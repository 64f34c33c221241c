//! Names that the operator writes, checked where they enter.
//!
//! Names that the kernel, libvirt or a guest reports are plain strings: they are shown, never trusted.

use std::{fmt, ops::Deref, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name is needed")]
    Empty,
    #[error("{name:?} is longer than {limit} bytes")]
    Long { name: String, limit: usize },
    #[error("{name:?} has the character {bad:?}; letters, digits, '-', '_' and '.' are allowed")]
    Character { name: String, bad: char },
    #[error("{0:?} is reserved")]
    Reserved(String),
    #[error("{0:?} must begin with a letter or a digit")]
    Start(String),
}

fn check(text: &str, limit: usize) -> Result<(), NameError> {
    let name = || text.chars().take(40).collect::<String>();
    let Some(first) = text.chars().next() else { return Err(NameError::Empty) };
    if text.len() > limit {
        return Err(NameError::Long { name: name(), limit });
    }
    if let Some(bad) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))) {
        return Err(NameError::Character { name: name(), bad });
    }
    if !first.is_ascii_alphanumeric() {
        return Err(NameError::Start(name()));
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $limit:expr, $reserved:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[derive(borsh::BorshSerialize, borsh::BorshDeserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
        pub struct $type(String);

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text, $limit)?;
                if $reserved.contains(&text) {
                    return Err(NameError::Reserved(text.to_owned()));
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl Deref for $type {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

name!(
    /// A network interface of the host: at most 15 bytes (`IFNAMSIZ` less the terminator, linux/if.h).
    LinkName, 15, ["all", "default", "lo", ".", ".."]
);
name!(
    /// A libvirt domain.
    GuestName, 64, ["."; 0]
);
name!(
    /// A libvirt network.
    NetworkName, 64, ["."; 0]
);
