//! The cluster document and its versions.

use axum::{Json, extract::State};
use model::event::Document;

use super::problem::Refusal;
use crate::{app::App, store::Version};

/// So many versions are listed.
const VERSIONS: u32 = 200;

/// The current document.
#[utoipa::path(get, path = "/api/v1/document", responses((status = 200, body = Document)))]
pub async fn document(State(app): State<App>) -> Result<Json<Document>, Refusal> {
    Ok(Json(app.store.document()?))
}

/// The newest versions, newest first.
#[utoipa::path(get, path = "/api/v1/versions", responses((status = 200, body = Vec<Version>)))]
pub async fn versions(State(app): State<App>) -> Result<Json<Vec<Version>>, Refusal> {
    Ok(Json(app.store.versions(VERSIONS)?))
}
