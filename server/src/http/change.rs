//! Applying drafts, confirming changes, and taking them back.

use axum::{
    Json,
    extract::{ConnectInfo, FromRequestParts, Path, State},
    http::{StatusCode, request::Parts},
};
use model::{note::Subject, plan::Change, problem::Problem};
use serde::Deserialize;

use super::{access::Operator, here::Peer, problem::Refusal, read::Body};
use crate::{
    app::App,
    apply::{Caller, Wanted},
};

impl FromRequestParts<App> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let who = parts.extensions.get::<Operator>().map(|operator| operator.0.clone()).unwrap_or_default();
        let wire = match parts.extensions.get::<ConnectInfo<Peer>>() {
            Some(ConnectInfo(peer)) => peer.origin().await.on(&app.watch.observed()).link,
            None => None,
        };
        Ok(Self { who, wire })
    }
}

/// Begins to make the network what this draft says. Progress comes over the live socket, and from `GET`.
///
/// A change that could cut off whoever asks for it has `confirm_by`: unless it is confirmed by then, it is taken back.
#[utoipa::path(post, path = "/api/v1/changes", request_body = Wanted,
    responses((status = 202, body = Change), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn apply(
    State(app): State<App>,
    caller: Caller,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Change>), Refusal> {
    let change = app.engine.apply(wanted, &caller).await?;
    Ok((StatusCode::ACCEPTED, Json(change)))
}

/// Begins to take back the last change.
#[utoipa::path(post, path = "/api/v1/changes/undo",
    responses((status = 202, body = Change), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn undo(State(app): State<App>, caller: Caller) -> Result<(StatusCode, Json<Change>), Refusal> {
    Ok((StatusCode::ACCEPTED, Json(app.engine.undo(&caller).await?)))
}

/// Begins to take back the last undo.
#[utoipa::path(post, path = "/api/v1/changes/redo",
    responses((status = 202, body = Change), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn redo(State(app): State<App>, caller: Caller) -> Result<(StatusCode, Json<Change>), Refusal> {
    Ok((StatusCode::ACCEPTED, Json(app.engine.redo(&caller).await?)))
}

/// What is to be put back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutBack {
    /// Only what touches this object; everything if absent.
    #[serde(default)]
    subject: Option<Subject>,
}

/// Begins to make the network again what the document says.
#[utoipa::path(post, path = "/api/v1/changes/put-back", request_body = PutBack,
    responses((status = 202, body = Change), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn put_back(
    State(app): State<App>,
    caller: Caller,
    Body(PutBack { subject }): Body<PutBack>,
) -> Result<(StatusCode, Json<Change>), Refusal> {
    Ok((StatusCode::ACCEPTED, Json(app.engine.put_back(subject.as_ref(), &caller).await?)))
}

/// Says that whoever asked for this change has not been cut off by it.
#[utoipa::path(post, path = "/api/v1/changes/{id}/confirm", params(("id" = u64, Path, description = "Of the change")),
    responses((status = 200, body = Change), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn confirm(State(app): State<App>, caller: Caller, Path(id): Path<u64>) -> Result<Json<Change>, Refusal> {
    Ok(Json(app.engine.confirm(id, &caller)?))
}

/// The change being applied, or the last one; null before the first.
#[utoipa::path(get, path = "/api/v1/changes", responses((status = 200, body = Option<Change>)))]
pub async fn current(State(app): State<App>) -> Json<Option<Change>> {
    Json(app.engine.current().borrow().clone())
}
