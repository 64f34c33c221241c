//! The network, or a draft of it, in the words of other programs.

use axum::{Json, extract::State};
use model::{
    Cluster,
    export::{self, Export, Format},
    problem::Problem,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    problem::Refusal,
    read::{Asked, Body},
};
use crate::{app::App, apply::ApplyError};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The document itself, if absent.
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Drafted {
    cluster: Cluster,
    /// The document itself, if absent.
    #[serde(default)]
    format: Format,
}

/// All that the document says, for a host that has none of it.
#[utoipa::path(get, path = "/api/v1/export", params(Wanted),
    responses((status = 200, body = Export), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn network(State(app): State<App>, Asked(wanted): Asked<Wanted>) -> Result<Json<Export>, Refusal> {
    let document = app.store.document()?;
    let export = export::network(&app.watch.observed(), &document.cluster, wanted.format);
    Ok(Json(export.map_err(ApplyError::Blocked)?))
}

/// A draft: as a script, what its plan would do; in the other formats, all that it says. Changes nothing.
#[utoipa::path(post, path = "/api/v1/export", request_body = Drafted,
    responses((status = 200, body = Export), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn draft(State(app): State<App>, Body(draft): Body<Drafted>) -> Result<Json<Export>, Refusal> {
    let committed = app.store.document()?.cluster;
    // Planned once to have the guests asked, so that the script is of the plan that Apply would make.
    app.engine.plan(&committed, &draft.cluster).await;
    let export = export::draft(&app.watch.observed(), &committed, &draft.cluster, draft.format);
    Ok(Json(export.map_err(ApplyError::Blocked)?))
}
