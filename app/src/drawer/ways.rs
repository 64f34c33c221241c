//! By which way programs are run in a guest, why not by a better one, and the login that the serial console asks for.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use model::{
    Observed, hand,
    observed::{AgentChannel, DomainState, WayFacts, WayKind, WayState},
    topology,
};

use crate::{
    api,
    live::Live,
    parts::{
        facts::{Fact, Table},
        trouble::Trouble,
    },
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
    let is_shut = Memo::new(move |_| live.observed.with(|observed| guest.with(|guest| is_shut(observed, guest))));
    let why_no_agent = Memo::new(move |_| {
        live.topology.with(|topology| {
            let guest = guest.with(|guest| topology.guests.get(guest));
            guest.and_then(|guest| ways.with(|ways| why_no_agent(guest, ways, texts)))
        })
    });
    view! {
        {move || is_shut.get().then(|| {
            view! { <dl class="facts"><Fact word=texts.way_in>{texts.no_way_in}</Fact></dl> }
        })}
        {move || {
            let why = why_no_agent.get();
            let rows: Vec<_> = ways.with(|ways| ways.iter().map(|way| row(way, why.as_deref(), texts)).collect());
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
    let known = observed.guests.get(guest).map(|facts| facts.ways.to_vec()).unwrap_or_default();
    if !known.is_empty() || domain.agent == AgentChannel::Connected {
        return known;
    }
    let none = |way, state| WayFacts { way, state, reason: None };
    vec![
        none(WayKind::Agent, WayState::Failed),
        none(WayKind::Console, WayState::NoLogin),
        none(WayKind::Ssh, WayState::NoLogin),
    ]
}

fn is_shut(observed: &Observed, guest: &str) -> bool {
    observed.domains.get(guest).is_some_and(|domain| hand::is_shut(observed, domain))
}

/// Of the agent more is known than that it failed, where no other way was tried after it.
fn why_no_agent(guest: &topology::Guest, ways: &[WayFacts], texts: &Texts) -> Option<String> {
    let alone = ways.iter().all(|it| it.way == WayKind::Agent || it.reason.is_none());
    match guest.agent {
        AgentChannel::Missing => Some(texts.no_agent.to_owned()),
        _ => guest.trouble.clone().filter(|_| alone),
    }
}

fn row(way: &WayFacts, why_no_agent: Option<&str>, texts: &Texts) -> Vec<String> {
    let name = match way.way {
        WayKind::Agent => texts.way_agent,
        WayKind::Console => texts.way_console,
        WayKind::Ssh => texts.ssh,
    };
    let state = match way.state {
        WayState::Used => texts.way_used,
        WayState::Spare => texts.way_spare,
        WayState::NoLogin if way.way == WayKind::Ssh => texts.ssh_not_used,
        WayState::NoLogin => texts.way_no_login,
        WayState::Failed => texts.way_failed,
    };
    let own = way.reason.as_deref();
    let reason = match (way.way, way.state) {
        (WayKind::Agent, WayState::Failed) => why_no_agent.or(own),
        _ => own,
    };
    let state = reason.map_or_else(|| state.to_owned(), |reason| format!("{state}: {reason}"));
    vec![name.to_owned(), state]
}
