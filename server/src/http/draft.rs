//! Drafts: those that operators have staged, and those made from a wish.

use axum::{
    Extension, Json,
    extract::{ConnectInfo, Path, State},
    http::StatusCode,
};
use model::{
    Cluster,
    draft::Draft,
    gateway::GatewayRequest,
    plan::Plan,
    problem::{Problem, ProblemKind},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{access::Operator, here::Peer, problem::Refusal, read::Body};
use crate::{app::App, apply::stage::Staged};

/// A draft, the version it was made from, and what it would do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Drafted {
    pub cluster: Cluster,
    pub version: u64,
    pub plan: Plan,
}

/// What operators are drafting. Every draft is one of the current version of the document.
#[utoipa::path(get, path = "/api/v1/drafts", responses((status = 200, body = Vec<Draft>)))]
pub async fn drafts(State(app): State<App>) -> Result<Json<Vec<Draft>>, Refusal> {
    Ok(Json(app.engine.drafts()?))
}

/// Keeps the caller's draft, in the place of the last one, and shows it to the other operators. Changes nothing.
#[utoipa::path(put, path = "/api/v1/drafts/mine", request_body = Staged,
    responses((status = 204), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn stage(
    State(app): State<App>,
    Extension(Operator(who)): Extension<Operator>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Body(staged): Body<Staged>,
) -> Result<StatusCode, Refusal> {
    app.engine.stage(staged, who)?;
    // Who drafts is about to apply.
    tokio::spawn(async move {
        peer.origin().await;
    });
    Ok(StatusCode::NO_CONTENT)
}

/// Discards the caller's draft.
#[utoipa::path(delete, path = "/api/v1/drafts/mine", responses((status = 204)))]
pub async fn unstage(
    State(app): State<App>,
    Extension(Operator(who)): Extension<Operator>,
) -> Result<StatusCode, Refusal> {
    app.engine.unstage(&who)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Discards the draft of an operator who will not come back for it. Only with the token.
#[utoipa::path(delete, path = "/api/v1/drafts/{who}", params(("who" = String, Path, description = "As the list names them")),
    responses((status = 204), (status = 403, body = Problem)))]
pub async fn unstage_other(
    State(app): State<App>,
    Extension(operator): Extension<Operator>,
    Path(who): Path<String>,
) -> Result<StatusCode, Refusal> {
    if !operator.is_token() {
        let detail = format!("only {who} can discard this draft, or whoever has the token");
        return Err(Refusal::new(ProblemKind::Forbidden, detail).field("who"));
    }
    app.engine.unstage(&who)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The current document with one more gateway, whatever it needs included. Changes nothing.
#[utoipa::path(post, path = "/api/v1/drafts/gateway", request_body = GatewayRequest,
    responses((status = 200, body = Drafted), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn gateway(State(app): State<App>, Body(request): Body<GatewayRequest>) -> Result<Json<Drafted>, Refusal> {
    let document = app.store.document()?;
    let observed = app.watch.observed();
    let cluster = model::gateway::draft(&observed, &document.cluster, &request)
        .map_err(|note| Refusal::new(ProblemKind::Blocked, note.text.en.clone()).notes(vec![note]))?;
    let plan = app.engine.plan(&document.cluster, &cluster).await;
    Ok(Json(Drafted { cluster, version: document.version, plan }))
}
