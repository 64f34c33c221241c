//! Whether an object is put back without asking.

use leptos::prelude::*;
use model::note::Subject;

use crate::{
    dialog::edit,
    draft::Draft,
    texts::later::texts,
    view::{IntoPart, component, view},
};

/// The button that changes it, where the document can say it.
#[component]
pub fn PutBack(subject: Subject) -> impl IntoPart {
    let draft = Draft::here();
    let texts = texts();
    let key = subject.clone();
    let always = Memo::new(move |_| edit::put_back(&draft.cluster(), &key));
    move || {
        let subject = subject.clone();
        always.get().map(|always| {
            let words = if always { texts.put_back_ask } else { texts.put_back_always };
            view! { <button class="button" on:click=move |_| edit::set_put_back(draft, &subject, !always)>{words}</button> }
        })
    }
}
