//! Parts that know nothing of networks.

pub mod copy;
pub mod dialog;
pub mod facts;
pub mod field;
pub mod tabs;
pub mod trouble;
