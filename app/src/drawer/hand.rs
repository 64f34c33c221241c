//! What a person has to set inside a guest that nobody can look into.

use leptos::prelude::*;
use model::hand::{self, ByHand, Leased};

use crate::{
    draft::Draft,
    live::Live,
    parts::copy::Copy,
    texts::{fill, later::texts},
    view::{IntoPart, Part, component, view},
};

/// The commands, of the draft if there is one; nothing where nothing is to be done by hand.
#[component]
pub fn Hand(guest: String) -> impl IntoPart {
    let live = Live::here();
    let draft = Draft::here();
    let wanted = Memo::new(move |_| {
        let cluster = draft.cluster();
        live.observed.with(|observed| hand::by_hand(observed, &cluster, &guest))
    });
    move || wanted.get().map(|by_hand| view! { <Card by_hand/> })
}

#[component]
fn Card(by_hand: ByHand) -> impl IntoPart {
    let texts = texts();
    let ByHand { commands, leases } = by_hand;
    let leases = leases.into_iter().map(|leased| view! { <Instead leased/> }).collect::<Part>();
    view! {
        <section class="file" aria-label=texts.by_hand>
            <div class="file-head">
                <h3>{texts.by_hand}</h3>
                <Copy text=commands.clone()/>
            </div>
            <p class="soft">{texts.by_hand_means}</p>
            <pre tabindex="0" class="commands">{commands}</pre>
            {leases}
        </section>
    }
}

/// That DHCP can give an address, and the button for it.
#[component]
fn Instead(leased: Leased) -> impl IntoPart {
    let draft = Draft::here();
    let texts = texts();
    let words = fill(texts.by_dhcp, &[&leased.network, &leased.address.to_string()]);
    let set = move |_| draft.put(hand::by_dhcp(&untrack(|| draft.cluster()), &leased));
    view! {
        <p class="soft">{words}</p>
        <div class="actions"><button class="button small" on:click=set>{texts.always_this_address}</button></div>
    }
}
