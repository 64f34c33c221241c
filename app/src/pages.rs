//! The pages.

pub mod login;
pub mod network;
