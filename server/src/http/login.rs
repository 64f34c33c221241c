//! With which login guests are entered whose agents run no programs. What was given never comes back out.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use model::problem::{Problem, ProblemKind};
use serde::Deserialize;
use serde_json::Value;

use super::{problem::Refusal, read::Body};
use crate::{app::App, host::guest};

/// A user of the guest's own system: root, or one that sudo makes root.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenLogin {
    user: String,
    /// The same is said to sudo, if it asks.
    #[schema(value_type = String, format = "password")]
    password: Value,
}

/// Keeps a login for a guest, encrypted, in the place of the last one. It is used where the guest's agent runs no programs.
/// Whether it works is among what is observed of the guest, a little later: `ways`.
#[utoipa::path(put, path = "/api/v1/guests/{name}/login", params(("name" = String, Path, description = "Of the domain")),
    request_body = GivenLogin,
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn give(
    State(app): State<App>,
    Path(name): Path<String>,
    Body(given): Body<GivenLogin>,
) -> Result<StatusCode, Refusal> {
    let observed = app.watch.observed();
    let domain = observed.domains.get(&name).ok_or_else(|| unknown(&name))?;
    // Not by its type: an error would say what it was instead.
    let password = given
        .password
        .as_str()
        .ok_or_else(|| Refusal::new(ProblemKind::Malformed, "the password is not a text").field("password"))?;
    let login = guest::Login::new(&given.user, password, &domain.uuid)
        .map_err(|bad| Refusal::new(ProblemKind::Malformed, bad.to_string()).field(bad.field))?;
    app.store.set_login(&name, &login)?;
    app.ways.set_login(&name, Some(login));
    app.watch.ask_guest(&name);
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets a guest's login, and logs out.
#[utoipa::path(delete, path = "/api/v1/guests/{name}/login", params(("name" = String, Path, description = "Of the domain")),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn forget(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    if !app.store.forget_login(&name)? {
        return Err(Refusal::new(ProblemKind::NotFound, format!("no login is known for a guest {name}")).field("name"));
    }
    app.ways.set_login(&name, None);
    app.watch.ask_guest(&name);
    Ok(StatusCode::NO_CONTENT)
}

fn unknown(name: &str) -> Refusal {
    Refusal::new(ProblemKind::NotFound, format!("there is no guest {name}")).field("name")
}
