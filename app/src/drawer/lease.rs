//! Whether a guest keeps the address that DHCP gave it.

use std::net::IpAddr;

use leptos::prelude::*;
use model::{Mac, lease};

use crate::{
    draft::Draft,
    live::Live,
    texts::later::texts,
    view::{IntoPart, component, view},
};

/// The button that changes it, where the document can say it.
#[component]
pub fn Always(mac: Mac, address: IpAddr) -> impl IntoPart {
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let choice = Memo::new(move |_| {
        let cluster = draft.cluster();
        live.observed.with(|observed| {
            live.document.with(|document| lease::choice(observed, &document.cluster, &cluster, mac, address))
        })
    });
    move || {
        choice.get().map(|choice| {
            let words = if choice.always { texts.not_always } else { texts.always_this_address };
            let set = move |_| draft.put(lease::choose(&untrack(|| draft.cluster()), &choice));
            view! { <button class="button small" on:click=set>{words}</button> }
        })
    }
}
