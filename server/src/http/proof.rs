//! Probing what must be reachable.

use axum::{Json, extract::State};
use model::proof::{Promise, Proof};

use super::{problem::Refusal, read::Body};
use crate::app::App;

/// Sends a traceroute from a guest, now.
#[utoipa::path(post, path = "/api/v1/proofs", request_body = Promise, responses((status = 200, body = Proof)))]
pub async fn prove(State(app): State<App>, Body(promise): Body<Promise>) -> Result<Json<Proof>, Refusal> {
    Ok(Json(app.engine.prove(&promise).await))
}
