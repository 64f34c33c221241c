//! SSH as the way into a guest whose agent runs no programs: allowed or not, with which keys.

use leptos::{prelude::*, task::spawn_local};
use model::observed::WayKind;

use crate::{
    api::{self, Ssh as Standing},
    live::Live,
    parts::{facts::Fact, field::TextField, trouble::Trouble},
    refusal::Refusal,
    texts::later::texts,
    view::{IntoPart, Part, component, view},
};

/// Nothing, where the agent is enough.
#[component]
pub fn Ssh(name: String) -> impl IntoPart {
    let live = Live::here();
    let key = name.clone();
    let way =
        Memo::new(move |_| live.observed.with(|observed| observed.guests.get(&key).and_then(|facts| facts.way())));
    move || match way.get() {
        Some(WayKind::Agent) => Part::Nothing,
        // What became of it shows here, so it is asked again.
        _ => view! { <Known name=name.clone()/> }.into_part(),
    }
}

#[component]
fn Known(name: String) -> impl IntoPart {
    let texts = texts();
    let standing = RwSignal::new(None::<Standing>);
    let refusal = RwSignal::new(None::<Refusal>);
    let (user, nothing) = (RwSignal::new("root".to_owned()), Memo::new(|_| None));
    let act = Callback::new(move |act: Act| {
        let name = name.clone();
        spawn_local(async move {
            let done = match act {
                Act::Look => Ok(()),
                Act::Allow => api::allow_ssh(&name, &user.get_untracked(), texts).await,
                Act::Disallow => api::delete(&api::ssh_path(&name), texts).await,
                Act::Forget => api::delete(&format!("{}/key", api::ssh_path(&name)), texts).await,
            };
            let found = match done {
                Ok(()) => api::ssh(&name, texts).await,
                Err(refused) => Err(refused),
            };
            // The drawer may have been closed meanwhile.
            let _ = match found {
                Ok(found) => (standing.try_set(Some(found)), refusal.try_set(None)),
                Err(refused) => (None, refusal.try_set(Some(refused))),
            };
        });
    });
    Effect::new(move |_| act.run(Act::Look));
    let button = move |words: &'static str, what: Act| {
        view! { <button class="button" type="button" on:click=move |_| act.run(what)>{words}</button> }
    };
    let shown = move || {
        standing.get().map(|standing| {
            let is = match (&standing.user, &standing.trouble) {
                (None, _) => texts.ssh_not_used.to_owned(),
                (Some(_), Some(trouble)) => trouble.clone(),
                (Some(user), None) => user.clone(),
            };
            let allowed = standing.user.is_some();
            let form = (!allowed).then(|| {
                view! {
                    <TextField label=texts.ssh_user name="user" value=user hint=texts.ssh_user_hint example="root" error=nothing/>
                }
            });
            let line = (!allowed || standing.trouble.is_some()).then(|| {
                view! {
                    <p class="soft">{texts.ssh_line}</p>
                    <pre tabindex="0" class="commands">{standing.authorized_keys.clone()}</pre>
                }
            });
            let forget = standing.pinned.is_some().then(|| button(texts.ssh_forget, Act::Forget));
            view! {
                <dl class="facts">
                    <Fact word=texts.ssh>{is}</Fact>
                    {standing.pinned.clone().map(|pinned| view! { <Fact word=texts.ssh_pinned>{pinned}</Fact> })}
                </dl>
                {line}
                {form}
                <div class="actions">
                    {if allowed { button(texts.ssh_stop, Act::Disallow) } else { button(texts.ssh_use, Act::Allow) }}
                    {forget}
                </div>
            }
        })
    };
    view! {
        {shown}
        <Trouble refusal/>
    }
}

#[derive(Clone, Copy)]
enum Act {
    Look,
    Allow,
    Disallow,
    Forget,
}
