//! What a guest is called, and which name servers it asks.

use std::net::IpAddr;

use leptos::{ev::SubmitEvent, prelude::*};
use model::{check::wrong_hostname, resolver};

use super::{joined, list};
use crate::{
    draft::Draft,
    parts::{
        dialog::{Buttons, Modal},
        field::TextField,
    },
    texts::{fill, later::texts},
    ui::Ui,
    view::{IntoPart, component, view},
};

#[component]
pub fn Resolver(guest: String) -> impl IntoPart {
    let ui = Ui::here();
    let draft = Draft::here();
    let texts = texts();
    let entry = untrack(|| draft.cluster()).guest(&guest).cloned();
    let hostname = RwSignal::new(entry.as_ref().and_then(|entry| entry.hostname.clone()).unwrap_or_default());
    let dns = RwSignal::new(entry.map(|entry| joined(&entry.dns)).unwrap_or_default());
    let bad_hostname = Memo::new(move |_| {
        let text = hostname.get();
        let wrong = Some(text.trim()).filter(|text| !text.is_empty()).and_then(wrong_hostname);
        wrong.map(|wrong| wrong.text(texts.language).to_owned())
    });
    let bad_dns = Memo::new(move |_| list::<IpAddr>(&dns.get()).err().map(|word| fill(texts.not_an_ip, &[&word])));
    let title = fill(texts.resolver_title, &[&guest]);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Ok(name) = guest.parse() else { return };
        let servers = list(&dns.get_untracked()).unwrap_or_default();
        let hostname = Some(hostname.get_untracked().trim().to_owned()).filter(|hostname| !hostname.is_empty());
        draft.put(resolver::set(&untrack(|| draft.cluster()), &name, servers, hostname));
        ui.dialog.set(None);
    };
    let wrong = [bad_hostname, bad_dns];
    view! {
        <Modal title>
            <form on:submit=submit>
                <TextField
                    label=texts.hostname_optional
                    name="hostname"
                    value=hostname
                    hint=texts.given_back
                    example="node1"
                    error=bad_hostname
                />
                <TextField
                    label=texts.dns_optional
                    name="dns"
                    value=dns
                    hint=texts.given_back
                    example="10.0.0.9"
                    error=bad_dns
                />
                <Buttons blocked=Signal::derive(move || wrong.iter().any(|wrong| wrong.with(Option::is_some)))/>
            </form>
        </Modal>
    }
}
