//! What a draft would do.

use axum::{Json, extract::State};
use model::{Cluster, plan::Plan, problem::Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{problem::Refusal, read::Body};
use crate::app::App;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    cluster: Cluster,
}

/// The plan from what is observed now to this draft. Changes nothing.
#[utoipa::path(post, path = "/api/v1/plan", request_body = Draft,
    responses((status = 200, body = Plan), (status = 422, body = Problem)))]
pub async fn plan(State(app): State<App>, Body(draft): Body<Draft>) -> Result<Json<Plan>, Refusal> {
    let document = app.store.document()?;
    Ok(Json(app.engine.plan(&document.cluster, &draft.cluster).await))
}
