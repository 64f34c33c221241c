//! Bridgehead in the browser: rendered by the server, then hydrated to WebAssembly.
//!
//! The server calls [`render`] and sends the text. The same [`Initial`] travels in the page as base64 of its
//! [bytes](model::wire), and `hydrate` builds the same tree from it: no request is needed before the picture stands.
//!
//! ```text
//! server: Initial ─► render ─► HTML with the picture + Initial as bytes
//! browser: bytes ─► Initial ─► hydrate ─► Live, kept up to date by /api/v1/live
//! ```

mod api;
mod app;
mod diagram;
mod dialog;
mod draft;
mod drawer;
mod explain;
mod facts;
mod header;
mod later;
mod live;
mod outline;
mod pages;
mod parts;
mod paths;
mod refusal;
#[cfg(feature = "ssr")]
mod shell;
mod survival;
mod texts;
mod tray;
mod ui;
mod view;

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use model::{Language, Observed, event::Document};

#[cfg(feature = "ssr")]
pub use shell::{Assets, render};

/// The element that carries [`Initial`].
const INITIAL: &str = "initial";

/// Everything that the first picture needs.
#[derive(Debug, Clone, PartialEq, BorshSerialize, BorshDeserialize)]
pub struct Initial {
    /// Empty if nobody is logged in.
    pub observed: Arc<Observed>,
    pub document: Document,
    pub language: Language,
    pub theme: Theme,
    /// `false` shows the log-in page.
    pub logged_in: bool,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

/// The colours that the reader chose; kept in the cookie `theme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, BorshSerialize, BorshDeserialize)]
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
    console_error_panic_hook::set_once();
    // A page whose data cannot be read keeps showing what the server drew.
    let Some(initial) = initial() else { return };
    view::hydrate_body(app::App { initial });
}

/// What the server put into the page.
#[cfg(feature = "hydrate")]
fn initial() -> Option<Initial> {
    use leptos::prelude::{document, window};

    let text = document().get_element_by_id(INITIAL)?.text_content()?;
    // A text with one character for each byte.
    let binary = window().atob(&text).ok()?;
    let bytes: Vec<u8> = binary.chars().map(|byte| byte as u8).collect();
    model::wire::decode(&bytes)
}
