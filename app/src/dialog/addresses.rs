//! Every address that is known: who has it, who says so, and which are free.

use leptos::prelude::*;
use model::address::{Address, Holder, Source, Subnet, subnets};

use crate::{
    drawer::lease::Always,
    live::Live,
    parts::{dialog::Modal, facts::Cells},
    texts::{
        fill,
        later::{Texts, texts},
    },
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Addresses() -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let all = Memo::new(move |_| {
        let document = live.document.get();
        live.observed.with(|observed| subnets(observed, &document.cluster))
    });
    view! {
        <Modal title=texts.addresses_title.to_owned()>
            {move || all.with(Vec::is_empty).then(|| view! { <p class="soft">{texts.no_addresses}</p> })}
            {move || all.get().into_iter().map(|subnet| view! { <Of subnet/> }).collect::<Part>()}
        </Modal>
    }
}

#[component]
fn Of(subnet: Subnet) -> impl IntoPart {
    let texts = texts();
    let places = Vec::from_iter(subnet.places.iter().map(String::as_str)).join(", ");
    let rows = subnet.addresses.iter().map(|address| row(address, texts)).collect();
    let heads = vec![texts.address, texts.holder, texts.told_by];
    let range = |start: String, end: String| if start == end { start } else { format!("{start} – {end}") };
    let free: Vec<String> = subnet.free.iter().map(|(start, end)| range(start.to_string(), end.to_string())).collect();
    let given: Vec<String> =
        subnet.ranges.iter().map(|(start, end)| range(start.to_string(), end.to_string())).collect();
    let said = |words: &str, list: Vec<String>| {
        (!list.is_empty()).then(|| view! { <p class="soft">{fill(words, &[&list.join(", ")])}</p> })
    };
    view! {
        <section>
            <h3><code>{subnet.net.to_string()}</code>" "{places}</h3>
            <Cells label=texts.addresses_title heads rows empty=texts.no_addresses/>
            {said(texts.given_by_dhcp, given)}
            {said(texts.free_addresses, free)}
        </section>
    }
}

/// Whoever shares an address with others is said to be in conflict.
fn row(address: &Address, texts: &Texts) -> Vec<Part> {
    let holders = address.holders.keys().map(|holder| match holder {
        Holder::Link(link) => format!("{} · {link}", texts.host),
        Holder::Nic { guest, mac } => format!("{guest} · {mac}"),
        Holder::Stranger(mac) => mac.to_string(),
        Holder::Name(name) => name.clone(),
    });
    let mut holders = holders.collect::<Vec<_>>().join(" ↔ ");
    if address.holders.len() > 1 {
        holders = format!("{}: {holders}", texts.conflict);
    }
    let sources = address.holders.values().flatten().copied().collect::<std::collections::BTreeSet<Source>>();
    let sources = sources.into_iter().map(|source| match source {
        Source::Document => texts.source_document,
        Source::Kernel => texts.source_kernel,
        Source::Guest => texts.source_guest,
        Source::Lease => texts.source_lease,
        Source::StaticLease => texts.source_static_lease,
        Source::Neighbour => texts.source_neighbour,
    });
    let sources = sources.collect::<Vec<_>>().join(", ");
    let ip = address.address;
    let macs = address.holders.keys().filter_map(|holder| match holder {
        Holder::Nic { mac, .. } | Holder::Stranger(mac) => Some(*mac),
        Holder::Link(_) | Holder::Name(_) => None,
    });
    let buttons = macs.map(|mac| view! { <Always mac address=ip/> }).collect::<Part>();
    vec![ip.to_string().into_part(), holders.into_part(), view! { {sources}" "{buttons} }]
}
