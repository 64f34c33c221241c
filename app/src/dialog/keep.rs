//! Whether the host's own manager is told of the bridges too: a draft like any other, whose plan is the files.

use leptos::prelude::*;
use model::{Cluster, Observed, observed::ManagerKind};

use crate::{
    draft::Draft,
    live::Live,
    texts::{fill, later::texts},
    ui::Ui,
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Keep() -> impl IntoPart {
    let (ui, live, draft) = (Ui::here(), Live::here(), Draft::here());
    let texts = texts();
    let kept = Memo::new(move |_| draft.cluster().manager);
    let offers = Memo::new(move |_| live.observed.with(offers));
    let button = move |manager: ManagerKind| {
        let (words, then) =
            if kept.get() == Some(manager) { (texts.keep_no_more, None) } else { (texts.keep_in, Some(manager)) };
        let put = move |_| {
            draft.put(Cluster { manager: then, ..untrack(|| draft.cluster()) });
            ui.dialog.set(None);
        };
        view! {
            <button class="button" type="button" on:click=put>{fill(words, &[&manager.to_string()])}</button>
        }
    };
    move || {
        (!offers.with(Vec::is_empty)).then(|| {
            let buttons = offers.get().into_iter().map(button).collect::<Part>();
            view! {
                <p class="soft spaced">{texts.keep_about}</p>
                <div class="actions spaced keep">{buttons}</div>
            }
        })
    }
}

/// Those that are installed; first those that manage something.
fn offers(observed: &Observed) -> Vec<ManagerKind> {
    let installed = |kind: &ManagerKind| observed.folders.contains_key(kind.folder());
    let manages = |kind: ManagerKind| {
        let mut managers = observed.links.values().flat_map(|link| &link.managers);
        managers.any(|manager| manager.kind == kind && !manager.is_ours())
    };
    let (busy, idle): (Vec<_>, Vec<_>) =
        ManagerKind::ALL.into_iter().filter(installed).partition(|kind| manages(*kind));
    busy.into_iter().chain(idle).collect()
}
