//! SSH as the way into a guest: whether it may be used, and by which keys.

use std::net::IpAddr;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use model::{
    observed::{Domain, WayKind},
    problem::{Problem, ProblemKind},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{problem::Refusal, read::Body};
use crate::{
    app::App,
    host::guest::ssh::{self, Files, Login},
};

/// Bridgehead's own key.
#[derive(Debug, Serialize, ToSchema)]
pub struct Key {
    /// The line for `authorized_keys` of a guest's user.
    authorized_keys: String,
}

/// How Bridgehead may log in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// `root`, or one that may run `sudo` without a password.
    #[serde(default = "root")]
    user: String,
    /// Where the guest is, if that is not to be found out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    address: Option<IpAddr>,
}

fn root() -> String {
    "root".to_owned()
}

/// What is known of a guest and SSH.
#[derive(Debug, Serialize, ToSchema)]
pub struct Standing {
    allowed: bool,
    /// Programs are run by it: no better way is there.
    used: bool,
    user: Option<String>,
    /// Where the guest is looked for, in this order.
    #[schema(value_type = Vec<String>)]
    addresses: Vec<IpAddr>,
    /// The fingerprint of its pinned host key, `SHA256:…`.
    pinned: Option<String>,
    /// Why there is no connection.
    trouble: Option<String>,
    authorized_keys: String,
}

/// The line that lets Bridgehead in, for `authorized_keys` of a guest's user.
#[utoipa::path(get, path = "/api/v1/ssh", responses((status = 200, body = Key), (status = 500, body = Problem)))]
pub async fn key(State(app): State<App>) -> Result<Json<Key>, Refusal> {
    Ok(Json(Key { authorized_keys: authorized_keys(files(&app)?).await? }))
}

#[utoipa::path(get, path = "/api/v1/guests/{name}/ssh", params(("name" = String, Path, description = "The guest")),
    responses((status = 200, body = Standing), (status = 404, body = Problem)))]
pub async fn standing(State(app): State<App>, Path(name): Path<String>) -> Result<Json<Standing>, Refusal> {
    let domain = domain(&app, &name)?;
    Ok(Json(look(&app, &domain).await?))
}

/// Allows Bridgehead to reach this guest by SSH, and tries it. Without that no guest is connected to.
#[utoipa::path(put, path = "/api/v1/guests/{name}/ssh", params(("name" = String, Path, description = "The guest")),
    request_body = Use,
    responses((status = 200, body = Standing), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn allow(
    State(app): State<App>,
    Path(name): Path<String>,
    Body(Use { user, address }): Body<Use>,
) -> Result<Json<Standing>, Refusal> {
    let domain = domain(&app, &name)?;
    let malformed = |field: &str, reason: &str| Refusal::new(ProblemKind::Malformed, reason).field(field);
    if !ssh::is_user(&user) {
        return Err(malformed(
            "user",
            "a user has 1 to 32 letters, digits, `_`, `-` or `.`, the first a letter or `_`",
        ));
    }
    if address.is_some_and(|it| it.is_unspecified() || it.is_multicast()) {
        return Err(malformed("address", "this is no address of a guest"));
    }
    let login = Login { user, address };
    app.store.set_ssh_login(&domain.uuid, Some(&login))?;
    hang_up(&app, &name).await;
    app.watch.ways().ssh.allow(&domain.uuid, Some(login));
    app.watch.ways().ssh.document(&app.store.document()?.cluster);
    app.watch.refresh_guest(&name).await;
    Ok(Json(look(&app, &domain).await?))
}

/// Reaches this guest by SSH no longer. Its pinned key is kept.
#[utoipa::path(delete, path = "/api/v1/guests/{name}/ssh", params(("name" = String, Path, description = "The guest")),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn disallow(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    let domain = domain(&app, &name)?;
    app.store.set_ssh_login(&domain.uuid, None)?;
    hang_up(&app, &name).await;
    app.watch.ways().ssh.allow(&domain.uuid, None);
    app.watch.refresh_guest(&name).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets the host key that is pinned for this guest: the next one that it shows is pinned. For one installed anew.
#[utoipa::path(delete, path = "/api/v1/guests/{name}/ssh/key", params(("name" = String, Path, description = "The guest")),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn forget(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    let domain = domain(&app, &name)?;
    let forgotten = files(&app)?.forget(&domain.uuid);
    if !forgotten.map_err(|error| Refusal::new(ProblemKind::Internal, error.to_string()))? {
        return Err(Refusal::new(ProblemKind::NotFound, format!("no host key is pinned for {name}")));
    }
    hang_up(&app, &name).await;
    app.watch.refresh_guest(&name).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn look(app: &App, domain: &Domain) -> Result<Standing, Refusal> {
    let (files, logins) = (files(app)?, &app.watch.ways().ssh);
    let login = logins.login(&domain.uuid);
    let facts = app.watch.observed().guests.get(&domain.name).cloned().unwrap_or_default();
    let way = facts.ways.iter().find(|it| it.way == WayKind::Ssh);
    Ok(Standing {
        allowed: login.is_some(),
        used: facts.way() == Some(WayKind::Ssh),
        user: login.map(|login| login.user),
        addresses: logins.of(&domain.name).map(|ssh| ssh.addresses()).unwrap_or_default(),
        pinned: ssh::pinned(&files, &domain.uuid).await,
        trouble: way.and_then(|way| way.reason.clone()),
        authorized_keys: authorized_keys(files).await?,
    })
}

async fn hang_up(app: &App, guest: &str) {
    if let Some(ssh) = app.watch.ways().ssh.of(guest) {
        ssh.hang_up().await;
    }
}

/// The guest of this name, if what is kept for it can be named after it.
fn domain(app: &App, name: &str) -> Result<Domain, Refusal> {
    let observed = app.watch.observed();
    let domain = observed.domains.values().find(|domain| domain.name == name && ssh::is_uuid(&domain.uuid));
    domain.cloned().ok_or_else(|| {
        let name: String = name.chars().take(64).collect();
        Refusal::new(ProblemKind::NotFound, format!("there is no guest {name}")).field("name")
    })
}

pub fn files(app: &App) -> Result<Files, Refusal> {
    let files = app.watch.ways().ssh.files();
    files.ok_or_else(|| Refusal::new(ProblemKind::Internal, "this server has no folder for keys"))
}

pub async fn authorized_keys(files: Files) -> Result<String, Refusal> {
    let made = tokio::task::spawn_blocking(move || files.authorized()).await;
    let made = made.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    made.map_err(|error| {
        let needs = "Bridgehead’s key cannot be made (ssh-keygen, in Debian’s openssh-client)";
        Refusal::new(ProblemKind::Internal, format!("{needs}: {error}"))
    })
}
