//! One NIC of a guest in the drawer: where it is plugged in, its addresses and who says so, and its actions.

use std::net::IpAddr;

use leptos::prelude::*;
use model::{
    Mac, Observed,
    note::Subject,
    survival::{Keeper, Survival},
    topology::{Guest, Socket},
};

use super::{lease::Always, rail_class};
use crate::{
    dialog::edit,
    draft::Draft,
    facts,
    live::{Live, bits},
    survival,
    texts::{
        fill,
        later::{Texts, texts},
    },
    ui::{Dialog, Ui},
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn NicCard(guest: Memo<String>, mac: Mac) -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let fact = Memo::new(move |_| live.topology.with(|topology| find(topology.guests.get(&guest.get()), mac)));
    let drafted = Memo::new(move |_| {
        draft.drafted.with(|drafted| drafted.as_ref().map(|drafted| find(drafted.guests.get(&guest.get()), mac)))
    });
    let shown = Memo::new(move |_| fact.get().or_else(|| drafted.get().flatten()));
    let going = Memo::new(move |_| fact.with(Option::is_some) && drafted.with(|drafted| *drafted == Some(None)));
    let new = Memo::new(move |_| fact.with(Option::is_none));
    let bridge = move || shown.with(|nic| nic.as_ref().and_then(|nic| nic.bridge.clone()));
    let subject = Subject::Nic(mac.to_string());
    // A memo of its own, which goes with the drawer: what asks for the selection itself is asked once more when it changes,
    // and then the other memos are gone already.
    let selected = Memo::new(move |_| ui.is_selected(&subject));
    let cable = Memo::new(move |_| drafted.get().flatten().or_else(|| shown.get()).is_none_or(|nic| nic.cable));
    let rate = move || {
        let tap = shown.with(|nic| nic.as_ref().and_then(|nic| nic.tap.as_ref().map(|tap| tap.name.clone())))?;
        let rate = live.rates.with(|rates| rates.get(&tap).copied())?;
        Some(format!("↓ {} ↑ {}", bits(rate.sent), bits(rate.received)))
    };
    view! {
        <section
            class=move || format!("nic {}", bridge().map(|bridge| rail_class(&bridge)).unwrap_or_default())
            class:draft=move || new.get()
            class:going=move || going.get()
            class:selected=move || selected.get()
        >
            {move || shown.get().map(|nic| {
                let facts = live.topology.with(|topology| topology.guests.get(&guest.get()).cloned());
                view! { <Lines nic guest=facts/> }
            })}
            <p class="soft">{rate}</p>
            <p class="draft-word">
                {move || {
                    if new.get() {
                        texts.draft_not_real.to_owned()
                    } else if going.get() {
                        texts.draft_going.to_owned()
                    } else {
                        moved(fact.get().as_ref(), drafted.get().flatten().as_ref(), texts)
                    }
                }}
            </p>
            <div class="actions">
                <button class="button small" on:click=move |_| ui.open(Dialog::Move { guest: guest.get_untracked(), mac })>
                    {texts.move_nic}
                </button>
                <button class="button small" on:click=move |_| ui.open(Dialog::Address { guest: guest.get_untracked(), mac })>
                    {texts.set_address}
                </button>
                <button class="button small" on:click=move |_| edit::set_cable(live, draft, mac, !cable.get_untracked())>
                    {move || if cable.get() { texts.pull_cable } else { texts.push_cable }}
                </button>
                <button
                    class="button small"
                    on:click=move |_| {
                        if going.get_untracked() { edit::keep(live, draft, mac) } else { edit::unplug(live, draft, mac) }
                    }
                >
                    {move || if going.get() { texts.keep } else { texts.unplug }}
                </button>
                {move || {
                    let addresses = shown.with(|nic| nic.as_ref().map(|nic| nic.addresses.clone())).unwrap_or_default();
                    let button = |address: IpAddr| view! { <Always mac address/> };
                    addresses.iter().map(|address| button(address.net.addr())).collect::<Part>()
                }}
            </div>
        </section>
    }
}

fn find(guest: Option<&Guest>, mac: Mac) -> Option<Socket> {
    guest?.nics.iter().find(|nic| nic.mac == mac).cloned()
}

fn moved(now: Option<&Socket>, then: Option<&Socket>, texts: &Texts) -> String {
    match (now, then) {
        (Some(now), Some(then)) if now.bridge != then.bridge => {
            fill(texts.draft_moves, &[then.bridge.as_deref().unwrap_or_default()])
        }
        (Some(now), Some(then)) if now != then => texts.draft_not_real.to_owned(),
        _ => String::new(),
    }
}

/// What else a guest says of its NIC: a DHCP client that works on it, and how its kernel validates sources.
fn inside(observed: &Observed, mac: Mac) -> Vec<String> {
    let found = observed.guests.values().find_map(|facts| Some((facts, facts.interface(mac)?)));
    let Some((facts, interface)) = found else { return Vec::new() };
    let filter = facts.rp_filter_of(interface).map(|mode| format!("rp_filter {mode}"));
    interface.dhcp.then(|| "DHCP".to_owned()).into_iter().chain(filter).collect()
}

#[component]
fn Lines(nic: Socket, guest: Option<Guest>) -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let subject = Subject::Nic(nic.mac.to_string());
    // Without saying `from the next start` twice.
    let survival = live
        .observed
        .with(|observed| live.document.with(|document| Survival::of(observed, &document.cluster, &subject)));
    let survival = survival.filter(|is| nic.live || !matches!(is, Survival::Saved { by: Keeper::NextStart }));
    let survival = survival.map(|survival| survival::words(&survival, &subject, texts));
    let name = nic.name.clone().unwrap_or_else(|| texts.nic.to_owned());
    let first = nic.addresses.first().map(|address| address.net.to_string());
    let place = nic.bridge.clone().or_else(|| nic.direct.clone()).unwrap_or_else(|| texts.unplugged.to_owned());
    let place = match &nic.tap {
        Some(tap) => fill(texts.by_tap, &[&place, &tap.name]),
        None => place,
    };
    let routes = guest.as_ref().and_then(|guest| guest.default_routes.as_ref());
    let default = routes.is_some_and(|routes| routes.iter().any(|route| route.mac == Some(nic.mac)));
    let mut words: Vec<String> = Vec::new();
    words.extend(nic.addresses.first().map(|address| facts::origin(&address.origin, texts)));
    words.extend(default.then(|| texts.default_route.to_owned()));
    words.extend(live.observed.with(|observed| inside(observed, nic.mac)));
    words.extend((!nic.cable).then(|| texts.cable_out.to_owned()));
    words.extend((!nic.live && nic.config).then(|| texts.not_in_machine.to_owned()));
    words.extend(survival);
    words.extend(nic.disagrees.as_ref().map(|other| fill(texts.disagree, &[other])));
    let more = nic.addresses.iter().skip(1).map(|address| {
        view! { <p class="soft"><code>{address.net.to_string()}</code>" · "{facts::origin(&address.origin, texts)}</p> }
    });
    view! {
        <div class="row"><b>{name}</b><code>{first}</code></div>
        <p class="soft">{place}" · "<code>{nic.mac.to_string()}</code></p>
        <p class="soft">{words.join(" · ")}</p>
        {more.collect::<Part>()}
    }
}
