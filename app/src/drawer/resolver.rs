//! What a guest calls itself, and which name servers it asks.

use leptos::prelude::*;
use model::observed::GuestFacts;

use crate::{
    live::Live,
    parts::facts::Fact,
    texts::later::texts,
    view::{IntoPart, component, view},
};

#[component]
pub fn Resolver(guest: String) -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let known = Memo::new(move |_| {
        let said = |facts: &GuestFacts| (facts.hostname.clone(), facts.nameservers.clone());
        live.observed.with(|observed| observed.guests.get(&guest).map(said)).unwrap_or_default()
    });
    move || {
        let (hostname, servers) = known.get();
        let servers = servers.map(|servers| servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        let servers = servers.map(|servers| if servers.is_empty() { texts.no_nameservers.to_owned() } else { servers });
        view! {
            {hostname.map(|hostname| view! { <Fact word=texts.own_hostname>{hostname}</Fact> })}
            {servers.map(|servers| view! { <Fact word=texts.nameservers>{servers}</Fact> })}
        }
    }
}
