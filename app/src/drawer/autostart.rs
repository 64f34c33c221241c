//! Whether a guest or a network starts with the host.

use leptos::prelude::*;
use model::{autostart, note::Subject};

use crate::{
    draft::Draft,
    live::Live,
    texts::later::texts,
    view::{IntoPart, component, view},
};

/// The button that changes it, where the document can say it.
#[component]
pub fn Autostart(subject: Subject) -> impl IntoPart {
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let key = subject.clone();
    let starts = Memo::new(move |_| {
        let cluster = draft.cluster();
        live.observed.with(|observed| {
            live.document.with(|document| autostart::starts(observed, &document.cluster, &cluster, &key))
        })
    });
    move || {
        let subject = subject.clone();
        starts.get().map(|starts| {
            let words = if starts { texts.not_with_host } else { texts.start_with_host };
            let set = move |_| {
                let cluster = untrack(|| draft.cluster());
                draft.put(live.observed.with_untracked(|observed| {
                    live.document.with_untracked(|document| {
                        autostart::set(observed, &document.cluster, &cluster, &subject, !starts)
                    })
                }));
            };
            view! { <button class="button" on:click=set>{words}</button> }
        })
    }
}
