//! The world beyond the host.

use leptos::prelude::*;
use model::{diagram::Outside, note::Subject};

use crate::{texts::texts, ui::Ui};

#[component]
pub fn OutsideView(outside: Outside) -> impl IntoView {
    let ui = Ui::here();
    view! {
        <button
            class="outside"
            data-subject="outside"
            class:selected=move || ui.is_selected(&Subject::Outside)
            style=outside.rect.style()
            on:click=move |_| ui.select(Some(Subject::Outside))
        >
            <b>{texts().outside}</b>
            <code>{outside.next_hop}</code>
        </button>
    }
}
