//! Forms: each ends in an edited draft, none in an effect.
//!
//! Of all this only [`Dialogs`] itself is there from the start.

mod address;
mod addresses;
mod attach;
mod bridge;
mod destinations;
mod dhcp;
pub mod drafts;
pub mod edit;
mod export;
pub mod findings;
mod forward;
mod gateway;
mod history;
mod keep;
mod resolver;

use leptos::prelude::*;

use crate::{
    later::Loader,
    texts::{fill, later::texts},
    ui::{Dialog, Ui},
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Dialogs() -> impl IntoPart {
    let ui = Ui::here();
    let loader = Loader::here();
    move || ui.dialog.get().map(|dialog| loader.show(|later| (later.dialog)(dialog)))
}

pub fn content(dialog: Dialog) -> Part {
    match dialog {
        Dialog::Attach { guest } => view! { <attach::Attach guest mac=None/> },
        Dialog::Move { guest, mac } => view! { <attach::Attach guest mac=Some(mac)/> },
        Dialog::Address { guest, mac } => view! { <address::Address guest mac/> },
        Dialog::Resolver(guest) => view! { <resolver::Resolver guest/> },
        Dialog::NewBridge => view! { <bridge::BridgeForm name=None/> },
        Dialog::EditBridge(name) => view! { <bridge::BridgeForm name=Some(name)/> },
        Dialog::Gateway { bridge, guest, outside } => view! { <gateway::Gateway bridge guest outside/> },
        Dialog::Findings => view! { <findings::Findings/> },
        Dialog::Addresses => view! { <addresses::Addresses/> },
        Dialog::History => view! { <history::History/> },
        Dialog::Drafts => view! { <drafts::Drafts/> },
        Dialog::Export => view! { <export::Export/> },
    }
}

/// What a NIC can be plugged into: value and words. Values are `bridge:<name>` and `network:<name>`.
fn places() -> Vec<(String, String)> {
    let live = crate::live::Live::here();
    let texts = crate::texts::later::texts();
    let ui = Ui::here();
    let mut places: Vec<(String, String)> = live.topology.with_untracked(|topology| {
        let networks = topology.networks.values().filter(|network| network.active && !network.ours);
        networks
            .map(|network| (format!("network:{}", network.name), crate::texts::fill(texts.a_network, &[&network.name])))
            .collect()
    });
    let taken = live.topology.with_untracked(|topology| {
        let networks = topology.networks.values().filter(|network| !network.ours);
        networks.filter_map(|network| network.bridge.clone()).collect::<Vec<_>>()
    });
    ui.diagram.with_untracked(|d| {
        let bridges = d.rails.keys().filter(|name| !taken.contains(name));
        places.extend(bridges.map(|name| (format!("bridge:{name}"), crate::texts::fill(texts.a_bridge, &[name]))));
    });
    places
}

/// What is wrong with a number, if it is written.
fn not_a_number(value: RwSignal<String>) -> Memo<Option<String>> {
    Memo::new(move |_| {
        let text = value.get();
        let text = text.trim();
        (!text.is_empty() && text.parse::<u32>().is_err()).then(|| fill(texts().not_a_number, &[text]))
    })
}

fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What the reader wrote that is none of several addresses, and those that are.
fn list<T: std::str::FromStr>(text: &str) -> Result<Vec<T>, String> {
    let words = text.split([',', ' ', ';']).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|_| word.to_owned())).collect()
}
