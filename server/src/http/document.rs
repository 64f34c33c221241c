//! The cluster document, and what is not as it says.

use axum::{Json, extract::State};
use model::{event::Document, note::Note};

use super::problem::Refusal;
use crate::app::App;

/// The current document.
#[utoipa::path(get, path = "/api/v1/document", responses((status = 200, body = Document)))]
pub async fn document(State(app): State<App>) -> Result<Json<Document>, Refusal> {
    Ok(Json(app.store.document()?))
}

/// Whatever differs between the host and the document, whoever caused it. A note's fix is the document that says what is.
#[utoipa::path(get, path = "/api/v1/drift", responses((status = 200, body = Vec<Note>)))]
pub async fn drift(State(app): State<App>) -> Json<Vec<Note>> {
    Json(app.engine.drift())
}
