//! A packet that is really sent, and watched on its way.

use axum::{Json, extract::State};
use model::{
    explain::Question,
    problem::{Problem, ProblemKind},
    trace::Trace,
};

use super::{explain::answer, problem::Refusal, read::Body};
use crate::{app::App, trace::NotSent};

/// Sends this packet, captures on the links of its way, and lays what was seen beside what was predicted. Takes some seconds;
/// one at a time.
#[utoipa::path(post, path = "/api/v1/trace", request_body = Question,
    responses((status = 200, body = Trace), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn trace(State(app): State<App>, Body(question): Body<Question>) -> Result<Json<Trace>, Refusal> {
    let explanation = answer(&app.watch, &question).await?;
    Ok(Json(app.tracer.trace(&app.watch.observed(), explanation).await?))
}

impl From<NotSent> for Refusal {
    fn from(error: NotSent) -> Self {
        let text = error.to_string();
        match error {
            NotSent::Busy => Self::new(ProblemKind::Busy, text),
            NotSent::Outside => Self::new(ProblemKind::Malformed, text).field("from"),
            NotSent::Nothing(_) => Self::new(ProblemKind::Malformed, text).field("to"),
        }
    }
}
