//! The tray reads like a letter: what will happen, the command it equals, what it risks; then how it went.

mod change;
mod confirm;
mod plan;

use leptos::prelude::*;

use crate::{
    draft::Draft,
    live::Live,
    parts::trouble::Trouble,
    texts::texts,
    view::{IntoPart, component, view},
};

#[component]
pub fn Tray() -> impl IntoPart {
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let planned = Memo::new(move |_| draft.plan.with(Option::is_some));
    let changed = Memo::new(move |_| live.change.with(Option::is_some));
    move || {
        let (planned, changed) = (planned.get(), changed.get());
        (planned || changed).then(|| {
            view! {
                <section class="tray" id="tray" tabindex="-1" aria-label=if planned { texts.draft } else { texts.plan }>
                    {if planned { view! { <plan::PlanView/> } } else { view! { <change::ChangeView/> } }}
                    <Trouble refusal=draft.refusal/>
                </section>
            }
        })
    }
}
