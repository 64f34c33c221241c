//! A button that copies a text.

use leptos::prelude::*;

use crate::{
    texts::later::texts,
    view::{IntoPart, component, view},
};

#[component]
pub fn Copy(text: String) -> impl IntoPart {
    let texts = texts();
    let copied = RwSignal::new(false);
    let copy = move |_| {
        // Only a secure page has a clipboard; loopback is secure.
        if window().is_secure_context() {
            let _ = window().navigator().clipboard().write_text(&text);
            copied.set(true);
        }
    };
    view! {
        <button class="button" type="button" on:click=copy>
            {move || if copied.get() { texts.copied } else { texts.copy }}
        </button>
    }
}
