//! The picture's twin: the same network as a nested list, where everything that the mouse can do is a button.
//!
//! The server writes it; in the browser it comes to life with the second module.

mod bridge;
mod guest;

use leptos::prelude::*;
use model::{diagram::HostNic, note::Subject};

use crate::{
    later::Loader,
    live::{Live, bits},
    survival::Worry,
    texts::{fill, later::texts},
    ui::{Dialog, Ui},
    view::{IntoPart, Part, component, view},
};

/// As many guests are listed at once; more are found by searching.
const SHOWN: usize = 60;

#[component]
pub fn Outline() -> impl IntoPart {
    let loader = Loader::here();
    move || loader.get().map_or(Part::Kept, |later| (later.outline)())
}

pub fn content() -> Part {
    let ui = Ui::here();
    let live = Live::here();
    let texts = texts();
    let bridges = Memo::new(move |_| ui.diagram.with(|d| d.rails.keys().cloned().collect::<Vec<_>>()));
    let networks = Memo::new(move |_| {
        live.topology.with(|topology| {
            let networks = topology.networks.values().filter(|network| !network.ours);
            networks.map(|network| network.name.clone()).collect::<Vec<_>>()
        })
    });
    let all = Memo::new(move |_| {
        let find = ui.find.get().trim().to_lowercase();
        live.topology.with(|topology| {
            let matches = |name: &&String| find.is_empty() || guest::matches(&topology.guests[*name], &find);
            topology.guests.keys().filter(matches).cloned().collect::<Vec<_>>()
        })
    });
    let limit = RwSignal::new(SHOWN);
    let guests = Memo::new(move |_| all.with(|all| all.iter().take(limit.get()).cloned().collect::<Vec<_>>()));
    let more = move || all.with(Vec::len).saturating_sub(limit.get());
    // Until then its buttons do not listen.
    let asleep = cfg!(not(feature = "hydrate"));
    view! {
        <nav class="outline" id="outline" tabindex="-1" aria-label=texts.outline data-asleep=asleep>
            <p class="soft">{texts.outline_hint}</p>
            <div class="actions">
                <button class="button" on:click=move |_| ui.open(Dialog::NewBridge)>{texts.new_bridge}</button>
                <button
                    class="button"
                    on:click=move |_| ui.open(Dialog::Gateway { bridge: None, guest: None, outside: None })
                >
                    {texts.make_gateway}
                </button>
                <button class="button" on:click=move |_| ui.open(Dialog::Addresses)>{texts.addresses_title}</button>
            </div>
            <ul class="tree">
                <li>
                    <Item subject=Subject::Host name=texts.host.to_owned()/>
                    <ul><Uplinks/></ul>
                </li>
                <li>
                    <h2>{texts.bridge}</h2>
                    <ul>
                        <For each=move || bridges.get() let:name>
                            <bridge::BridgeItem name/>
                        </For>
                    </ul>
                </li>
                {move || (!networks.with(Vec::is_empty)).then(|| view! {
                    <li>
                        <h2>{texts.network}</h2>
                        <ul>
                            <For each=move || networks.get() let:name>
                                <li>
                                    <Item subject=Subject::Network(name.clone()) name=name.clone()/>
                                    <Worry subject=Subject::Network(name)/>
                                </li>
                            </For>
                        </ul>
                    </li>
                })}
                <li>
                    <h2>{texts.guests}</h2>
                    <ul>
                        <For each=move || guests.get() let:name>
                            <guest::GuestItem name/>
                        </For>
                    </ul>
                    {move || (more() > 0).then(|| view! {
                        <button class="button wide" on:click=move |_| limit.update(|limit| *limit += SHOWN)>
                            {fill("+ {}", &[&more().to_string()])}
                        </button>
                    })}
                </li>
            </ul>
        </nav>
    }
}

/// A name that selects.
#[component]
fn Item(subject: Subject, name: String) -> impl IntoPart {
    let ui = Ui::here();
    let shown = subject.clone();
    let current = move || ui.is_selected(&shown).then_some("true");
    view! {
        <button class="item" aria-current=current on:click=move |_| ui.select(Some(subject.clone()))>
            {name}
        </button>
    }
}

#[component]
fn Uplinks() -> impl IntoPart {
    let live = Live::here();
    let ui = Ui::here();
    let texts = texts();
    let nics =
        Memo::new(move |_| ui.diagram.with(|d| d.host.nics.iter().map(|(_, nic)| nic.clone()).collect::<Vec<_>>()));
    let line = move |nic: HostNic| {
        let subject = Subject::Link(nic.name.clone());
        let (name, worry) = (nic.name.clone(), subject.clone());
        let rate = move || live.rates.with(|rates| rates.get(&name).map(|rate| format!(" ↓ {}", bits(rate.received))));
        let way = nic.default_via.map(|via| fill(texts.default_via, &[&via.to_string()]));
        view! {
            <li>
                <Item subject name=nic.name/>
                <span class="soft">{nic.addresses.join(", ")}" "{way}{rate}</span>
                <Worry subject=worry/>
            </li>
        }
    };
    move || nics.get().into_iter().map(line).collect::<Part>()
}
