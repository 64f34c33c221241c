//! The question's form. It has no effect but an answer, and that follows it and the network.

use std::net::IpAddr;

use leptos::{ev::SubmitEvent, prelude::*};
use model::note::Subject;

use super::{Explain, answer::Answer, promise::Promises};
use crate::{
    live::Live,
    parts::field::Check,
    texts::later::{Texts, texts},
    view::{IntoPart, Part, component, view},
};

/// The field that has the focus first.
pub const TO: &str = "explain-to";
pub const BUTTON: &str = "explain-ask";
const ENDS: &str = "explain-ends";

/// A button that asks from there.
#[component]
pub fn Ask(from: Subject) -> impl IntoPart {
    let explain = Explain::here();
    view! {
        <button
            class="button wide"
            id=BUTTON
            aria-keyshortcuts="W"
            on:click=move |_| explain.ask(from.to_string())
        >
            {texts().can_it_reach}
        </button>
    }
}

#[component]
pub fn Panel() -> impl IntoPart {
    let explain = Explain::here();
    let texts = texts();
    let fields = explain.fields;
    let ported = move || fields.protocol.with(|protocol| !protocol.is_empty());
    let named = move || fields.to.with(|to| !to.trim().is_empty() && to.trim().parse::<IpAddr>().is_err());
    let protocols = [("", texts.ping), ("tcp", "TCP"), ("udp", "UDP")];
    let protocols = protocols.map(|(value, words)| view! { <option value=value>{words}</option> });
    let protocols = protocols.into_iter().collect::<Part>();
    view! {
        <section class="explain" aria-labelledby="explain-title">
            <div class="drawer-head"><h2 id="explain-title">{texts.explain_title}</h2></div>
            <p class="sub">{texts.explain_about}</p>
            <form class="question" on:submit=move |event: SubmitEvent| event.prevent_default()>
                <Asker/>
                <Line label=texts.to id=TO value=fields.to example="10.0.0.9"/>
                <label class="field">
                    <span>{texts.forward_protocol}</span>
                    <select
                        name="protocol"
                        prop:value=move || fields.protocol.get()
                        on:change=move |event| fields.protocol.set(event_target_value(&event))
                    >
                        {protocols}
                    </select>
                </label>
                {move || ported().then(|| view! {
                    <Line label=texts.port id="explain-port" value=fields.port example="443"/>
                })}
                {move || named().then(|| view! { <Check label=texts.by_v6.to_owned() name="v6" value=fields.v6/> })}
                <Ends/>
                <div class="actions">
                    <button class="button go" type="submit">{texts.ask}</button>
                    <button class="button" type="button" on:click=move |_| explain.close()>{texts.to_details}</button>
                </div>
            </form>
            {move || match explain.asked.get() {
                Ok(_) => None,
                Err(None) => Some(view! { <p class="soft">{texts.incomplete}</p> }),
                Err(Some(wrong)) => Some(view! { <p class="trouble" role="alert">{wrong}</p> }),
            }}
            <Answer/>
            <Promises/>
        </section>
    }
}

/// Text that counts once it is written.
#[component]
fn Line(label: &'static str, id: &'static str, value: RwSignal<String>, example: &'static str) -> impl IntoPart {
    let ends = (id == TO).then_some(ENDS);
    view! {
        <label class="field">
            <span>{label}</span>
            <input
                id=id
                list=ends
                placeholder=example
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                prop:value=move || value.get()
                on:change=move |event| value.set(event_target_value(&event))
            />
        </label>
    }
}

#[component]
fn Asker() -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let from = Explain::here().fields.from;
    // Also what is asked and no longer there.
    let keys = move || {
        let mut keys = guests(live, |guest| Subject::Guest(guest).to_string());
        keys.extend([Subject::Host.to_string(), Subject::Outside.to_string()]);
        let asked = from.get();
        if !keys.contains(&asked) {
            keys.push(asked);
        }
        keys
    };
    view! {
        <label class="field">
            <span>{texts.from}</span>
            <select
                name="from"
                prop:value=move || from.get()
                on:change=move |event| from.set(event_target_value(&event))
            >
                <For each=keys let:key>
                    <option value=key.clone()>{words(&key, texts)}</option>
                </For>
            </select>
        </label>
    }
}

/// What `to` may be besides an address.
#[component]
fn Ends() -> impl IntoPart {
    let live = Live::here();
    let names = move || {
        let mut names = guests(live, |guest| guest);
        names.push(Subject::Host.to_string());
        names
    };
    view! {
        <datalist id=ENDS>
            <For each=names let:name>
                <option value=name></option>
            </For>
        </datalist>
    }
}

fn guests(live: Live, named: impl Fn(String) -> String) -> Vec<String> {
    live.topology.with(|topology| topology.guests.keys().cloned().map(named).collect())
}

fn words(from: &str, texts: &Texts) -> String {
    match from.parse() {
        Ok(Subject::Guest(guest)) => guest,
        Ok(Subject::Host) => texts.host_of_guests.to_owned(),
        Ok(Subject::Outside) => texts.outside.to_owned(),
        _ => from.to_owned(),
    }
}
