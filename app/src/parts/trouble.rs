//! What the server refused, in its own words.

use crate::view::{IntoPart, Part, component, view};
use leptos::prelude::*;
use model::problem::Problem;

use crate::texts::texts;

#[component]
pub fn Trouble(problem: RwSignal<Option<Problem>>) -> impl IntoPart {
    let language = texts().language;
    move || {
        problem.get().map(|problem| {
            let detail = match &problem.field {
                Some(field) => format!("{field}: {}", problem.detail),
                None => problem.detail.clone(),
            };
            let notes = problem.notes.iter().map(|note| view! { <p>{note.text.text(language).to_owned()}</p> });
            view! {
                <div class="trouble" role="alert">
                    <b>{problem.title.clone()}</b>
                    <p>{detail}</p>
                    {notes.collect::<Part>()}
                </div>
            }
        })
    }
}
