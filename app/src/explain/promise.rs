//! Promises: an answer that is to stay so, and those that the document holds, each as it is now.

use leptos::prelude::*;
use model::{
    Cluster,
    cluster::Promise,
    explain::{Origin, Probe, Question, Verdict},
    promise::Kept,
    wire::Sealed,
};

use super::Explain;
use crate::{
    draft::Draft,
    live::Live,
    texts::later::{Texts, texts},
    view::{IntoPart, Part, component, view},
};

/// Beside an answer: have it stay so.
#[component]
pub fn Offer(question: Question, verdict: Verdict) -> impl IntoPart {
    let texts = texts();
    let draft = Draft::here();
    let (refused, words) = match verdict {
        Verdict::Yes => (false, texts.promise_reached),
        Verdict::No => (true, texts.promise_refused),
        Verdict::Unknown => return Part::Nothing,
    };
    let promise = Promise::of(question, refused);
    let is_new = {
        let promise = promise.clone();
        Memo::new(move |_| draft.cluster().promises.iter().all(|other| other.question() != promise.question()))
    };
    (move || {
        let promise = promise.clone();
        let make = move |_| {
            let cluster = untrack(|| draft.cluster());
            let promises = [cluster.promises.as_slice(), std::slice::from_ref(&promise)].concat();
            draft.put(Cluster { promises: Sealed::of(&promises), ..cluster });
        };
        is_new.get().then(|| view! { <div class="actions"><button class="button" on:click=make>{words}</button></div> })
    })
    .into_part()
}

/// Those of the draft.
#[component]
pub fn Promises() -> impl IntoPart {
    let draft = Draft::here();
    let texts = texts();
    let promises = Memo::new(move |_| draft.cluster().promises.to_vec());
    move || {
        let lines = promises.get().into_iter().map(|promise| view! { <Line promise/> }).collect::<Vec<Part>>();
        (!lines.is_empty()).then(|| {
            view! {
                <h3>{texts.promises}</h3>
                <ul class="promises" aria-label=texts.promises>{lines}</ul>
            }
        })
    }
}

#[component]
fn Line(promise: Promise) -> impl IntoPart {
    let (live, draft, explain) = (Live::here(), Draft::here(), Explain::here());
    let texts = texts();
    let words = promise.says().text(texts.language).to_owned();
    let kept = {
        let promise = promise.clone();
        Memo::new(move |_| live.observed.with(|observed| promise.kept(observed)))
    };
    let (class, state) = (move || kept.with(class), move || kept.with(|kept| state(kept, texts)));
    let question = promise.question();
    let drop = move |_| {
        let cluster = untrack(|| draft.cluster());
        let rest: Vec<Promise> = cluster.promises.iter().filter(|other| **other != promise).cloned().collect();
        draft.put(Cluster { promises: Sealed::of(&rest), ..cluster });
    };
    view! {
        <li class=class>
            <button class="quiet go-to" on:click=move |_| explain.put(&question)>{words}</button>
            <small>{state}</small>
            <button class="button small" on:click=drop>{texts.release}</button>
        </li>
    }
}

fn class(kept: &Kept) -> &'static str {
    match kept {
        Kept::Yes => "ok",
        Kept::No(_) => "bad",
        Kept::Unknown(_) => "warn",
    }
}

fn state(kept: &Kept, texts: &Texts) -> String {
    match kept {
        Kept::Yes => texts.promise_kept.to_owned(),
        Kept::No(why) => format!("{}: {}", texts.promise_broken, why.text(texts.language)),
        Kept::Unknown(why) => format!("{}: {}", texts.promise_unknown, why.text(texts.language)),
    }
}

impl Explain {
    /// Asks what a promise is about.
    fn put(self, question: &Question) {
        let fields = self.fields;
        let (protocol, port) = match question.probe {
            Probe::Echo => ("", String::new()),
            Probe::Tcp { port } => ("tcp", port.to_string()),
            Probe::Udp { port } => ("udp", port.to_string()),
        };
        let from = match &question.from {
            plain @ Origin::Guest { interface: None, .. } => plain.subject().to_string(),
            other => other.to_string(),
        };
        fields.from.set(from);
        fields.to.set(question.to.to_string());
        fields.protocol.set(protocol.to_owned());
        fields.port.set(port);
        fields.v6.set(question.v6);
    }
}
