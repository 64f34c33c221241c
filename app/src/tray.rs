//! The tray reads like a letter: what will happen, the command it equals, what it risks; then how it went.
//!
//! Of all this only [`Tray`] itself is there from the start.

mod change;
mod confirm;
mod plan;

use leptos::prelude::*;

use crate::{
    draft::Draft,
    later::Loader,
    live::Live,
    parts::trouble::Trouble,
    texts::texts,
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Tray() -> impl IntoPart {
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let loader = Loader::here();
    let planned = Memo::new(move |_| draft.is_shown() || loader.is_behind());
    let changed = Memo::new(move |_| live.change.with(Option::is_some));
    move || {
        let (planned, changed) = (planned.get(), changed.get());
        (planned || changed).then(|| {
            view! {
                <section class="tray" id="tray" tabindex="0" aria-label=if planned { texts.draft } else { texts.plan }>
                    {loader.show(|later| (later.tray)())}
                </section>
            }
        })
    }
}

pub fn content() -> Part {
    let draft = Draft::here();
    view! {
        {if untrack(|| draft.is_shown()) { view! { <plan::PlanView/> } } else { view! { <change::ChangeView/> } }}
        <Trouble refusal=draft.refusal/>
    }
}
