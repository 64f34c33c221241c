//! A guest in the outline, with its NICs and everything that can be done with them.

use leptos::prelude::*;
use model::{Mac, note::Subject, topology::Guest};

use super::Item;
use crate::{
    dialog::edit,
    draft::Draft,
    facts,
    live::Live,
    survival::Worry,
    texts::{fill, later::texts},
    ui::{Dialog, Ui},
    view::{IntoPart, component, view},
};

pub fn matches(guest: &Guest, find: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(find);
    has(&guest.name)
        || guest.nics.iter().any(|nic| {
            has(&nic.mac.to_string())
                || nic.bridge.as_deref().is_some_and(has)
                || nic.tap.as_ref().is_some_and(|tap| has(&tap.name))
                || nic.addresses.iter().any(|address| has(&address.net.to_string()))
        })
}

#[component]
pub fn GuestItem(name: String) -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let texts = texts();
    let key = name.clone();
    let guest = Memo::new(move |_| live.topology.with(|topology| topology.guests.get(&key).cloned()));
    let macs = Memo::new(move |_| {
        guest
            .with(|guest| guest.as_ref().map(|g| g.nics.iter().map(|nic| nic.mac).collect::<Vec<_>>()))
            .unwrap_or_default()
    });
    let words = move || {
        guest.with(|guest| {
            guest.as_ref().map(|guest| facts::standing(guest.state, guest.agent, guest.trouble.is_some(), texts))
        })
    };
    let label = fill(texts.actions, &[&name]);
    let (plug, route, owner, owned) = (name.clone(), name.clone(), name.clone(), name.clone());
    view! {
        <li>
            <Item subject=Subject::Guest(name.clone()) name=name/>
            <span class="soft">{words}</span>
            <Worry subject=Subject::Guest(owned)/>
            <span class="item-actions" role="group" aria-label=label>
                <button class="button small" on:click=move |_| ui.open(Dialog::Attach { guest: plug.clone() })>
                    {texts.add_nic}
                </button>
                <button
                    class="button small"
                    on:click=move |_| {
                        ui.open(Dialog::Gateway { bridge: None, guest: Some(route.clone()), outside: None });
                    }
                >
                    {texts.make_gateway}
                </button>
            </span>
            <ul>
                <For each=move || macs.get() let:mac>
                    <NicItem guest owner=owner.clone() mac/>
                </For>
            </ul>
        </li>
    }
}

#[component]
fn NicItem(guest: Memo<Option<Guest>>, owner: String, mac: Mac) -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let nic = Memo::new(move |_| {
        guest.with(|guest| guest.as_ref().and_then(|guest| guest.nics.iter().find(|nic| nic.mac == mac).cloned()))
    });
    let name =
        nic.with_untracked(|nic| nic.as_ref().and_then(|nic| nic.name.clone())).unwrap_or_else(|| mac.to_string());
    let words = move || {
        nic.with(|nic| {
            let Some(nic) = nic else { return String::new() };
            let place = nic.bridge.clone().unwrap_or_else(|| texts.unplugged.to_owned());
            let address = nic.addresses.first().map(|address| address.net.to_string()).unwrap_or_default();
            format!("{place} {address}")
        })
    };
    let cable = Memo::new(move |_| nic.with(|nic| nic.as_ref().is_none_or(|nic| nic.cable)));
    let label = fill(texts.actions, &[&format!("{owner} {name}")]);
    let (moved, set) = (owner.clone(), owner);
    view! {
        <li>
            <Item subject=Subject::Nic(mac.to_string()) name=name/>
            <span class="soft">{words}</span>
            <Worry subject=Subject::Nic(mac.to_string())/>
            <span class="item-actions" role="group" aria-label=label>
                <button class="button small" on:click=move |_| ui.open(Dialog::Move { guest: moved.clone(), mac })>
                    {texts.move_nic}
                </button>
                <button class="button small" on:click=move |_| ui.open(Dialog::Address { guest: set.clone(), mac })>
                    {texts.set_address}
                </button>
                <button class="button small" on:click=move |_| edit::set_cable(live, draft, mac, !cable.get_untracked())>
                    {move || if cable.get() { texts.pull_cable } else { texts.push_cable }}
                </button>
                <button class="button small" on:click=move |_| edit::unplug(live, draft, mac)>{texts.unplug}</button>
            </span>
        </li>
    }
}
