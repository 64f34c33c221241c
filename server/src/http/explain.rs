//! What would become of a packet. Nothing is sent.

use std::{collections::BTreeSet, time::Duration};

use axum::{Json, extract::State};
use futures::future::join_all;
use model::{
    Observed,
    explain::{Explanation, Origin, Place, Question, Target, explain as predict},
    note::{Note, Sentence},
    observed::DomainState,
    problem::{Problem, ProblemKind},
};
use tokio::time::{Instant, timeout_at};

use super::{problem::Refusal, read::Body};
use crate::{app::App, watch::Watch};

/// How long guests on the way are waited for, all in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// What would become of this packet and of its answer, hop by hop, and the first "no". Sends nothing and changes nothing.
#[utoipa::path(post, path = "/api/v1/explain", request_body = Question,
    responses((status = 200, body = Explanation), (status = 422, body = Problem)))]
pub async fn explain(State(app): State<App>, Body(question): Body<Question>) -> Result<Json<Explanation>, Refusal> {
    Ok(Json(answer(&app.watch, &question).await?))
}

/// Nothing announces what happens inside guests: those on the way are asked before it is walked for good.
pub async fn answer(watch: &Watch, question: &Question) -> Result<Explanation, Refusal> {
    let deadline = Instant::now() + PATIENCE;
    let (mut asked, mut late) = (BTreeSet::<String>::new(), BTreeSet::<String>::new());
    loop {
        let observed = watch.observed();
        let mut explanation = predict(&observed, question);
        let more: Vec<String> = guests(&observed, &explanation).difference(&asked).cloned().collect();
        if more.is_empty() {
            explanation.assumed.extend(late.iter().map(|guest| is_as_before(guest)));
            let wrong = question.check(&observed);
            return if wrong.is_empty() { Ok(explanation) } else { Err(refusal(wrong)) };
        }
        let answered = join_all(more.iter().map(|guest| timeout_at(deadline, watch.refresh_guest(guest)))).await;
        late.extend(more.iter().zip(answered).filter(|(_, answer)| answer.is_err()).map(|(guest, _)| guest.clone()));
        asked.extend(more);
    }
}

/// The guests that it depends on and that can say something.
fn guests(observed: &Observed, explanation: &Explanation) -> BTreeSet<String> {
    let hops = explanation.hops.iter().filter_map(|hop| match &hop.place {
        Place::Guest { guest, .. } => Some(guest),
        _ => None,
    });
    let from = match &explanation.question.from {
        Origin::Guest { guest, .. } => Some(guest),
        _ => None,
    };
    let to = match &explanation.question.to {
        Target::Guest { guest } => Some(guest),
        _ => None,
    };
    let runs = |guest: &&String| observed.domains.get(*guest).is_some_and(|it| it.state == DomainState::Running);
    hops.chain(from).chain(to).filter(runs).cloned().collect()
}

fn is_as_before(guest: &str) -> Sentence {
    let seconds = PATIENCE.as_secs();
    Sentence::new(
        format!("{guest} is as it said before: it did not answer within {seconds} s"),
        format!("{guest} 仍是它之前所说的样子：它在 {seconds} 秒内没有应答"),
    )
}

fn refusal(notes: Vec<Note>) -> Refusal {
    let detail = notes.iter().map(|note| note.text.en.as_str()).collect::<Vec<_>>().join("; ");
    let field = notes.iter().find_map(|note| note.field.clone()).unwrap_or_default();
    Refusal::new(ProblemKind::Malformed, detail).field(field).notes(notes)
}
