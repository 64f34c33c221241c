//! Bridgehead in the browser: rendered by the server, then hydrated to WebAssembly.
//!
//! The server calls [`render`] and sends the text. The same [`Initial`] travels in the page as JSON, and `hydrate`
//! builds the same tree from it: no request is needed before the picture stands.
//!
//! ```text
//! server: Initial ─► render ─► HTML with the picture + Initial as JSON
//! browser: JSON ─► Initial ─► hydrate ─► Live, kept up to date by /api/v1/live
//! ```

mod api;
mod app;
mod diagram;
mod dialog;
mod draft;
mod drawer;
mod facts;
mod header;
mod live;
mod outline;
mod pages;
mod parts;
mod paths;
#[cfg(feature = "ssr")]
mod shell;
mod texts;
mod tray;
mod ui;
mod view;

use std::sync::Arc;

use model::{
    Language, Observed,
    event::{Document, YouAreHere},
};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
pub use shell::{Assets, render};

/// The element that carries [`Initial`] as JSON.
const INITIAL: &str = "initial";

/// Everything that the first picture needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Initial {
    /// Empty if nobody is logged in.
    pub observed: Arc<Observed>,
    pub document: Document,
    pub you: Option<YouAreHere>,
    pub language: Language,
    pub theme: Theme,
    /// `false` shows the log-in page.
    pub logged_in: bool,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

/// The colours that the reader chose; kept in the cookie `theme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// From the value of the cookie `theme`.
    pub fn of(cookie: &str) -> Self {
        match cookie {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    #[cfg(feature = "ssr")]
    fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }
}

/// Brings the server's page to life.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    use leptos::prelude::document;

    console_error_panic_hook::set_once();
    let json = document().get_element_by_id(INITIAL).and_then(|element| element.text_content());
    // A page whose data cannot be read keeps showing what the server drew.
    let Some(initial) = json.and_then(|json| serde_json::from_str::<Initial>(&json).ok()) else { return };
    view::hydrate_body(app::App { initial });
}
