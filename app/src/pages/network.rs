//! The one page that matters: picture, outline, drawer, tray.

use leptos::{ev::KeyboardEvent, prelude::*};
use wasm_bindgen::JsCast;

use crate::{
    Initial,
    diagram::Canvas,
    dialog::Dialogs,
    draft::Draft,
    drawer::Drawer,
    header::Header,
    later::Loader,
    live::{self, Connection, Live},
    outline::Outline,
    texts::texts,
    tray::Tray,
    ui::Ui,
    view::{IntoPart, NodeRef, component, view},
};

#[component]
pub fn Network(initial: Initial) -> impl IntoPart {
    let live = Live::new(&initial);
    provide_context(live);
    let draft = Draft::new(live);
    provide_context(draft);
    let ui = Ui::new(live, draft);
    provide_context(ui);
    let find = NodeRef::new_local(None);
    let now = initial.now_ms;
    let loader = Loader::here();
    Effect::new(move |_| {
        ui.follow();
        live.compare_clocks(now);
        let back = window_event_listener_untyped("popstate", move |_| ui.follow());
        std::mem::forget(back);
        let keys = window_event_listener(leptos::ev::keydown, move |event| key(&event, ui, loader, find));
        std::mem::forget(keys);
        live::start(live);
    });
    Effect::new(move |_| {
        if live.connection.get() == Connection::Live {
            loader.load();
        }
    });
    Effect::new(move |_| {
        if let Some(later) = loader.get() {
            untrack(|| (later.begin)(live, draft));
        }
    });
    let texts = texts();
    let drawer = move || ui.selected.with(Option::is_some);
    view! {
        <div
            class="page"
            class:with-drawer=drawer
            class:with-outline=move || ui.outline.get()
            class:with-picture=move || ui.picture.get()
        >
            <a class="skip" href="#outline">{texts.skip}</a>
            <Header find/>
            <main class="stage">
                <Outline/>
                <Canvas/>
                <button
                    class="button swap"
                    on:click=move |_| ui.picture.update(|shown| *shown = !*shown)
                >
                    {move || if ui.picture.get() { texts.outline } else { texts.show_picture }}
                </button>
            </main>
            <Drawer/>
            <Tray/>
            <Dialogs/>
        </div>
    }
}

/// `/` find, `O` outline, `P` plan, Escape closes.
fn key(event: &KeyboardEvent, ui: Ui, loader: Loader, find: NodeRef) {
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let dialog = ui.dialog.with_untracked(Option::is_some);
    if event.key() == "Escape" && !dialog {
        return ui.select(None);
    }
    // A form that is open closes itself; one that is awaited cannot.
    if event.key() == "Escape" && loader.is_away() {
        return ui.dialog.set(None);
    }
    let writing = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|target| matches!(target.tag_name().as_str(), "INPUT" | "SELECT" | "TEXTAREA"));
    if writing || dialog {
        return;
    }
    match event.key().as_str() {
        "/" => {
            event.prevent_default();
            focus(find.get_untracked().and_then(|find| find.dyn_into().ok()));
        }
        "o" | "O" => {
            ui.outline.update(|open| *open = !*open);
            if ui.outline.get_untracked() {
                focus_id("outline");
            }
        }
        "p" | "P" => focus_id("tray"),
        _ => {}
    }
}

fn focus_id(id: &str) {
    focus(document().get_element_by_id(id).and_then(|element| element.dyn_into().ok()));
}

fn focus(element: Option<web_sys::HtmlElement>) {
    if let Some(element) = element {
        // What cannot take the focus leaves it where it is.
        let _ = element.focus();
    }
}
