//! What was observed.

use std::sync::Arc;

use axum::{Json, extract::State};
use model::Observed;

use crate::app::App;

/// Everything that kernel, firewall, libvirt and guests say.
#[utoipa::path(get, path = "/api/v1/observed", responses((status = 200, body = Observed)))]
pub async fn observed(State(app): State<App>) -> Json<Arc<Observed>> {
    Json(app.watch.observed())
}
