//! A libvirt network: how it forwards, which addresses it gives, and to whom.

use leptos::prelude::*;
use model::{note::Subject, observed};

use super::{Notes, autostart::Autostart, put_back::PutBack};
use crate::{
    facts,
    live::Live,
    parts::facts::{Fact, Table},
    survival::AfterReboot,
    texts::later::texts,
    ui::{Dialog, Ui, clock},
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Network(name: String) -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let key = name.clone();
    let network = Memo::new(move |_| live.observed.with(|observed| observed.networks.get(&key).cloned()));
    let chosen = name.clone();
    let chosen = Memo::new(move |_| Some(chosen.clone()));
    let subject = name.clone();
    let subjects = Memo::new(move |_| vec![Subject::Network(subject.clone())]);
    view! {
        <div class="drawer-head"><h2>{name}</h2></div>
        <p class="sub">{texts.network}</p>
        {move || network.get().map(|network| view! { <Known network/> })}
        <Leases network=chosen/>
        <Notes subjects/>
    }
}

#[component]
fn Known(network: observed::Network) -> impl IntoPart {
    let texts = texts();
    let subnets = network.subnets.iter().map(|subnet| {
        let ranges = subnet
            .ranges
            .iter()
            .map(|range| view! { <code class="line">{format!("{} – {}", range.start, range.end)}</code> });
        view! { <code class="line">{subnet.address.to_string()}</code>{ranges.collect::<Part>()} }
    });
    let subnets = subnets.collect::<Part>();
    view! {
        <dl class="facts">
            <Fact word=texts.state>{if network.active { texts.active } else { texts.inactive }}</Fact>
            <Fact word=texts.mode>{network.forward.clone().unwrap_or_else(|| texts.isolated.to_owned())}</Fact>
            <Fact word=texts.bridge>{network.bridge.clone()}</Fact>
            <Fact word=texts.ranges>{subnets}</Fact>
            <Fact word=texts.autostart>{facts::yes(network.autostart, texts)}</Fact>
            <AfterReboot subject=Subject::Network(network.name.clone())/>
        </dl>
        <Actions name=network.name.clone()/>
    }
}

/// What the document can say of a network, also shown on its bridge.
#[component]
pub fn Actions(name: String) -> impl IntoPart {
    let subject = Subject::Network(name);
    view! {
        <div class="actions">
            <Autostart subject=subject.clone()/>
            <PutBack subject/>
        </div>
    }
}

/// Range and leases of a network, also shown on its bridge.
#[component]
pub fn Leases(network: Memo<Option<String>>) -> impl IntoPart {
    let live = Live::here();
    let ui = Ui::here();
    let texts = texts();
    let found = Memo::new(move |_| {
        let name = network.get()?;
        live.observed.with(|observed| observed.networks.get(&name).cloned())
    });
    let ranges = move || {
        found.get().map(|network| {
            let ranges = network.subnets.iter().flat_map(|subnet| &subnet.ranges);
            ranges.map(|range| format!("{} – {}", range.start, range.end)).collect::<Vec<_>>().join(", ")
        })
    };
    let table = move || {
        let leases = found.get().map(|network| network.leases).unwrap_or_default();
        let row = |lease: &observed::Lease| {
            vec![
                lease.address.addr().to_string(),
                lease.hostname.clone().unwrap_or_default(),
                lease.mac.map(|mac| mac.to_string()).unwrap_or_default(),
                clock(facts::seconds(lease.expires)),
            ]
        };
        let rows = leases.iter().map(row).collect();
        let heads = vec![texts.address, texts.hostname, texts.mac, texts.expires];
        view! { <Table label=texts.leases heads rows empty=texts.no_leases/> }
    };
    view! {
        <dl class="facts"><Fact word=texts.ranges><code>{ranges}</code></Fact></dl>
        {table}
        <button class="button" on:click=move |_| ui.open(Dialog::Addresses)>{texts.addresses_title}</button>
    }
}
