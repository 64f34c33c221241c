//! Values that are passed on unopened.

use std::marker::PhantomData;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{decode, encode};

/// A value as bytes: it travels so, and whoever passes it on without opening it needs no code for what is in it.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Sealed<T> {
    bytes: Vec<u8>,
    #[borsh(skip)]
    holds: PhantomData<T>,
}

/// Of nothing, no bytes.
impl<T> Default for Sealed<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), holds: PhantomData }
    }
}

impl<T> Sealed<T> {
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl<T: BorshSerialize> Sealed<T> {
    pub fn of(value: &T) -> Self {
        Self { bytes: encode(value), holds: PhantomData }
    }
}

impl<T: BorshDeserialize + Default> Sealed<T> {
    /// What is in it; nothing if that is not what it says.
    pub fn open(&self) -> T {
        decode(&self.bytes).unwrap_or_default()
    }
}

/// For everybody else it is the value.
impl<T: BorshDeserialize + Default + Serialize> Serialize for Sealed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.open().serialize(serializer)
    }
}

impl<'de, T: BorshSerialize + Deserialize<'de>> Deserialize<'de> for Sealed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self::of(&value))
    }
}
