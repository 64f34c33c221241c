//! Findings: what is odd about the network, and what would settle it.

use leptos::prelude::*;
use model::{
    Cluster, Language,
    note::{Note, Severity, Subject},
    observed::SourceState,
};

use super::edit;
use crate::{
    draft::Draft,
    drawer::channel,
    live::Live,
    parts::dialog::Modal,
    texts::{fill, later::texts},
    ui::Ui,
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Findings() -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let notes = Memo::new(move |_| {
        let mut notes = live.topology.with(|topology| topology.notes.clone());
        notes.sort_by_key(|note| note.severity);
        notes
    });
    let silent = move || {
        live.observed.with(|observed| {
            let silent = observed.sources.iter().filter_map(|(source, state)| match state {
                SourceState::Answers => None,
                SourceState::Silent { reason, .. } => Some(fill(texts.source_silent, &[&source.to_string(), reason])),
            });
            silent.map(|words| view! { <p class="note warn">{words}</p> }).collect::<Part>()
        })
    };
    let drifted = move || live.drift.with(|drift| drift.iter().map(drift_view).collect::<Part>());
    let nothing = move || notes.with(Vec::is_empty) && live.drift.with(Vec::is_empty);
    view! {
        <Modal title=texts.findings_title.to_owned()>
            {silent}
            {drifted}
            {move || notes.get().iter().map(|note| note_view(note, texts.language)).collect::<Part>()}
            {move || nothing().then(|| view! { <p class="soft">{texts.no_findings}</p> })}
        </Modal>
    }
}

/// What is not as the document says, with the two ways out: put it back, or adopt it.
fn drift_view(note: &Note) -> Part {
    let ui = Ui::here();
    let draft = Draft::here();
    let texts = texts();
    let subject = note.subject.clone();
    let put_back = move |_| {
        draft.put_back(subject.clone());
        ui.dialog.set(None);
    };
    if note.code == model::promise::BROKEN {
        return note_view(note, texts.language);
    }
    view! {
        <div class="note warn drift">
            <p><b>{texts.drifted}</b></p>
            <p>{note.text.text(texts.language).to_owned()}</p>
            <div class="actions">
                {shows(&note.subject)}
                <button class="button small" disabled=move || draft.busy.get() on:click=put_back>{texts.put_back}</button>
                {always(&note.subject)}
                {note.fix.as_ref().map(|fix| drafts(&fix.draft, texts.adopt.to_owned()))}
            </div>
        </div>
    }
}

/// A button that has an object put back without asking, from now on.
fn always(subject: &Subject) -> Option<Part> {
    let ui = Ui::here();
    let draft = Draft::here();
    let subject = subject.clone();
    if edit::put_back(&untrack(|| draft.cluster()), &subject) != Some(false) {
        return None;
    }
    let always = move |_| {
        edit::set_put_back(draft, &subject, true);
        ui.dialog.set(None);
    };
    Some(view! { <button class="button small" on:click=always>{texts().put_back_always}</button> })
}

/// A button that plugs a tap in again where libvirt says that it is.
fn seats(note: &Note) -> Option<Part> {
    let ui = Ui::here();
    let draft = Draft::here();
    if !matches!(note.code.as_str(), "tap-without-master" | "bridge-disagrees")
        || !matches!(note.subject, Subject::Nic(_))
    {
        return None;
    }
    let subject = note.subject.clone();
    let seat = move |_| {
        draft.put_back(subject.clone());
        ui.dialog.set(None);
    };
    Some(view! {
        <button class="button small" disabled=move || draft.busy.get() on:click=seat>{texts().plug_in_again}</button>
    })
}

/// One note, with the way to its object and its fix.
pub fn note_view(note: &Note, language: Language) -> Part {
    let texts = texts();
    let class = match note.severity {
        Severity::Block => "note block",
        Severity::Warn => "note warn",
        Severity::Tell => "note tell",
    };
    let elsewhere = Ui::here().selected.with_untracked(|selected| selected.as_ref() != Some(&note.subject));
    let shows = elsewhere.then(|| shows(&note.subject));
    let fix = note.fix.as_ref().map(|fix| drafts(&fix.draft, fill(texts.fix, &[fix.label.text(language)])));
    view! {
        <div class=class>
            <p>{note.text.text(language).to_owned()}</p>
            <div class="actions">{shows} {fix} {seats(note)} {channel::offer(note)}</div>
        </div>
    }
}

/// A button that selects an object.
fn shows(subject: &Subject) -> Part {
    let ui = Ui::here();
    let (name, subject) = (subject.to_string(), subject.clone());
    let select = move |_| {
        ui.select(Some(subject.clone()));
        ui.dialog.set(None);
    };
    view! { <button class="quiet" on:click=select><code>{name}</code></button> }
}

/// A button that makes this document the draft.
fn drafts(cluster: &Cluster, words: String) -> Part {
    let ui = Ui::here();
    let draft = Draft::here();
    let cluster = cluster.clone();
    let put = move |_| {
        draft.put(cluster.clone());
        ui.dialog.set(None);
    };
    view! { <button class="button small" on:click=put>{words}</button> }
}
