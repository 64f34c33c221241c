//! The question in the page's address, and the key that asks.
//!
//! The selection has its own way there (`Ui::select`), which knows of no question: that is added again behind it.

use std::time::Duration;

use leptos::{ev::KeyboardEvent, prelude::*};
use model::note::Subject;
use wasm_bindgen::{JsCast, JsValue};

use super::{Explain, Fields, ask, focus, mark, origin};
use crate::{live::Live, ui::Ui};

const FROM: &str = "from";
const TO: &str = "to";
const PROTOCOL: &str = "protocol";
const PORT: &str = "port";
const V6: &str = "v6";

/// Keeps address, question and picture together from now on. Browser only.
pub fn begin() {
    let (ui, live, explain) = (Ui::here(), Live::here(), Explain::here());
    follow(ui, explain);
    let back = window_event_listener_untyped("popstate", move |_| follow(ui, explain));
    std::mem::forget(back);
    let keys = window_event_listener(leptos::ev::keydown, move |event| {
        if asks(&event, ui) {
            event.prevent_default();
            open(ui, live, explain);
        }
    });
    std::mem::forget(keys);
    Effect::new(move |_| {
        // Who closes the drawer closes the question in it.
        if explain.open.get() && ui.selected.with(Option::is_none) {
            explain.open.set(false);
        }
        explain.fields.track();
        // Behind whatever else hears of the same event: on the way back, `follow` reads the address first.
        set_timeout(move || write(ui, explain), Duration::ZERO);
    });
    mark::begin(ui, live, explain);
}

impl Fields {
    fn named(self) -> [(&'static str, RwSignal<String>); 4] {
        [(FROM, self.from), (TO, self.to), (PROTOCOL, self.protocol), (PORT, self.port)]
    }

    fn track(self) {
        self.named().iter().for_each(|(_, field)| field.track());
        self.v6.track();
    }
}

/// Takes over the question that the address names.
fn follow(ui: Ui, explain: Explain) {
    let query = window().location().search().unwrap_or_default();
    let Ok(query) = web_sys::UrlSearchParams::new_with_str(&query) else { return };
    let asker = query.get(FROM).filter(|from| origin(from).is_some());
    let Some(asker) = asker else {
        if explain.open.get_untracked() {
            explain.open.set(false);
        }
        return;
    };
    if ui.selected.with_untracked(Option::is_none) {
        ui.selected.set(Some(asker.parse().unwrap_or(Subject::Host)));
    }
    for (name, field) in explain.fields.named() {
        field.set(query.get(name).unwrap_or_default());
    }
    explain.fields.v6.set(query.get(V6).is_some());
    explain.open.set(true);
}

/// Says it in the address, beside the selection.
fn write(ui: Ui, explain: Explain) {
    let Some(subject) = ui.selected.get_untracked() else { return };
    let now = window().location().search().unwrap_or_default();
    let open = explain.open.get_untracked();
    if !open && !now.contains(&format!("&{FROM}=")) {
        return;
    }
    let encoded = |value: &str| String::from(js_sys::encode_uri_component(value));
    let mut wanted = format!("?select={}", encoded(&subject.to_string()));
    if open {
        for (name, field) in explain.fields.named() {
            let value = field.get_untracked();
            if !value.is_empty() {
                wanted += &format!("&{name}={}", encoded(&value));
            }
        }
        if explain.fields.v6.get_untracked() {
            wanted += &format!("&{V6}=1");
        }
    }
    if now != wanted
        && let Ok(history) = window().history()
    {
        // A question works without its address.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&wanted));
    }
}

/// `W`, as other keys of the page: not while somebody writes, nor in a dialog.
fn asks(event: &KeyboardEvent, ui: Ui) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let writing = target.is_some_and(|target| matches!(target.tag_name().as_str(), "INPUT" | "SELECT" | "TEXTAREA"));
    matches!(event.key().as_str(), "w" | "W")
        && !(event.ctrl_key() || event.meta_key() || event.alt_key() || writing)
        && ui.dialog.with_untracked(Option::is_none)
}

/// Asks from what is selected.
fn open(ui: Ui, live: Live, explain: Explain) {
    if explain.open.get_untracked() {
        return focus(ask::TO);
    }
    let selected = ui.selected.get_untracked();
    if selected.is_none() {
        ui.select(Some(Subject::Host));
    }
    let from = match selected {
        Some(Subject::Guest(guest)) => Some(guest),
        Some(Subject::Nic(mac)) => mac.parse().ok().and_then(|mac| {
            live.topology.with_untracked(|topology| topology.socket(mac).map(|(guest, _)| guest.name.clone()))
        }),
        _ => None,
    };
    explain.ask(from.map_or(Subject::Host, Subject::Guest).to_string());
}
