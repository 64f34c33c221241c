//! Applying drafts, and taking changes back.

use axum::{Json, extract::State, http::StatusCode};
use model::{plan::Change, problem::Problem};

use super::{problem::Refusal, read::Body};
use crate::{app::App, apply::Wanted};

/// Begins to make the network what this draft says. Progress comes over the live socket, and from `GET`.
#[utoipa::path(post, path = "/api/v1/changes", request_body = Wanted,
    responses((status = 202, body = Change), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn apply(State(app): State<App>, Body(wanted): Body<Wanted>) -> Result<(StatusCode, Json<Change>), Refusal> {
    let change = app.engine.apply(wanted).await?;
    Ok((StatusCode::ACCEPTED, Json(change)))
}

/// Begins to take back the last change.
#[utoipa::path(post, path = "/api/v1/changes/undo",
    responses((status = 202, body = Change), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn undo(State(app): State<App>) -> Result<(StatusCode, Json<Change>), Refusal> {
    Ok((StatusCode::ACCEPTED, Json(app.engine.undo().await?)))
}

/// The change being applied, or the last one; null before the first.
#[utoipa::path(get, path = "/api/v1/changes", responses((status = 200, body = Option<Change>)))]
pub async fn current(State(app): State<App>) -> Json<Option<Change>> {
    Json(app.engine.current().borrow().clone())
}
