//! Requests to the server. What it refuses comes back as [`Refusal`], in its own words.

use gloo_net::http::{Request, RequestBuilder, Response};
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

pub async fn log_in(token: &str, texts: &Texts) -> Result<(), Refusal> {
    send(Request::post(paths::SESSION), &Token { token }, texts).await
}

pub async fn log_out(texts: &Texts) -> Result<(), Refusal> {
    check(Request::delete(paths::SESSION).send().await, texts).await
}

/// Asks for the change. How it goes comes over the live socket.
pub async fn change(cluster: &Cluster, version: u64, plan: &Plan, texts: &Texts) -> Result<(), Refusal> {
    let wanted = NewChange { cluster, version, based_on: plan.based_on, steps: &plan.steps };
    send(Request::post(paths::CHANGES), &wanted, texts).await
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
    check(Request::post(paths::UNDO).send().await, texts).await
}

/// Takes back the last undo.
pub async fn redo(texts: &Texts) -> Result<(), Refusal> {
    check(Request::post(paths::REDO).send().await, texts).await
}

/// Makes this object again what the document says.
pub async fn put_back(subject: &Subject, texts: &Texts) -> Result<(), Refusal> {
    #[derive(Serialize)]
    struct PutBack<'a> {
        subject: &'a Subject,
    }
    send(Request::post(paths::PUT_BACK), &PutBack { subject }, texts).await
}

/// What the server says under this address.
pub async fn get(path: &str, texts: &Texts) -> Result<Value, Refusal> {
    let response = Request::get(path).send().await;
    let Ok(response) = response else { return Err(Refusal::titled(texts.unreachable)) };
    let is_ok = response.ok();
    let value = response.json::<Value>().await.map_err(|_| Refusal::titled(texts.unreadable))?;
    if is_ok { Ok(value) } else { Err(Refusal::of(&value).unwrap_or_else(|| Refusal::titled(texts.unreadable))) }
}

async fn send(request: RequestBuilder, body: &impl Serialize, texts: &Texts) -> Result<(), Refusal> {
    match request.json(body) {
        Ok(request) => check(request.send().await, texts).await,
        Err(_) => Err(Refusal::titled(texts.unreadable)),
    }
}

async fn check(response: Result<Response, gloo_net::Error>, texts: &Texts) -> Result<(), Refusal> {
    let Ok(response) = response else { return Err(Refusal::titled(texts.unreachable)) };
    if response.ok() {
        return Ok(());
    }
    let problem = response.json::<Value>().await.unwrap_or_default();
    Err(Refusal::of(&problem).unwrap_or_else(|| Refusal::titled(texts.unreadable)))
}
