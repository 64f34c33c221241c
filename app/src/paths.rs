//! Every address that the browser asks for.

pub const SESSION: &str = "/api/v1/session";
pub const CHANGES: &str = "/api/v1/changes";
pub const UNDO: &str = "/api/v1/changes/undo";
pub const LIVE: &str = "/api/v1/live";
pub const HOME: &str = "/";
pub const STYLE: &str = "/style.css";
pub const THEME: &str = "/theme.js";
pub const HYDRATE: &str = "/hydrate.js";
pub const SCRIPT: &str = "/pkg/app.js";
pub const WASM: &str = "/pkg/app_bg.wasm";
pub const ICON: &str = "/icon.svg";
