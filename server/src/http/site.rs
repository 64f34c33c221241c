//! The built style sheets, scripts and WebAssembly.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use app::Assets;
use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use tower_http::services::ServeDir;

use crate::app::App;

/// The folder `site` beside the program.
pub fn beside_program() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.parent().unwrap_or(Path::new(".")).join("../site")
}

/// Names the folder after what is in it: a new build gets a new name. Scripts and WebAssembly name each other relative to
/// where they are, so one build's never meet another's.
pub fn assets(site: &Path) -> Assets {
    let mut hasher = DefaultHasher::new();
    let mut folders = vec![site.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> =
            fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|ending| ending != "br") {
                fs::read(path).unwrap_or_default().hash(&mut hasher);
            }
        }
    }
    Assets { folder: format!("/{:016x}", hasher.finish()) }
}

/// Files as they were built, compressed once and not at each request.
pub fn files(site: &Path) -> ServeDir {
    ServeDir::new(site).precompressed_br()
}

/// A file asked for in the folder that is named after its content never changes; everything else is asked for again.
pub async fn keep(State(app): State<App>, request: Request, next: Next) -> Response {
    let below = request.uri().path().strip_prefix(app.assets.folder.as_str());
    let hashed = below.is_some_and(|path| path.starts_with('/'));
    let mut response = next.run(request).await;
    let keep =
        if hashed && response.status().is_success() { "private, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(keep));
    response
}
