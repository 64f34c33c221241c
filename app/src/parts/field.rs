//! Fields of forms. Each has a label, always.

use leptos::prelude::*;

/// One line of text.
#[component]
pub fn TextField(
    label: &'static str,
    name: &'static str,
    value: RwSignal<String>,
    #[prop(optional)] hint: &'static str,
    #[prop(optional)] example: &'static str,
    #[prop(into, optional)] error: Signal<Option<String>>,
    #[prop(optional)] required: bool,
) -> impl IntoView {
    let wrong = move || error.get().is_some().to_string();
    view! {
        <label class="field">
            <span>{label}</span>
            <input
                name=name
                required=required
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
    .into_any()
}

/// One of several: pairs of value and words.
#[component]
pub fn Choice(
    label: &'static str,
    name: &'static str,
    value: RwSignal<String>,
    options: Vec<(String, String)>,
) -> impl IntoView {
    let options = options.into_iter().map(|(key, words)| {
        let chosen = value.with_untracked(|value| *value == key);
        view! { <option value=key selected=chosen>{words}</option> }
    });
    view! {
        <label class="field">
            <span>{label}</span>
            <select name=name on:change=move |event| value.set(event_target_value(&event))>
                {options.collect_view()}
            </select>
        </label>
    }
    .into_any()
}

/// Yes or no.
#[component]
pub fn Check(label: String, name: &'static str, value: RwSignal<bool>) -> impl IntoView {
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
