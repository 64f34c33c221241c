//! A bridge: what it is, its ports, what it has learnt, the leases of its network.

use leptos::prelude::*;
use model::{
    note::Subject,
    topology::{Rail, Talk},
};

use super::{
    Notes,
    destinations::Destinations,
    dhcp::Given,
    forward::Forwards,
    network::{self, Leases},
    ports::{Fdb, Ports},
    put_back::PutBack,
};
use crate::{
    dialog::edit,
    draft::Draft,
    facts,
    live::Live,
    parts::{facts::Fact, tabs::Tabs},
    survival::AfterReboot,
    texts::{
        fill,
        later::{Texts, texts},
    },
    ui::{Dialog, Ui},
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Bridge(name: String) -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let key = name.clone();
    let rail = Memo::new(move |_| live.topology.with(|topology| topology.bridges.get(&key).cloned()));
    let network = Memo::new(move |_| rail.with(|rail| rail.as_ref().and_then(|rail| rail.network.clone())));
    let subject = name.clone();
    let subjects = Memo::new(move |_| vec![Subject::Link(subject.clone()), Subject::Gateway(subject.clone())]);
    let tab = RwSignal::new(0);
    let tabs = move || {
        let mut names = vec![texts.overview, texts.ports, texts.fdb];
        names.extend(network.with(Option::is_some).then_some(texts.leases));
        view! { <Tabs names chosen=tab label=texts.details/> }
    };
    let sub = move || {
        rail.with(|rail| rail.as_ref().map_or_else(|| texts.draft_bridge.to_owned(), |rail| origin(rail, texts)))
    };
    view! {
        <div class="drawer-head"><h2>{name.clone()}</h2></div>
        <p class="sub">{sub}</p>
        {tabs}
        <div id="panel" role="tabpanel" aria-labelledby=move || format!("tab-{}", tab.get())>
            {
                let name = name.clone();
                move || match tab.get() {
                    0 => view! { <Overview name=name.clone() rail/> },
                    1 => view! { <Ports rail/> },
                    2 => view! { <Fdb rail/> },
                    _ => view! { <Leases network/> },
                }
            }
        </div>
        <Notes subjects/>
    }
}

fn origin(rail: &Rail, texts: &Texts) -> String {
    let whose = match &rail.network {
        Some(network) => fill(texts.libvirt_network, &[network]),
        None if rail.ours => texts.made_by_us.to_owned(),
        None => texts.not_ours.to_owned(),
    };
    format!("{} · {whose} · {}", texts.bridge, if rail.up { texts.on } else { texts.down })
}

#[component]
fn Overview(name: String, rail: Memo<Option<Rail>>) -> impl IntoPart {
    let (served, bridge) = (name.clone(), name.clone());
    view! {
        {move || rail.get().map(|rail| view! { <Known rail/> })}
        <Destinations bridge=served/>
        <Forwards bridge/>
        <Actions name rail/>
    }
}

#[component]
fn Known(rail: Rail) -> impl IntoPart {
    let texts = texts();
    let addresses = rail
        .addresses
        .iter()
        .map(|address| view! { <code class="line">{address.net.to_string()}</code> })
        .collect::<Part>();
    let talk = match &rail.talk {
        _ if rail.let_through => texts.let_through.to_owned(),
        Talk::Yes => texts.talk_yes.to_owned(),
        Talk::Dropped(chains) => fill(texts.talk_dropped, &[&chains.join(", ")]),
    };
    view! {
        <dl class="facts">
            <Fact word=texts.addresses>{addresses}</Fact>
            <Fact word=texts.mac><code>{rail.mac.map(|mac| mac.to_string())}</code></Fact>
            <Fact word=texts.mtu>{rail.mtu}</Fact>
            <Fact word=texts.ports>{rail.ports.len()}</Fact>
            <Fact word=texts.ports_talk>{talk}</Fact>
            <Fact word=texts.stp>{facts::on(rail.stp, texts)}</Fact>
            <Fact word=texts.learnt>{rail.learnt}</Fact>
            <Given bridge=rail.name.clone()/>
            <AfterReboot subject=Subject::Link(rail.name.clone())/>
            {(!rail.gateways.is_empty()).then(|| view! { <Fact word=texts.gateway>{rail.gateways.join(", ")}</Fact> })}
        </dl>
    }
}

/// What can be done with a bridge. Those that are not ours are only gatewayed.
#[component]
fn Actions(name: String, rail: Memo<Option<Rail>>) -> impl IntoPart {
    let ui = Ui::here();
    let draft = Draft::here();
    let texts = texts();
    let key = name.clone();
    let ours = Memo::new(move |_| draft.cluster().bridge(&key).is_some());
    let key = name.clone();
    let gateway = Memo::new(move |_| draft.cluster().gateway(&key).is_some());
    let subject = Subject::Link(name.clone());
    let network = Memo::new(move |_| rail.with(|rail| rail.as_ref().and_then(|rail| rail.network.clone())));
    let strange = move || !ours.get() && network.with(Option::is_none) && rail.with(Option::is_some);
    let (edited, deleted, removed, opened) = (name.clone(), name.clone(), name.clone(), name);
    view! {
        <div class="actions">
            <button
                class="button"
                on:click=move |_| {
                    ui.open(Dialog::Gateway { bridge: Some(opened.clone()), guest: None, outside: None });
                }
            >
                {texts.gateway_menu}
            </button>
            {move || gateway.get().then(|| {
                let name = removed.clone();
                view! {
                    <button class="button" on:click=move |_| edit::remove_gateway(draft, &name)>
                        {texts.remove_gateway}
                    </button>
                }
            })}
            {move || ours.get().then(|| {
                let (edited, deleted) = (edited.clone(), deleted.clone());
                view! {
                    <button class="button" on:click=move |_| ui.open(Dialog::EditBridge(edited.clone()))>{texts.edit}</button>
                    <button class="button" on:click=move |_| edit::delete_bridge(draft, &deleted)>{texts.delete_bridge}</button>
                    <PutBack subject=subject.clone()/>
                }
            })}
        </div>
        {move || network.get().filter(|_| !ours.get()).map(|name| view! { <network::Actions name/> })}
        {move || strange().then(|| view! { <p class="soft">{texts.adopt_first}</p> })}
    }
}
