//! The second half of the program. It arrives when the picture is live, or when somebody cannot wait.
//!
//! Planner, outline, drawer, tray, forms and requests are most of the code, and none of it is needed to show the network
//! as it is. [`Later`] is the only door to it: after linking, `tools/bindgen` cuts off whatever can be reached through
//! [`open`] alone, and makes it a WebAssembly module of its own. Both modules share their memory, so what comes through
//! the door are plain functions on plain values, and nobody waits for anything once it is open.
//!
//! ```text
//! live, or somebody waits ─► Loader::load ─► open ─► &Later ─► what has asked for it is made again
//!                                 ▲            │
//!                                 └─(2 s)── failed: said where somebody waits
//! ```
//!
//! Whoever calls one of these functions by its own name instead pulls it, and all that it needs, back into what everybody
//! waits for. `tools/test weight` notices.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use model::{
    Cluster, Language, Mac, Observed,
    note::Subject,
    plan::{Plan, plan},
    topology::Topology,
};
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use crate::{
    dialog::{self, edit},
    draft::{self, Draft},
    drawer, explain,
    live::Live,
    outline,
    pages::login,
    refusal::Refusal,
    survival,
    texts::texts,
    tray,
    ui::Dialog,
    view::{IntoPart, Part, component, view},
};

/// What the second module can do.
pub struct Later {
    pub plan: fn(&Observed, &Cluster, &Cluster) -> Plan,
    pub begin: fn(Live, Draft),
    pub foresee: fn(&Observed, &Plan) -> Topology,
    pub attach: fn(Live, Draft, &str, &str),
    pub move_nic: fn(Live, Draft, Mac, &str),
    pub log_in: fn(String, RwSignal<Option<Refusal>>, Language),
    pub log_out: fn(Language),
    pub outline: fn() -> Part,
    pub drawer: fn(Subject) -> Part,
    pub badge: fn(Subject) -> Part,
    pub tray: fn() -> Part,
    pub dialog: fn(Dialog) -> Part,
}

static LATER: Later = Later {
    plan,
    begin,
    foresee: draft::foresee,
    attach: edit::attach,
    move_nic: edit::move_nic,
    log_in: login::log_in,
    log_out: login::log_out,
    outline: outline::content,
    drawer: drawer::content,
    badge: survival::badge,
    tray: tray::content,
    dialog: dialog::content,
};

/// What goes on by itself from now on. Browser only.
fn begin(live: Live, draft: Draft) {
    draft::stage::stage(live, draft);
    explain::begin();
}

#[wasm_split(later, fallible)]
fn open() -> Result<&'static Later, SplitLoaderError> {
    Ok(&LATER)
}

/// The browser has to fetch it; the server's program is in one piece.
const AT_ONCE: Option<&Later> = if cfg!(feature = "hydrate") { None } else { Some(&LATER) };

/// It is tried again so long after a failure.
const WAIT: Duration = Duration::from_secs(2);

type Act = Box<dyn FnOnce(&'static Later)>;

/// Fetches the second module once, and has it for those who ask.
#[derive(Clone, Copy)]
pub struct Loader {
    later: RwSignal<Option<&'static Later>>,
    failed: RwSignal<bool>,
    begun: StoredValue<bool>,
    /// What was asked for meanwhile.
    acts: RwSignal<Vec<Act>, LocalStorage>,
}

impl Loader {
    pub fn new() -> Self {
        Self {
            later: RwSignal::new(AT_ONCE),
            failed: RwSignal::new(false),
            begun: StoredValue::new(false),
            acts: RwSignal::new_local(Vec::new()),
        }
    }

    pub fn here() -> Self {
        expect_context()
    }

    /// The second module, once it is there.
    pub fn get(self) -> Option<&'static Later> {
        self.later.get()
    }

    /// Nobody has it yet.
    pub fn is_away(self) -> bool {
        self.later.with_untracked(Option::is_none)
    }

    /// What the second module makes of it; until then, that it is awaited.
    pub fn show(self, make: impl FnOnce(&'static Later) -> Part) -> Part {
        match self.get() {
            Some(later) => make(later),
            None => view! { <Waiting loader=self/> },
        }
    }

    /// Does it now, or as soon as it can be done.
    pub fn act(self, act: impl FnOnce(&'static Later) + 'static) {
        match self.later.get_untracked() {
            Some(later) => act(later),
            None => {
                self.acts.update(|acts| acts.push(Box::new(act)));
                self.load();
            }
        }
    }

    /// Something is to be done that cannot be done yet.
    pub fn is_behind(self) -> bool {
        self.acts.with(|acts| !acts.is_empty())
    }

    pub fn load(self) {
        if self.begun.try_update_value(|begun| std::mem::replace(begun, true)) == Some(false) {
            spawn_local(self.fetch());
        }
    }

    async fn fetch(self) {
        let Ok(later) = open().await else {
            self.failed.set(true);
            return set_timeout(move || spawn_local(self.fetch()), WAIT);
        };
        self.later.set(Some(later));
        for act in self.acts.try_update(std::mem::take).unwrap_or_default() {
            act(later);
        }
    }
}

/// Says that it is awaited, or that it does not come.
#[component]
pub fn Waiting(loader: Loader) -> impl IntoPart {
    let texts = texts();
    loader.load();
    let words = move || if loader.failed.get() { texts.fetch_failed } else { texts.fetching };
    view! { <p class="waiting" role="status">{words}</p> }
}
