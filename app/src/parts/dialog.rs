//! A modal form: native `<dialog>`, so that focus stays inside and Escape closes.

use leptos::{html, prelude::*};

use crate::{texts::texts, ui::Ui};

#[component]
pub fn Modal(title: String, children: Children) -> impl IntoView {
    let ui = Ui::here();
    let texts = texts();
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = node.get() {
            // Already open is as good.
            let _ = dialog.show_modal();
        }
    });
    view! {
        <dialog class="modal" aria-labelledby="modal-title" node_ref=node on:close=move |_| ui.dialog.set(None)>
            <div class="modal-head">
                <h2 id="modal-title">{title}</h2>
                <button class="quiet" type="button" aria-label=texts.close on:click=move |_| ui.dialog.set(None)>"×"</button>
            </div>
            {children()}
        </dialog>
    }
    .into_any()
}

/// The two buttons at the end of a form.
#[component]
pub fn Buttons(#[prop(into)] blocked: Signal<bool>) -> impl IntoView {
    let ui = Ui::here();
    let texts = texts();
    view! {
        <div class="modal-buttons">
            <button class="button" type="button" on:click=move |_| ui.dialog.set(None)>{texts.cancel}</button>
            <button class="button go" type="submit" disabled=move || blocked.get()>{texts.add_to_draft}</button>
        </div>
    }
}
