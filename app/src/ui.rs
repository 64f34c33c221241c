//! What the reader does with the page: selection, search, dialogs, the view on the picture.

use std::collections::BTreeSet;

use leptos::prelude::*;
use model::{
    Mac,
    diagram::{Diagram, Sketch, View},
    note::Subject,
};
use wasm_bindgen::JsValue;

use crate::{draft::Draft, live::Live};

/// A dialog that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialog {
    Attach {
        guest: String,
    },
    Move {
        guest: String,
        mac: Mac,
    },
    Address {
        guest: String,
        mac: Mac,
    },
    /// A guest's hostname and name servers.
    Resolver(String),
    NewBridge,
    EditBridge(String),
    Gateway {
        bridge: Option<String>,
        guest: Option<String>,
        outside: Option<String>,
    },
    Findings,
    Addresses,
    History,
    /// What the other operators are drafting.
    Drafts,
    Export,
}

/// Where the picture is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    pub x: f64,
    pub y: f64,
    pub scale: f64,
}

/// State of the page that is nobody else's business. The selection is also in the URL.
#[derive(Clone, Copy)]
pub struct Ui {
    pub selected: RwSignal<Option<Subject>>,
    pub find: RwSignal<String>,
    pub opened: RwSignal<BTreeSet<String>>,
    pub dialog: RwSignal<Option<Dialog>>,
    /// The outline is shown (on narrow screens: instead of the picture).
    pub outline: RwSignal<bool>,
    /// On narrow screens the picture is shown.
    pub picture: RwSignal<bool>,
    pub camera: RwSignal<Camera>,
    pub diagram: Memo<Diagram>,
}

impl Ui {
    pub fn new(live: Live, draft: Draft) -> Self {
        let find = RwSignal::new(String::new());
        let opened = RwSignal::new(BTreeSet::new());
        let sketch = Memo::new(move |_| {
            let hostname = live.observed.with(|observed| observed.host.hostname.clone());
            live.topology.with(|facts| draft.drafted.with(|drafted| Sketch::of(&hostname, facts, drafted.as_ref())))
        });
        let view = Memo::new(move |_| View { find: find.get().trim().to_lowercase(), opened: opened.get() });
        Self {
            selected: RwSignal::new(None),
            find,
            opened,
            dialog: RwSignal::new(None),
            outline: RwSignal::new(false),
            picture: RwSignal::new(false),
            camera: RwSignal::new(Camera { x: 0.0, y: 0.0, scale: 1.0 }),
            diagram: Memo::new(move |_| sketch.with(|sketch| view.with(|view| Diagram::of(sketch, view)))),
        }
    }

    pub fn here() -> Self {
        expect_context()
    }

    /// Selects, and says so in the URL.
    pub fn select(self, subject: Option<Subject>) {
        if self.selected.get_untracked() == subject {
            return;
        }
        let query = subject.as_ref().map_or_else(
            || ".".to_owned(),
            |subject| format!("?select={}", js_sys::encode_uri_component(&subject.to_string())),
        );
        let path = if query == "." { window().location().pathname().unwrap_or_default() } else { query };
        if let Ok(history) = window().history() {
            // Selection works without its address.
            let _ = history.push_state_with_url(&JsValue::NULL, "", Some(&path));
        }
        self.selected.set(subject);
    }

    /// Follows the URL: at the start, and on the browser's own back and forward.
    pub fn follow(self) {
        let query = window().location().search().unwrap_or_default();
        let named = web_sys::UrlSearchParams::new_with_str(&query).ok().and_then(|query| query.get("select"));
        self.selected.set(named.and_then(|named| named.parse().ok()));
    }

    pub fn open(self, dialog: Dialog) {
        self.dialog.set(Some(dialog));
    }

    /// Whether this object, or a part of it, is selected.
    pub fn is_selected(self, subject: &Subject) -> bool {
        self.selected.with(|selected| selected.as_ref() == Some(subject))
    }
}

/// Milliseconds since 1970, by the browser's clock.
pub fn now() -> u64 {
    js_sys::Date::now() as u64
}

/// `2026-11-24 14:03:59`, in the reader's time zone.
pub fn moment(at: u64) -> String {
    let date = js_sys::Date::new(&JsValue::from_f64(at as f64));
    format!("{}-{:02}-{:02} {}", date.get_full_year(), date.get_month() + 1, date.get_date(), clock(at))
}

/// `14:03:59`, in the reader's time zone.
pub fn clock(at: u64) -> String {
    let date = js_sys::Date::new(&JsValue::from_f64(at as f64));
    format!("{:02}:{:02}:{:02}", date.get_hours(), date.get_minutes(), date.get_seconds())
}
