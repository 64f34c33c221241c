//! Pages: rendered here with what is known now, then taken over by the browser.

use app::{Initial, Theme};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    response::Html,
};
use axum_extra::extract::CookieJar;
use model::Language;

use super::problem::Refusal;
use crate::{app::App, clock};

/// Scripts and styles come from us alone; WebAssembly may be compiled; positions on the picture are style attributes.
pub const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; style-src-attr 'unsafe-inline'; \
     connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

pub async fn page(State(app): State<App>, jar: CookieJar, request: Request) -> Result<Html<String>, Refusal> {
    let logged_in = request.uri().path() != "/login";
    let initial = Initial {
        observed: if logged_in { app.watch.observed() } else { Default::default() },
        document: if logged_in { app.store.document()? } else { Default::default() },
        language: language(&jar, request.headers()),
        theme: theme(&jar),
        logged_in,
        now_ms: clock::now(),
    };
    Ok(Html(app::render(initial, &app.assets)))
}

fn language(jar: &CookieJar, headers: &HeaderMap) -> Language {
    let chosen = jar.get("language").map(|cookie| cookie.value().to_owned());
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match chosen.or(wanted) {
        Some(tag) if tag.to_ascii_lowercase().starts_with("zh") => Language::Chinese,
        _ => Language::English,
    }
}

fn theme(jar: &CookieJar) -> Theme {
    match jar.get("theme").map(|cookie| cookie.value()) {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}
