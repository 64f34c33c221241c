//! Every address that the browser asks for.

pub const SESSION: &str = "/api/v1/session";
pub const CHANGES: &str = "/api/v1/changes";
pub const UNDO: &str = "/api/v1/changes/undo";
pub const REDO: &str = "/api/v1/changes/redo";
pub const PUT_BACK: &str = "/api/v1/changes/put-back";
pub const DRAFT: &str = "/api/v1/drafts/mine";
pub const VERSIONS: &str = "/api/v1/versions";
pub const LOG: &str = "/api/v1/log";
pub const EXPORT: &str = "/api/v1/export";
pub const GUESTS: &str = "/api/v1/guests";
pub const LIVE: &str = "/api/v1/live";
pub const HOME: &str = "/";
