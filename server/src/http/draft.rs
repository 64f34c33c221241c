//! Drafts made from a wish.

use axum::{Json, extract::State};
use model::{
    Cluster,
    gateway::GatewayRequest,
    plan::Plan,
    problem::{Problem, ProblemKind},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{problem::Refusal, read::Body};
use crate::app::App;

/// A draft, the version it was made from, and what it would do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Drafted {
    pub cluster: Cluster,
    pub version: u64,
    pub plan: Plan,
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
