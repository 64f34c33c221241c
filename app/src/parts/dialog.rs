//! A modal form: native `<dialog>`, so that focus stays inside and Escape closes.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::{
    texts::later::texts,
    ui::Ui,
    view::{IntoPart, NodeRef, Part, component, view},
};

#[component]
pub fn Modal(title: String, children: Part) -> impl IntoPart {
    let ui = Ui::here();
    let texts = texts();
    let node = NodeRef::new_local(None);
    Effect::new(move |_| {
        if let Some(dialog) = node.get().and_then(|node| node.dyn_into::<web_sys::HtmlDialogElement>().ok()) {
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
            {children}
        </dialog>
    }
}

/// The two buttons at the end of a form.
#[component]
pub fn Buttons(blocked: Signal<bool>) -> impl IntoPart {
    let ui = Ui::here();
    let texts = texts();
    view! {
        <div class="modal-buttons">
            <button class="button" type="button" on:click=move |_| ui.dialog.set(None)>{texts.cancel}</button>
            <button class="button go" type="submit" disabled=move || blocked.get()>{texts.add_to_draft}</button>
        </div>
    }
}
