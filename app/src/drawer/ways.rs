//! By which way programs are run in a guest, why not by a better one, and the login that the serial console asks for.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use model::{
    Observed,
    observed::{AgentChannel, DomainState, WayFacts, WayKind, WayState},
};

use crate::{
    api,
    live::Live,
    parts::{facts::Table, trouble::Trouble},
    refusal::Refusal,
    texts::later::{Texts, texts},
    view::{IntoPart, component, view},
};

#[component]
pub fn Ways(guest: Memo<String>) -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let ways = Memo::new(move |_| live.observed.with(|observed| guest.with(|guest| ways(observed, guest))));
    let asks = Memo::new(move |_| ways.with(|ways| ways.iter().any(|it| it.way == WayKind::Agent && !it.is_used())));
    let given = Memo::new(move |_| ways.with(|ways| ways.iter().any(|it| it.way == WayKind::Console && it.is_given())));
    let refusal = RwSignal::new(None::<Refusal>);
    view! {
        {move || {
            let rows: Vec<_> = ways.with(|ways| ways.iter().map(|way| row(way, texts)).collect());
            (!rows.is_empty()).then(|| {
                view! { <Table label=texts.ways heads=vec![texts.ways, texts.state] rows empty=""/> }
            })
        }}
        {move || asks.get().then(|| view! { <LogIn guest refusal/> })}
        <Trouble refusal/>
        {move || {
            given.get().then(|| {
                let forget = move |_| {
                    spawn_local(async move {
                        refusal.set(api::forget_login(&guest.get_untracked(), texts).await.err());
                    });
                };
                view! {
                    <div class="actions">
                        <button class="button" on:click=forget>{texts.forget_login}</button>
                    </div>
                }
            })
        }}
    }
}

#[component]
fn LogIn(guest: Memo<String>, refusal: RwSignal<Option<Refusal>>) -> impl IntoPart {
    let texts = texts();
    let (user, password) = (RwSignal::new("root".to_owned()), RwSignal::new(String::new()));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            let (user, secret) = (user.get_untracked(), password.get_untracked());
            let outcome = api::give_login(&guest.get_untracked(), &user, &secret, texts).await;
            if outcome.is_ok() {
                password.set(String::new());
            }
            refusal.set(outcome.err());
        });
    };
    view! {
        <form class="spaced" aria-label=texts.console_login on:submit=submit>
            <p class="soft">{texts.console_login_about}</p>
            <label class="field">
                <span>{texts.user}</span>
                <input
                    name="user"
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=move || user.get()
                    on:input=move |event| user.set(event_target_value(&event))
                />
            </label>
            <label class="field">
                <span>{texts.password}</span>
                <input
                    type="password"
                    name="password"
                    autocomplete="new-password"
                    prop:value=move || password.get()
                    on:input=move |event| password.set(event_target_value(&event))
                />
            </label>
            <button class="button" type="submit">{texts.console_login}</button>
        </form>
    }
}

/// Those of a running guest. One that was never asked has had no way.
fn ways(observed: &Observed, guest: &str) -> Vec<WayFacts> {
    let Some(domain) = observed.domains.get(guest).filter(|domain| domain.state == DomainState::Running) else {
        return Vec::new();
    };
    let known = observed.guests.get(guest).map(|facts| facts.ways.open()).unwrap_or_default();
    if !known.is_empty() || domain.agent == AgentChannel::Connected {
        return known;
    }
    let none = |way, state| WayFacts { way, state, reason: None };
    vec![none(WayKind::Agent, WayState::Failed), none(WayKind::Console, WayState::NoLogin)]
}

fn row(way: &WayFacts, texts: &Texts) -> Vec<String> {
    let name = match way.way {
        WayKind::Agent => texts.way_agent,
        WayKind::Console => texts.way_console,
        WayKind::Ssh => "SSH",
    };
    let state = match way.state {
        WayState::Used => texts.way_used,
        WayState::Spare => texts.way_spare,
        WayState::NoLogin => texts.way_no_login,
        WayState::Failed => texts.way_failed,
    };
    let state = way.reason.as_ref().map_or_else(|| state.to_owned(), |reason| format!("{state}: {reason}"));
    vec![name.to_owned(), state]
}
