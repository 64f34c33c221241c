//! The head of the page: whose network, how fresh, find, findings, language, colours.

use leptos::{ev::KeyboardEvent, prelude::*};
use model::{
    Language, gather,
    note::{Note, Severity},
};
use wasm_bindgen::JsCast;

use crate::{
    later::Loader,
    live::{Connection, Live},
    texts::{fill, texts},
    ui::{Dialog, Ui, clock},
    view::{IntoPart, NodeRef, component, view},
};

/// A year.
const KEEP: &str = "; path=/; max-age=31536000; samesite=strict";

#[component]
pub fn Header(find: NodeRef) -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let loader = Loader::here();
    let texts = texts();
    let hostname = Memo::new(move |_| live.observed.with(|observed| observed.host.hostname.clone()));
    view! {
        <header class="head">
            <h1>"Bridgehead"</h1>
            <code class="hostname">{move || hostname.get()}</code>
            <Freshness/>
            <search class="find">
                <input
                    type="search"
                    node_ref=find
                    aria-label=texts.find
                    placeholder=texts.find
                    prop:value=move || ui.find.get()
                    on:input=move |event| ui.find.set(event_target_value(&event))
                    on:keydown=move |event: KeyboardEvent| {
                        if event.key() == "Escape" {
                            ui.find.set(String::new());
                            blur(&event);
                        }
                    }
                />
                <kbd aria-hidden="true">"/"</kbd>
            </search>
            <button class="button new-bridge" on:click=move |_| ui.open(Dialog::NewBridge)>{texts.new_bridge}</button>
            <span class="spring"></span>
            <Others/>
            <Findings/>
            <button class="quiet history" on:click=move |_| ui.open(Dialog::History)>{texts.history}</button>
            <button
                class="quiet outline-toggle"
                aria-pressed=move || ui.outline.get().to_string()
                on:click=move |_| ui.outline.update(|open| *open = !*open)
            >
                {texts.outline}
            </button>
            <button class="quiet" on:click=move |_| ui.open(Dialog::Export)>{texts.export}</button>
            <button class="quiet" title=texts.switch_language on:click=move |_| switch_language(texts.language)>
                <span lang=texts.language.pick("zh-Hans", "en")>{texts.other_language}</span>
            </button>
            <button class="quiet" aria-label=texts.theme title=texts.theme on:click=move |_| switch_theme()>"◐"</button>
            <button
                class="quiet"
                on:click=move |_| loader.act(|later| (later.log_out)(texts.language))
            >
                {texts.logout}
            </button>
        </header>
    }
}

/// Connected, stale since, offline since.
#[component]
fn Freshness() -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let class = move || match live.connection.get() {
        Connection::Connecting => "fresh connecting",
        Connection::Live => "fresh live",
        Connection::Stale { .. } => "fresh stale",
        Connection::Offline { .. } => "fresh offline",
    };
    let words = move || match live.connection.get() {
        Connection::Connecting => texts.connecting.to_owned(),
        Connection::Live => texts.live.to_owned(),
        Connection::Stale { since } => fill(texts.stale, &[&clock(since)]),
        Connection::Offline { since } => fill(texts.offline, &[&clock(since)]),
    };
    view! { <span class=class role="status"><i aria-hidden="true"></i><span>{words}</span></span> }
}

/// The findings that matter, worst first.
pub fn findings(notes: &[Note]) -> Vec<Note> {
    let mut notes: Vec<Note> = notes.iter().filter(|note| note.severity != Severity::Tell).cloned().collect();
    gather::sort_by_key(&mut notes, |note| note.severity);
    notes
}

/// The other operators' drafts, if there are any.
#[component]
fn Others() -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let texts = texts();
    let count = Memo::new(move |_| live.others().len());
    move || {
        let words = match count.get() {
            0 => return None,
            1 => texts.other_draft.to_owned(),
            many => fill(texts.other_drafts, &[&many.to_string()]),
        };
        Some(view! { <button class="badge" on:click=move |_| ui.open(Dialog::Drafts)>{words}</button> })
    }
}

#[component]
fn Findings() -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let texts = texts();
    let count =
        Memo::new(move |_| live.topology.with(|topology| findings(&topology.notes).len()) + live.drift.with(Vec::len));
    let words = move || match count.get() {
        0 => texts.no_findings.to_owned(),
        1 => texts.finding_one.to_owned(),
        many => fill(texts.findings, &[&many.to_string()]),
    };
    view! {
        <button class="badge" class:warn=move || count.get() != 0 on:click=move |_| ui.open(Dialog::Findings)>
            {words}
        </button>
    }
}

fn blur(event: &KeyboardEvent) {
    if let Some(input) = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok()) {
        // Focus that cannot be given up is kept.
        let _ = input.blur();
    }
}

fn cookie(name: &str, value: &str) {
    if let Ok(document) = document().dyn_into::<web_sys::HtmlDocument>() {
        // Without cookies the choice lasts as long as the page.
        let _ = document.set_cookie(&format!("{name}={value}{KEEP}"));
    }
}

/// The server draws the page anew in the other language.
fn switch_language(now: Language) {
    cookie("language", now.pick("zh", "en"));
    let _ = window().location().reload();
}

fn switch_theme() {
    let Some(root) = document().document_element() else { return };
    let next = if root.get_attribute("data-theme").as_deref() == Some("dark") { "light" } else { "dark" };
    let _ = root.set_attribute("data-theme", next);
    cookie("theme", next);
}
