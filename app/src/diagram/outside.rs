//! The world beyond the host.

use model::{diagram::Outside, note::Subject};

use crate::{
    texts::texts,
    ui::Ui,
    view::{IntoPart, component, view},
};

#[component]
pub fn OutsideView(outside: Outside) -> impl IntoPart {
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
