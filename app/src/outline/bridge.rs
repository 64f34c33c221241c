//! A bridge in the outline.

use leptos::prelude::*;
use model::{diagram::Mark, note::Subject};

use super::Item;
use crate::{
    survival::Worry,
    texts::{fill, later::texts},
    ui::{Dialog, Ui},
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn BridgeItem(name: String) -> impl IntoPart {
    let ui = Ui::here();
    let texts = texts();
    let key = name.clone();
    let rail = Memo::new(move |_| ui.diagram.with(|d| d.rails.get(&key).map(|rail| rail.is.clone())));
    let words = move || {
        rail.with(|rail| {
            let Some(rail) = rail else { return String::new() };
            let mark = match rail.mark {
                Mark::Real => "",
                Mark::Draft => texts.draft_bridge,
                Mark::Going => texts.bridge_going,
            };
            let network = rail.network.as_ref().map(|name| fill(texts.libvirt_network, &[name])).unwrap_or_default();
            format!("{} {network} {mark}", rail.addresses.join(", "))
        })
    };
    let ports = move || {
        ui.diagram.with(|d| {
            let sockets = d.cards.values().flat_map(|card| card.sockets.iter().map(move |socket| (card, socket)));
            let own = sockets.filter(|(_, socket)| {
                rail.with(|rail| rail.as_ref().is_some_and(|rail| socket.nic.ends.iter().any(|end| end.rail == rail.name)))
            });
            own.map(|(card, socket)| {
                let nic = socket.nic.name.clone().unwrap_or_default();
                view! { <li class="soft">{format!("{} {nic} {}", card.title, socket.nic.tap.clone().unwrap_or_default())}</li> }
            })
            .collect::<Part>()
        })
    };
    let label = fill(texts.actions, &[&name]);
    let (opened, worry) = (name.clone(), Subject::Link(name.clone()));
    view! {
        <li>
            <Item subject=Subject::Link(name.clone()) name=name/>
            <span class="soft">{words}</span>
            <Worry subject=worry/>
            <span class="item-actions" role="group" aria-label=label>
                <button
                    class="button small"
                    on:click=move |_| {
                        ui.open(Dialog::Gateway { bridge: Some(opened.clone()), guest: None, outside: None });
                    }
                >
                    {texts.gateway_menu}
                </button>
            </span>
            <ul>{ports}</ul>
        </li>
    }
}
