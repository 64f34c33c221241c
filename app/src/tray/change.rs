//! A change while it runs and when it is over: each step's state, what was proved, what was left over.

use leptos::prelude::*;
use model::{
    Language,
    plan::{Change, ChangeState},
    proof::Proof,
    step::Step,
};

use super::confirm::Countdown;
use crate::{
    draft::Draft,
    live::Live,
    texts::{
        fill,
        later::{Texts, texts},
    },
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn ChangeView() -> impl IntoPart {
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let state = Memo::new(move |_| live.change.with(|change| change.as_ref().map(|change| change.state)));
    let guarded = Memo::new(move |_| {
        live.change.with(|change| change.as_ref().is_some_and(|change| change.confirm_by.is_some()))
    });
    let guarded = move || guarded.get();
    let over = move || state.get().is_some_and(ChangeState::is_final);
    let again = move || state.get() == Some(ChangeState::RolledBack) && draft.applied.with(Option::is_some);
    let head = move || live.change.with(|change| change.as_ref().map(|change| headline(change, texts)));
    let class = move || match state.get() {
        Some(ChangeState::Committed) => "ok",
        Some(ChangeState::RollingBack | ChangeState::RolledBack) => "bad",
        _ => "",
    };
    view! {
        <div class="tray-head">
            <h2 class=class role="status">{head}</h2>
            <span class="spring"></span>
            {move || (state.get() == Some(ChangeState::Committed)).then(|| view! {
                <button class="button" disabled=move || draft.busy.get() on:click=move |_| draft.undo()>{texts.undo}</button>
            })}
            {move || again().then(|| view! {
                <button class="button" on:click=move |_| draft.edit_again()>{texts.edit_again}</button>
            })}
            {move || over().then(|| view! {
                <button class="button" on:click=move |_| live.change.set(None)>{texts.dismiss}</button>
            })}
        </div>
        {move || guarded().then(|| view! { <Countdown/> })}
        {move || live.change.get().map(|change| view! { <Course change/> })}
    }
}

fn headline(change: &Change, texts: &Texts) -> String {
    match change.state {
        ChangeState::Applying => {
            let steps = change.steps.len();
            let next = (change.done + 1).min(steps);
            fill(texts.applying, &[&next.to_string(), &steps.to_string()])
        }
        ChangeState::Verifying => texts.verifying.to_owned(),
        ChangeState::AwaitingConfirmation => texts.awaiting.to_owned(),
        ChangeState::Committed => texts.committed.to_owned(),
        ChangeState::RollingBack => texts.rolling_back.to_owned(),
        ChangeState::RolledBack => texts.rolled_back.to_owned(),
    }
}

#[component]
fn Course(change: Change) -> impl IntoPart {
    let texts = texts();
    let state = |nth: usize| match change.state {
        ChangeState::Applying if nth == change.done => texts.now,
        ChangeState::RolledBack if nth < change.done => texts.taken_back,
        _ if nth < change.done => texts.done,
        _ => "",
    };
    let steps = change.steps.iter().enumerate().map(|(nth, step)| {
        view! { <StepLine nth step=step.clone() state=state(nth)/> }
    });
    let steps = steps.collect::<Part>();
    let left_over = if change.state.is_final() { texts.left_over } else { texts.waits_for_libvirt };
    let left = change.left_over.iter().map(|left| view! { <li>{left.clone()}</li> }).collect::<Part>();
    let proofs = change.proofs.iter().map(|proof| view! { <ProofView proof=proof.clone()/> }).collect::<Part>();
    view! {
        {change.error.clone().map(|error| view! { <p class="trouble" role="alert">{error}</p> })}
        {(!change.left_over.is_empty()).then(|| view! {
            <div class="trouble" role="alert"><b>{left_over}</b><ul>{left}</ul></div>
        })}
        <div class="proofs">{proofs}</div>
        <ol class="steps">{steps}</ol>
    }
}

/// What the probe saw, hop by hop.
#[component]
fn ProofView(proof: Proof) -> impl IntoPart {
    let texts = texts();
    let holds = proof.holds();
    let promise = &proof.promise;
    let words = match (promise.refused, holds) {
        (false, true) => texts.proof_holds,
        (false, false) => texts.proof_fails,
        (true, true) => texts.proof_refused,
        (true, false) => texts.proof_not_refused,
    };
    let hop = |hop: &Option<std::net::IpAddr>| hop.map_or_else(|| texts.no_answer.to_owned(), |hop| hop.to_string());
    let hops = proof.hops.iter().map(hop).collect::<Vec<_>>().join(" → ");
    view! {
        <p class="proof" class:ok=holds class:bad=!holds>
            <b>{fill(words, &[&promise.guest, &promise.target.to_string()])}</b>
            <code>{hops}</code>
            {proof.trouble.clone().map(|trouble| view! { <span>{trouble}</span> })}
        </p>
    }
}

/// One step: sentence, command, and its state or risk.
#[component]
pub fn StepLine(nth: usize, step: Step, state: &'static str) -> impl IntoPart {
    let language: Language = texts().language;
    let wire = Live::here().you.with_untracked(|you| you.as_ref().and_then(|you| you.link.clone()));
    let right = match state {
        "" => step.risk(wire.as_deref()).sentence().text(language).to_owned(),
        state => state.to_owned(),
    };
    let command = step.command();
    let text = match &step {
        Step::WriteFile { text, .. } => text.clone(),
        Step::ReplaceGuestFiles { files, .. } if !files.is_empty() => {
            let file = |(path, text): (&String, &String)| format!("# {path}\n{text}");
            Some(files.iter().map(file).collect::<Vec<_>>().join("\n"))
        }
        _ => None,
    };
    view! {
        <li class:done=state == texts().done class:now=state == texts().now>
            <span class="nth">{nth + 1}</span>
            <span>{step.sentence(language)}</span>
            <code title=command.clone()>{command.clone()}</code>
            <span class="risk">{right}</span>
            {text.map(|text| view! { <pre class="commands" tabindex="0">{text}</pre> })}
        </li>
    }
}
