//! A plan before it is applied.

use leptos::prelude::*;
use model::{
    draft::{Edit, Entry, edits, review},
    note::{Note, Severity, Subject},
    plan::Plan,
};

use super::change::StepLine;
use crate::{
    dialog::{drafts::words, findings::note_view},
    draft::{Draft, Edited},
    live::Live,
    texts::{
        fill,
        later::{Texts, texts},
    },
    ui::{Dialog, Ui},
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn PlanView() -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let plan = Memo::new(move |_| draft.plan.get().unwrap_or_default());
    let blocked = Memo::new(move |_| plan.with(Plan::is_blocked));
    let running = move || live.change.with(|change| change.as_ref().is_some_and(|change| !change.state.is_final()));
    // A plan without steps may be applied too: the document says something new, and the network is so already.
    let unplanned = Memo::new(move |_| draft.plan.with(Option::is_none));
    let idle = move || draft.busy.get() || running() || blocked.get() || unplanned.get();
    let notes = Memo::new(move |_| plan.with(remarks));
    let wire = Memo::new(move |_| plan.with(|plan| own_wire(live, plan)));
    let steps = Memo::new(move |_| plan.with(|plan| plan.steps.clone()));
    let told = Memo::new(move |_| {
        let others = live.others();
        draft.edited.with(|edited| {
            let of = |edited: &Edited| review(&edited.base.cluster, &edited.cluster, &edited.conflicts, &others);
            edited.as_ref().map(of).unwrap_or_default()
        })
    });
    view! {
        <div class="tray-head">
            <h2>{texts.draft}</h2>
            <p class="soft" role="status">
                {move || plan.with(|plan| summary(plan, texts))}
                {move || match wire.get() {
                    Some(link) => view! { <b class="warn">{format!(" · {}", fill(texts.touches_wire, &[&link]))}</b> },
                    None => format!(" · {}", texts.no_wire).into_part(),
                }}
                " · "{texts.can_undo}
            </p>
            <span class="spring"></span>
            <button class="button" on:click=move |_| draft.discard()>{texts.discard}</button>
            <button class="button" on:click=move |_| ui.open(Dialog::Export)>{texts.export}</button>
            <button class="button go" disabled=idle on:click=move |_| draft.apply()>{texts.apply}</button>
        </div>
        <Entries/>
        {move || told.get().iter().map(|note| note_view(note, texts.language)).collect::<Part>()}
        {move || notes.get().iter().map(|note| note_view(note, texts.language)).collect::<Part>()}
        <ol class="steps">
            {move || {
                let steps = steps.get().into_iter().enumerate();
                steps.map(|(nth, step)| view! { <StepLine nth step state=""/> }).collect::<Part>()
            }}
        </ol>
    }
}

/// What the draft edits, each with a way to leave it out.
#[component]
fn Entries() -> impl IntoPart {
    let draft = Draft::here();
    let texts = texts();
    let entries = Memo::new(move |_| {
        draft.edited.with(|edited| {
            let of = |edited: &Edited| edits(&edited.base.cluster, &edited.cluster);
            edited.as_ref().map(of).unwrap_or_default()
        })
    });
    let each = move |(entry, edit): (Entry, Edit)| {
        let said = words(&entry, edit, texts);
        let label = fill(texts.drop_entry, &[&said]);
        view! {
            <li>
                <span>{said}</span>
                <button class="quiet" aria-label=label.clone() title=label on:click=move |_| draft.leave_out(&entry)>"×"</button>
            </li>
        }
    };
    view! {
        <ul class="edits" aria-label=texts.edited_entries>
            {move || entries.get().into_iter().map(each).collect::<Part>()}
        </ul>
    }
}

fn summary(plan: &Plan, texts: &Texts) -> String {
    let count = match plan.steps.len() {
        0 if plan.is_blocked() => return texts.blocked.to_owned(),
        0 => return texts.nothing_to_do.to_owned(),
        1 => texts.step_one.to_owned(),
        many => fill(texts.steps, &[&many.to_string()]),
    };
    let then = if plan.is_blocked() { texts.blocked } else { texts.nothing_yet };
    format!("{count}, {then}")
}

fn remarks(plan: &Plan) -> Vec<Note> {
    let mut notes: Vec<Note> = plan.notes.iter().filter(|note| note.severity != Severity::Tell).cloned().collect();
    notes.sort_by_key(|note| note.severity);
    notes
}

/// The link that carries this browser's own connection, if a step touches it.
fn own_wire(live: Live, plan: &Plan) -> Option<String> {
    let link = live.you.with(|you| you.as_ref()?.link.clone())?;
    let own = Subject::Link(link.clone());
    plan.steps.iter().any(|step| step.touches().contains(&own)).then_some(link)
}
