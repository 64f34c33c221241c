//! What was changed, by whom and when: versions of the document, and the log of all changes.

use axum::{
    Json,
    extract::{Path, State},
    http::header,
    response::IntoResponse,
};
use model::{
    event::Document,
    problem::{Problem, ProblemKind},
};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use super::problem::Refusal;
use crate::{
    app::App,
    store::{Version, journal::Entry},
};

/// So many versions are listed.
const VERSIONS: u32 = 200;

/// The newest versions, newest first.
#[utoipa::path(get, path = "/api/v1/versions", responses((status = 200, body = Vec<Version>)))]
pub async fn versions(State(app): State<App>) -> Result<Json<Vec<Version>>, Refusal> {
    Ok(Json(app.store.versions(VERSIONS)?))
}

/// One version of the document; 0 is the empty one before the first change.
#[utoipa::path(get, path = "/api/v1/versions/{version}", params(("version" = u64, Path)),
    responses((status = 200, body = Document), (status = 404, body = Problem)))]
pub async fn version(State(app): State<App>, Path(version): Path<u64>) -> Result<Json<Document>, Refusal> {
    Ok(Json(find(&app, version)?))
}

/// One line of a comparison.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Line {
    /// `-` only in the older, `+` only in the newer, ` ` in both.
    sign: char,
    text: String,
}

/// What differs between two versions, line by line of their TOML.
#[utoipa::path(get, path = "/api/v1/versions/{older}/compare/{newer}",
    params(("older" = u64, Path), ("newer" = u64, Path)),
    responses((status = 200, body = Vec<Line>), (status = 404, body = Problem)))]
pub async fn compare(
    State(app): State<App>,
    Path((older, newer)): Path<(u64, u64)>,
) -> Result<Json<Vec<Line>>, Refusal> {
    let (older, newer) = (find(&app, older)?.cluster.to_toml(), find(&app, newer)?.cluster.to_toml());
    let lines = TextDiff::from_lines(&older, &newer);
    let lines = lines.iter_all_changes().map(|change| Line {
        sign: match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        },
        text: change.value().trim_end_matches('\n').to_owned(),
    });
    Ok(Json(lines.collect()))
}

/// The log of all changes, oldest first, as JSON lines: who, when, why, the plan, how it ended.
#[utoipa::path(get, path = "/api/v1/log", responses((status = 200, content_type = "application/x-ndjson", body = Entry)))]
pub async fn log(State(app): State<App>) -> Result<impl IntoResponse, Refusal> {
    let mut text = String::new();
    for entry in app.store.changes(u32::MAX)?.iter().rev() {
        // An entry was JSON before.
        text.push_str(&serde_json::to_string(entry).unwrap_or_default());
        text.push('\n');
    }
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], text))
}

fn find(app: &App, version: u64) -> Result<Document, Refusal> {
    let found = app.store.version(version)?;
    found.ok_or_else(|| Refusal::new(ProblemKind::NotFound, format!("there is no version {version}")).field("version"))
}
