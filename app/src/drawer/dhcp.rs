//! What is given on a bridge, among the facts of its drawer.

use leptos::prelude::*;
use model::observed::{DhcpHost, Network};

use crate::{
    live::Live,
    parts::facts::Fact,
    texts::later::{Texts, texts},
    view::{IntoPart, Part, component, view},
};

/// Nothing, for a bridge that libvirt does not make for us.
#[component]
pub fn Given(bridge: String) -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let network = Memo::new(move |_| live.observed.with(|observed| observed.served(&bridge).cloned()));
    move || network.get().map(|network| given(&network, texts))
}

fn given(network: &Network, texts: &'static Texts) -> Part {
    let subnets = || network.subnets.iter();
    let ranges = subnets().flat_map(|subnet| &subnet.ranges).map(|range| format!("{} – {}", range.start, range.end));
    let router = network.router().map_or_else(|| texts.no_router.to_owned(), |router| router.to_string());
    let hosts: Vec<String> = subnets().flat_map(|subnet| &subnet.hosts).map(fixed).collect();
    view! {
        <Fact word=texts.given>{lines(ranges.collect())}</Fact>
        <Fact word=texts.router>{router}</Fact>
        {(!hosts.is_empty()).then(|| view! { <Fact word=texts.static_leases>{lines(hosts)}</Fact> })}
    }
    .into_part()
}

fn lines(texts: Vec<String>) -> Part {
    texts.into_iter().map(|text| view! { <code class="line">{text}</code> }).collect::<Part>()
}

fn fixed(host: &DhcpHost) -> String {
    let mac = host.mac.map(|mac| format!(" {mac}")).unwrap_or_default();
    let name = host.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("{}{mac}{name}", host.address)
}
