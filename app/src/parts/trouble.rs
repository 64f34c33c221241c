//! What was refused, in the words of who refused it.

use crate::view::{IntoPart, Part, component, view};
use leptos::prelude::*;

use crate::{refusal::Refusal, texts::texts};

#[component]
pub fn Trouble(refusal: RwSignal<Option<Refusal>>) -> impl IntoPart {
    let language = texts().language;
    move || {
        refusal.get().map(|refusal| {
            let detail = match &refusal.field {
                Some(field) => format!("{field}: {}", refusal.detail),
                None => refusal.detail.clone(),
            };
            let notes = refusal.notes.iter().map(|note| view! { <p>{note.text(language).to_owned()}</p> });
            view! {
                <div class="trouble" role="alert">
                    <b>{refusal.title.clone()}</b>
                    <p>{detail}</p>
                    {notes.collect::<Part>()}
                </div>
            }
        })
    }
}
