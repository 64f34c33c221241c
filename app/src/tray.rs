//! The tray reads like a letter: what will happen, the command it equals, what it risks; then how it went.

mod change;
mod plan;

use leptos::prelude::*;

use crate::{draft::Draft, live::Live, parts::trouble::Trouble, texts::texts};

#[component]
pub fn Tray() -> impl IntoView {
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
                    {if planned { view! { <plan::PlanView/> }.into_any() } else { view! { <change::ChangeView/> }.into_any() }}
                    <Trouble problem=draft.problem/>
                </section>
            }
        })
    }
}
