//! The network, or a draft of it, in the words of other programs.

use axum::{Json, extract::State};
use model::{
    Cluster,
    export::{self, Export, Format},
    name::GuestName,
    problem::{Problem, ProblemKind},
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
    /// For `cloud-init`: this guest alone, whether the document names it or not.
    #[serde(default)]
    guest: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Drafted {
    cluster: Cluster,
    /// The document itself, if absent.
    #[serde(default)]
    format: Format,
    /// For `cloud-init`: this guest alone, whether the document names it or not.
    #[serde(default)]
    guest: Option<String>,
}

/// All that the document says, for a host that has none of it.
#[utoipa::path(get, path = "/api/v1/export", params(Wanted),
    responses((status = 200, body = Export), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn network(State(app): State<App>, Asked(wanted): Asked<Wanted>) -> Result<Json<Export>, Refusal> {
    let document = app.store.document()?;
    if wanted.format == Format::CloudInit {
        return seeds(&app, &document.cluster, wanted.guest.as_deref()).await;
    }
    let export = export::network(&app.watch.observed(), &document.cluster, wanted.format);
    Ok(Json(export.map_err(ApplyError::Blocked)?))
}

/// A draft: as a script, what its plan would do; in the other formats, all that it says. Changes nothing.
#[utoipa::path(post, path = "/api/v1/export", request_body = Drafted,
    responses((status = 200, body = Export), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn draft(State(app): State<App>, Body(draft): Body<Drafted>) -> Result<Json<Export>, Refusal> {
    if draft.format == Format::CloudInit {
        return seeds(&app, &draft.cluster, draft.guest.as_deref()).await;
    }
    let committed = app.store.document()?.cluster;
    // Planned once to have the guests asked, so that the script is of the plan that Apply would make.
    app.engine.plan(&committed, &draft.cluster).await;
    let export = export::draft(&app.watch.observed(), &committed, &draft.cluster, draft.format);
    Ok(Json(export.map_err(ApplyError::Blocked)?))
}

/// Seeds that let Bridgehead in, by its own key.
async fn seeds(app: &App, cluster: &Cluster, guest: Option<&str>) -> Result<Json<Export>, Refusal> {
    if let Some(guest) = guest {
        guest
            .parse::<GuestName>()
            .map_err(|error| Refusal::new(ProblemKind::Malformed, error.to_string()).field("guest"))?;
    }
    let key = super::ssh::authorized_keys(super::ssh::files(app)?).await?;
    Ok(Json(export::cloud_init(&app.watch.observed(), cluster, guest, &key)))
}
