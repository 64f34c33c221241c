//! Tabs (WAI-ARIA Authoring Practices: arrow keys move, the chosen one is in the tab order).

use crate::view::{IntoPart, Part, component, view};
use leptos::{ev::KeyboardEvent, prelude::*};
use wasm_bindgen::JsCast;

#[component]
pub fn Tabs(names: Vec<&'static str>, chosen: RwSignal<usize>, label: &'static str) -> impl IntoPart {
    let count = names.len();
    let tabs = names.into_iter().enumerate().map(|(nth, name)| {
        let on = move || chosen.get() == nth;
        view! {
            <button
                role="tab"
                id=format!("tab-{nth}")
                aria-controls="panel"
                aria-selected=move || on().to_string()
                tabindex=move || if on() { "0" } else { "-1" }
                on:click=move |_| chosen.set(nth)
                on:keydown=move |event: KeyboardEvent| step(&event, chosen, count)
            >
                {name}
            </button>
        }
    });
    view! { <div class="tabs" role="tablist" aria-label=label>{tabs.collect::<Part>()}</div> }
}

fn step(event: &KeyboardEvent, chosen: RwSignal<usize>, count: usize) {
    let now = chosen.get_untracked();
    let next = match event.key().as_str() {
        "ArrowRight" => (now + 1) % count,
        "ArrowLeft" => (now + count - 1) % count,
        "Home" => 0,
        "End" => count - 1,
        _ => return,
    };
    event.prevent_default();
    chosen.set(next);
    let tab = document().get_element_by_id(&format!("tab-{next}"));
    if let Some(tab) = tab.and_then(|tab| tab.dyn_into::<web_sys::HtmlElement>().ok()) {
        // The choice stands, focused or not.
        let _ = tab.focus();
    }
}
