//! "Why can't A reach B?": what is asked, and what [`model::explain`] answers to it, here in the page and on what is observed now.
//!
//! ```text
//! button, W, address ─► Explain (fields) ─► asked ─► answer ─┬─► answer, hop: words, in the drawer's place
//!                                                            └─► mark: the way on the picture
//! ```
//!
//! All of it comes with the second module. What is asked belongs to the page: the drawer is made anew with each selection.

mod answer;
mod ask;
mod hop;
mod mark;
mod promise;
mod url;

use std::{num::NonZeroU16, time::Duration};

use leptos::prelude::*;
use model::{
    Observed,
    explain::{Explanation, Origin, Place, Probe, Question, Target, explain},
    note::Subject,
    topology::Topology,
};
use wasm_bindgen::JsCast;

use crate::{
    live::Live,
    texts::{
        fill,
        later::{Texts, texts},
    },
};

pub use ask::{Ask, Panel};
pub use url::begin;

/// A question, or what is wrong with it. `Err(None)`: it is not complete yet.
type Asked = Result<Question, Option<String>>;

/// The question that the page shows, and its answer.
#[derive(Clone, Copy)]
pub struct Explain {
    pub open: RwSignal<bool>,
    fields: Fields,
    asked: Memo<Asked>,
    answer: Memo<Option<Explanation>>,
}

/// The form's fields.
#[derive(Clone, Copy)]
struct Fields {
    /// `guest:<name>`, or an origin as the command line knows it.
    from: RwSignal<String>,
    /// A target as the command line knows it.
    to: RwSignal<String>,
    /// `ping`, `tcp` or `udp`.
    protocol: RwSignal<String>,
    port: RwSignal<String>,
    v6: RwSignal<bool>,
}

impl Explain {
    pub fn here() -> Self {
        use_context().unwrap_or_else(|| {
            page().with(|| {
                let explain = Self::new(Live::here(), texts());
                provide_context(explain);
                explain
            })
        })
    }

    fn new(live: Live, texts: &'static Texts) -> Self {
        let fields = Fields::new();
        let open = RwSignal::new(false);
        let asked = Memo::new(move |_| live.observed.with(|observed| fields.read(observed, texts)));
        let answer = Memo::new(move |_| {
            let asked = open.get().then(|| asked.get())?.ok()?;
            Some(live.observed.with(|observed| explain(observed, &asked)))
        });
        Self { open, fields, asked, answer }
    }

    /// Opens the question, asked from there.
    fn ask(self, from: String) {
        self.fields.from.set(from);
        self.open.set(true);
        focus(ask::TO);
    }

    fn close(self) {
        self.open.set(false);
        focus(ask::BUTTON);
    }
}

impl Fields {
    fn new() -> Self {
        let empty = || RwSignal::new(String::new());
        Self { from: empty(), to: empty(), protocol: empty(), port: empty(), v6: RwSignal::new(false) }
    }

    fn read(self, observed: &Observed, texts: &Texts) -> Asked {
        let Some(from) = origin(&self.from.get()) else { return Err(None) };
        let to = self.to.get();
        let to = match to.trim() {
            "" => return Err(None),
            to => to.parse::<Target>().map_err(|_| fill(texts.not_an_end, &[to]))?,
        };
        let probe = match self.protocol.get().as_str() {
            "tcp" => Probe::Tcp { port: self.port(texts)? },
            "udp" => Probe::Udp { port: self.port(texts)? },
            _ => Probe::Echo,
        };
        let question = Question { from, to, probe, v6: self.v6.get() };
        match question.check(observed).first() {
            Some(note) => Err(Some(note.text.text(texts.language).to_owned())),
            None => Ok(question),
        }
    }

    fn port(self, texts: &Texts) -> Result<u16, Option<String>> {
        let text = self.port.get();
        match text.trim() {
            "" => Err(None),
            text => text.parse().map(NonZeroU16::get).map_err(|_| Some(fill(texts.not_a_port, &[text]))),
        }
    }
}

/// From the field `from`. A guest whose name reads otherwise is still one.
fn origin(text: &str) -> Option<Origin> {
    match text.parse() {
        Ok(Subject::Guest(guest)) => Some(Origin::Guest { guest, interface: None }),
        _ => text.parse().ok(),
    }
}

/// What a hop is on the picture.
fn subject(place: &Place, topology: &Topology) -> Subject {
    match place {
        Place::Host { link } => Subject::Link(link.clone()),
        Place::Outside { .. } => Subject::Outside,
        Place::Guest { guest, interface } => {
            let nics = topology.guests.get(guest).into_iter().flat_map(|guest| &guest.nics);
            let nic = nics.into_iter().find(|nic| nic.name.as_ref() == Some(interface));
            nic.map_or_else(|| Subject::Guest(guest.clone()), |nic| Subject::Nic(nic.mac.to_string()))
        }
    }
}

/// The owner of all others, which lasts as long as the page.
fn page() -> Owner {
    let own = Owner::current().unwrap_or_default();
    std::iter::successors(Some(own), Owner::parent).last().unwrap_or_default()
}

/// Gives the focus to an element that will be there in a moment.
fn focus(id: &'static str) {
    let focus = move || {
        let element = document().get_element_by_id(id);
        if let Some(element) = element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
            // What cannot take the focus leaves it where it is.
            let _ = element.focus();
        }
    };
    set_timeout(focus, Duration::ZERO);
}
