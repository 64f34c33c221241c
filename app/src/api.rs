//! Requests to the server. What it refuses comes back as [`Refusal`], in its own words.

use gloo_net::http::{Request, Response};
use model::{Cluster, note::Subject, plan::Plan, step::Step};
use serde::Serialize;
use serde_json::Value;

use crate::{paths, refusal::Refusal, texts::later::Texts};

#[derive(Serialize)]
struct Token<'a> {
    token: &'a str,
}

#[derive(Serialize)]
struct NewChange<'a> {
    cluster: &'a Cluster,
    /// Of the document that the draft was edited from.
    version: u64,
    /// The generation that the reader saw.
    based_on: u64,
    /// The steps that were read: what else may have happened meanwhile does not matter if they are the same.
    steps: &'a [Step],
}

#[derive(Serialize)]
struct Exported<'a> {
    cluster: &'a Cluster,
    format: &'a str,
}

/// A file of an export.
#[derive(Clone)]
pub struct File {
    pub path: String,
    pub text: String,
}

pub async fn log_in(token: &str, texts: &Texts) -> Result<(), Refusal> {
    ask(Request::post(paths::SESSION).json(&Token { token }), texts).await.map(drop)
}

pub async fn log_out(texts: &Texts) -> Result<(), Refusal> {
    ask(Request::delete(paths::SESSION).build(), texts).await.map(drop)
}

/// Asks for the change. How it goes comes over the live socket.
pub async fn change(cluster: &Cluster, version: u64, plan: &Plan, texts: &Texts) -> Result<(), Refusal> {
    let wanted = NewChange { cluster, version, based_on: plan.based_on, steps: &plan.steps };
    ask(Request::post(paths::CHANGES).json(&wanted), texts).await.map(drop)
}

/// Has the server keep the draft; whether it does.
pub async fn stage(cluster: &Cluster, version: u64, page: &str) -> bool {
    #[derive(Serialize)]
    struct Staged<'a> {
        cluster: &'a Cluster,
        version: u64,
        page: &'a str,
    }
    came_through(Request::put(paths::DRAFT).json(&Staged { cluster, version, page })).await
}

/// Has the server forget the draft; whether it has.
pub async fn unstage() -> bool {
    came_through(Request::delete(paths::DRAFT).build()).await
}

async fn came_through(request: Result<Request, gloo_net::Error>) -> bool {
    let Ok(request) = request else { return false };
    request.send().await.is_ok_and(|response| response.ok())
}

/// Confirms a change: whether it was ours to confirm; `None` if the request did not come through.
pub async fn confirm(id: u64) -> Option<bool> {
    let response = Request::post(&format!("{}/{id}/confirm", paths::CHANGES)).send().await.ok()?;
    match response.status() {
        200 => Some(true),
        403 | 404 => Some(false),
        _ => None,
    }
}

/// Takes back the last change.
pub async fn undo(texts: &Texts) -> Result<(), Refusal> {
    ask(Request::post(paths::UNDO).build(), texts).await.map(drop)
}

/// Takes back the last undo.
pub async fn redo(texts: &Texts) -> Result<(), Refusal> {
    ask(Request::post(paths::REDO).build(), texts).await.map(drop)
}

/// Makes this object again what the document says.
pub async fn put_back(subject: &Subject, texts: &Texts) -> Result<(), Refusal> {
    #[derive(Serialize)]
    struct PutBack<'a> {
        subject: &'a Subject,
    }
    ask(Request::post(paths::PUT_BACK).json(&PutBack { subject }), texts).await.map(drop)
}

/// Has a guest entered with this login, where its agent runs no programs.
pub async fn give_login(guest: &str, user: &str, password: &str, texts: &Texts) -> Result<(), Refusal> {
    #[derive(Serialize)]
    struct Login<'a> {
        user: &'a str,
        password: &'a str,
    }
    ask(Request::put(&login_of(guest)).json(&Login { user, password }), texts).await.map(drop)
}

/// Has a guest's login forgotten.
pub async fn forget_login(guest: &str, texts: &Texts) -> Result<(), Refusal> {
    ask(Request::delete(&login_of(guest)).build(), texts).await.map(drop)
}

/// Names of guests may hold anything: what is no letter or digit is escaped (RFC 3986).
fn login_of(guest: &str) -> String {
    let mut name = String::new();
    for byte in guest.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            byte => name += &format!("%{byte:02X}"),
        }
    }
    format!("{}/{name}/login", paths::GUESTS)
}

/// What the server says under this address.
pub async fn get(path: &str, texts: &Texts) -> Result<Value, Refusal> {
    read(ask(Request::get(path).build(), texts).await?, texts).await
}

/// The network in another program's words, or this draft of it.
pub async fn export(draft: Option<&Cluster>, format: &str, texts: &Texts) -> Result<Vec<File>, Refusal> {
    let request = match draft {
        None => Request::get(&format!("{}?format={format}", paths::EXPORT)).build(),
        Some(cluster) => Request::post(paths::EXPORT).json(&Exported { cluster, format }),
    };
    // Picked apart by hand, as a refusal is.
    let export = read(ask(request, texts).await?, texts).await?;
    let files = export["files"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Ok(files.iter().filter_map(|file| Some(File { path: text(&file["path"])?, text: text(&file["text"])? })).collect())
}

/// What is known of a guest and SSH.
#[derive(Clone)]
pub struct Ssh {
    /// Who Bridgehead may log in as, if it may.
    pub user: Option<String>,
    pub pinned: Option<String>,
    pub trouble: Option<String>,
    pub authorized_keys: String,
}

pub fn ssh_path(guest: &str) -> String {
    format!("{}/{}/ssh", paths::GUESTS, js_sys::encode_uri_component(guest))
}

pub async fn ssh(guest: &str, texts: &Texts) -> Result<Ssh, Refusal> {
    let known = get(&ssh_path(guest), texts).await?;
    let text = |key: &str| known[key].as_str().map(str::to_owned);
    Ok(Ssh {
        user: text("user"),
        pinned: text("pinned"),
        trouble: text("trouble"),
        authorized_keys: text("authorized_keys").unwrap_or_default(),
    })
}

/// Lets Bridgehead reach a guest by SSH.
pub async fn allow_ssh(guest: &str, user: &str, texts: &Texts) -> Result<(), Refusal> {
    #[derive(Serialize)]
    struct Use<'a> {
        user: &'a str,
    }
    ask(Request::put(&ssh_path(guest)).json(&Use { user }), texts).await.map(drop)
}

pub async fn delete(path: &str, texts: &Texts) -> Result<(), Refusal> {
    ask(Request::delete(path).build(), texts).await.map(drop)
}

async fn read(response: Response, texts: &Texts) -> Result<Value, Refusal> {
    response.json::<Value>().await.map_err(|_| Refusal::titled(texts.unreadable))
}

async fn ask(request: Result<Request, gloo_net::Error>, texts: &Texts) -> Result<Response, Refusal> {
    let Ok(request) = request else { return Err(Refusal::titled(texts.unreadable)) };
    let Ok(response) = request.send().await else { return Err(Refusal::titled(texts.unreachable)) };
    if response.ok() {
        return Ok(response);
    }
    let problem = response.json::<Value>().await.unwrap_or_default();
    Err(Refusal::of(&problem).unwrap_or_else(|| Refusal::titled(texts.unreadable)))
}
