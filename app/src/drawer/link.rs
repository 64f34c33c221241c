//! A link that is no bridge: an uplink, a tap, a tunnel, or whatever the kernel calls it.

use leptos::prelude::*;
use model::{note::Subject, observed};

use super::Notes;
use crate::{
    dialog::edit,
    draft::Draft,
    facts,
    live::{Live, bits},
    parts::facts::Fact,
    survival::AfterReboot,
    texts::later::texts,
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Link(name: String) -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let key = name.clone();
    let link = Memo::new(move |_| live.observed.with(|observed| observed.link(&key).cloned()));
    let key = name.clone();
    let rate = move || {
        let rate = live.rates.with(|rates| rates.get(&key).copied())?;
        Some(format!("↓ {} ↑ {}", bits(rate.received), bits(rate.sent)))
    };
    let subject = name.clone();
    let subjects = Memo::new(move |_| vec![Subject::Link(subject.clone())]);
    view! {
        <div class="drawer-head"><h2>{name}</h2></div>
        {move || match link.get() {
            Some(link) => view! { <Known link/> },
            None => view! { <p class="sub">{texts.gone}</p> },
        }}
        <dl class="facts"><Fact word=texts.rate>{rate}</Fact></dl>
        <Notes subjects/>
    }
}

#[component]
fn Known(link: observed::Link) -> impl IntoPart {
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let uplink = link.name.clone();
    let free = link.master.is_none() && live.topology.with_untracked(|topology| topology.uplinks.contains_key(&uplink));
    let name =
        |index: Option<u32>| live.observed.with_untracked(|observed| Some(observed.links.get(&index?)?.name.clone()));
    let addresses = link
        .addresses
        .iter()
        .map(|address| view! { <code class="line">{address.net.to_string()}</code> })
        .collect::<Part>();
    let kind = link.kind.clone().unwrap_or_else(|| texts.hardware.to_owned());
    let state = match (link.up, link.carrier) {
        (false, _) => texts.down,
        (true, false) => texts.no_signal,
        (true, true) => texts.on,
    };
    view! {
        <p class="sub">{kind}</p>
        <dl class="facts">
            <Fact word=texts.state>{state}</Fact>
            <Fact word=texts.addresses>{addresses}</Fact>
            <Fact word=texts.mac><code>{link.mac.map(|mac| mac.to_string())}</code></Fact>
            <Fact word=texts.mtu>{link.mtu}</Fact>
            {name(link.master).map(|master| view! { <Fact word=texts.bridge>{master}</Fact> })}
            {name(link.peer.filter(|_| !link.peer_elsewhere)).map(|peer| view! { <Fact word=texts.behind>{peer}</Fact> })}
            {link.forwarding.map(|on| view! { <Fact word=texts.forwarding>{facts::on(on, texts)}</Fact> })}
            {link.rp_filter.map(|mode| view! { <Fact word="rp_filter">{mode}</Fact> })}
            <AfterReboot subject=Subject::Link(link.name.clone())/>
        </dl>
        {free.then(|| view! {
            <div class="actions spaced">
                <button class="button" on:click=move |_| edit::bridge_over(live, draft, &uplink)>{texts.bridge_over}</button>
            </div>
            <p class="soft spaced">{texts.bridge_over_means}</p>
        })}
    }
}
