//! Fields of forms. Each has a label, always.

use crate::view::{IntoPart, Part, component, view};
use leptos::prelude::*;

/// One line of text.
#[component]
pub fn TextField(
    label: &'static str,
    name: &'static str,
    value: RwSignal<String>,
    hint: &'static str,
    example: &'static str,
    error: Memo<Option<String>>,
) -> impl IntoPart {
    let wrong = move || error.get().is_some().to_string();
    view! {
        <label class="field">
            <span>{label}</span>
            <input
                name=name
                placeholder=example
                autocomplete="off"
                spellcheck="false"
                aria-invalid=wrong
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
            {(!hint.is_empty()).then(|| view! { <small>{hint}</small> })}
            {move || error.get().map(|error| view! { <em role="alert">{error}</em> })}
        </label>
    }
}

/// One of several: pairs of value and words.
#[component]
pub fn Choice(
    label: &'static str,
    name: &'static str,
    value: RwSignal<String>,
    options: Vec<(String, String)>,
) -> impl IntoPart {
    let options = options.into_iter().map(|(key, words)| {
        let chosen = value.with_untracked(|value| *value == key);
        view! { <option value=key selected=chosen>{words}</option> }
    });
    view! {
        <label class="field">
            <span>{label}</span>
            <select name=name on:change=move |event| value.set(event_target_value(&event))>
                {options.collect::<Part>()}
            </select>
        </label>
    }
}

/// Yes or no.
#[component]
pub fn Check(label: String, name: &'static str, value: RwSignal<bool>) -> impl IntoPart {
    view! {
        <label class="check">
            <input
                type="checkbox"
                name=name
                prop:checked=move || value.get()
                on:change=move |event| value.set(event_target_checked(&event))
            />
            <span>{label}</span>
        </label>
    }
}
