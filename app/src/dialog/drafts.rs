//! Drafts of other operators: what each would do, and the way to go on with one.

use leptos::prelude::*;
use model::{
    draft::{Draft as Kept, Edit, Entry, carry, edits},
    plan::plan,
};

use crate::{
    draft::Draft,
    live::Live,
    parts::dialog::Modal,
    texts::{
        fill,
        later::{Texts, texts},
    },
    ui::{Ui, moment},
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Drafts() -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let others = Memo::new(move |_| live.others());
    view! {
        <Modal title=texts.drafts_title.to_owned()>
            <p class="soft">{texts.drafts_mean}</p>
            {move || others.with(Vec::is_empty).then(|| view! { <p>{texts.no_drafts}</p> })}
            {move || others.get().into_iter().map(|kept| view! { <Other kept/> }).collect::<Part>()}
        </Modal>
    }
}

#[component]
fn Other(kept: Kept) -> impl IntoPart {
    let live = Live::here();
    let draft = Draft::here();
    let ui = Ui::here();
    let texts = texts();
    let document = live.document.get_untracked();
    let planned = live.observed.with_untracked(|observed| plan(observed, &document.cluster, &kept.cluster));
    let steps = planned.steps.iter().map(|step| view! { <li>{step.sentence(texts.language)}</li> }).collect::<Part>();
    let entries = edits(&document.cluster, &kept.cluster);
    let entries = entries.iter().map(|(entry, edit)| view! { <li>{words(entry, *edit, texts)}</li> }).collect::<Part>();
    let cluster = kept.cluster.clone();
    let add = move |_| {
        // Their edits over ours: what both edit is then as they have it.
        draft.put(carry(&document.cluster, &draft.cluster(), &cluster).0);
        ui.dialog.set(None);
    };
    view! {
        <section class="note tell">
            <p><b>{kept.who.clone()}</b>" · "{moment(kept.at)}</p>
            <ul class="plain">{entries}</ul>
            <details><summary>{fill(texts.its_steps, &[&planned.steps.len().to_string()])}</summary><ol>{steps}</ol></details>
            <div class="actions"><button class="button small" on:click=add>{texts.add_to_mine}</button></div>
        </section>
    }
}

/// `bridge mybr0: added`.
pub fn words(entry: &Entry, edit: Edit, texts: &Texts) -> String {
    let edit = match edit {
        Edit::Added => texts.added,
        Edit::Changed => texts.changed,
        Edit::Removed => texts.removed,
    };
    let (kind, name) = match entry {
        Entry::Bridge(name) => (texts.bridge, name.to_string()),
        Entry::Nic(mac) => (texts.nic, mac.to_string()),
        Entry::Gateway(bridge) => (texts.gateway, bridge.to_string()),
        Entry::Guest(name) => (texts.guest, name.to_string()),
        Entry::Network(name) => (texts.network, name.to_string()),
        Entry::Lease { network, mac } => (texts.source_static_lease, format!("{mac} · {network}")),
        Entry::Promise(asked) => (texts.promise, asked.clone()),
        Entry::Manager => (texts.manager, String::new()),
    };
    format!("{}: {edit}", format!("{kind} {name}").trim_end())
}
