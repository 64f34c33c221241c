//! The part of the bridge's form that says which addresses are given on it.

use leptos::prelude::*;
use model::{
    cluster::{Dhcp, Range},
    dhcp,
};

use super::list;
use crate::{
    parts::field::{Check, TextField},
    texts::{fill, later::texts},
    view::{IntoPart, component, view},
};

/// What is written in the form.
#[derive(Clone, Copy)]
pub struct Fields {
    on: RwSignal<bool>,
    range: RwSignal<String>,
    router: RwSignal<String>,
    bad_range: Memo<Option<String>>,
    bad_router: Memo<Option<String>>,
}

impl Fields {
    pub fn of(dhcp: Option<&Dhcp>) -> Self {
        let texts = texts();
        let on = RwSignal::new(dhcp.is_some());
        let range = RwSignal::new(dhcp.map(|dhcp| dhcp.range.to_string()).unwrap_or_default());
        let router = dhcp.and_then(|dhcp| dhcp.router).map(|router| router.to_string());
        let router = RwSignal::new(router.unwrap_or_default());
        let bad_range = Memo::new(move |_| {
            let text = range.get();
            let wrong = on.get() && text.trim().parse::<Range>().is_err();
            wrong.then(|| fill(texts.not_a_range, &[text.trim()]))
        });
        let bad_router = Memo::new(move |_| {
            let text = router.get();
            let text = text.trim();
            let wrong = on.get() && !text.is_empty() && text.parse::<std::net::Ipv4Addr>().is_err();
            wrong.then(|| fill(texts.not_an_ip, &[text]))
        });
        Self { on, range, router, bad_range, bad_router }
    }

    pub fn is_wrong(self) -> bool {
        self.bad_range.with(Option::is_some) || self.bad_router.with(Option::is_some)
    }

    pub fn written(self) -> Option<Dhcp> {
        let range = self.range.get_untracked().trim().parse().ok()?;
        self.on.get_untracked().then(|| Dhcp { range, router: self.router.get_untracked().trim().parse().ok() })
    }
}

/// `address` is what the form says of the host's own, from which a range is suggested.
#[component]
pub fn Served(fields: Fields, address: RwSignal<String>) -> impl IntoPart {
    let texts = texts();
    let Fields { on, range, router, bad_range, bad_router } = fields;
    Effect::new(move |_| {
        if on.get() && range.with_untracked(|range| range.trim().is_empty()) {
            let own: Vec<ipnet::IpNet> = list(&address.get_untracked()).unwrap_or_default();
            let guess = own.into_iter().find_map(dhcp::suggest);
            range.set(guess.map(|range| range.to_string()).unwrap_or_default());
        }
    });
    view! {
        <Check label=texts.serve_addresses.to_owned() name="dhcp" value=on/>
        {move || on.get().then(|| view! {
            <TextField
                label=texts.dhcp_range
                name="range"
                value=range
                hint=""
                example="192.168.48.128-192.168.48.254"
                error=bad_range
            />
            <TextField
                label=texts.dhcp_router
                name="router"
                value=router
                hint=texts.dhcp_router_hint
                example="192.168.48.10"
                error=bad_router
            />
        })}
    }
}
