//! Logging in and out.

use axum::{Extension, Json, extract::State, http::StatusCode};
use axum_extra::extract::CookieJar;
use model::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    access::{COOKIE, Operator},
    problem::Refusal,
    read::Body,
};
use crate::app::App;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    token: String,
}

/// Exchanges the token for a session cookie.
#[utoipa::path(post, path = "/api/v1/session", request_body = LogIn,
    responses((status = 204), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub async fn log_in(
    State(app): State<App>,
    jar: CookieJar,
    Body(log_in): Body<LogIn>,
) -> Result<(CookieJar, StatusCode), Refusal> {
    let cookie = app.access.log_in(&log_in.token)?;
    Ok((jar.add(cookie), StatusCode::NO_CONTENT))
}

/// Ends this browser's session.
#[utoipa::path(delete, path = "/api/v1/session", responses((status = 204)))]
pub async fn log_out(
    State(app): State<App>,
    Extension(Operator(who)): Extension<Operator>,
    jar: CookieJar,
) -> Result<(CookieJar, StatusCode), Refusal> {
    app.access.log_out(&jar)?;
    app.engine.unstage(&who)?;
    Ok((jar.remove(axum_extra::extract::cookie::Cookie::build(COOKIE).path("/")), StatusCode::NO_CONTENT))
}

/// Says that the server runs; needs no login.
#[utoipa::path(get, path = "/api/v1/health", responses((status = 200, body = String)))]
pub async fn health() -> Json<&'static str> {
    Json("ok")
}
