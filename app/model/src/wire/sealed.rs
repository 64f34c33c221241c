//! Values that are passed on unopened.

use std::{
    fmt::{self, Debug, Formatter},
    ops::Deref,
    sync::OnceLock,
};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{decode, encode};

/// A value as bytes: it travels so, and whoever passes it on without opening it needs no code for what is in it. It is opened
/// when it is first looked into.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Sealed<T> {
    /// None for the default.
    bytes: Vec<u8>,
    #[borsh(skip)]
    opened: OnceLock<T>,
}

impl<T: BorshSerialize + Default> Sealed<T> {
    pub fn of(value: &T) -> Self {
        let bytes = Some(encode(value)).filter(|bytes| *bytes != encode(&T::default()));
        Self { bytes: bytes.unwrap_or_default(), opened: OnceLock::new() }
    }
}

impl<T> Sealed<T> {
    /// Whether there is nothing in it, without opening it.
    pub fn is_default(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// What is in it; nothing if that is not what it says.
impl<T: BorshDeserialize + Default> Deref for Sealed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.opened.get_or_init(|| decode(&self.bytes).unwrap_or_default())
    }
}

impl<T: BorshDeserialize + Default + Debug> Debug for Sealed<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), opened: OnceLock::new() }
    }
}

impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Sealed<T> {}

impl<T> Default for Sealed<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), opened: OnceLock::new() }
    }
}

/// For everybody else it is the value.
impl<T: BorshDeserialize + Default + Serialize> Serialize for Sealed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: BorshSerialize + Default + Deserialize<'de>> Deserialize<'de> for Sealed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self::of(&value))
    }
}
