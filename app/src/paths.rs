//! Every address that the browser asks for.

pub const SESSION: &str = "/api/v1/session";
pub const CHANGES: &str = "/api/v1/changes";
pub const UNDO: &str = "/api/v1/changes/undo";
pub const LIVE: &str = "/api/v1/live";
pub const HOME: &str = "/";
