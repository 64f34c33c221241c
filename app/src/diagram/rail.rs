//! A bridge: a rail with its name above it.

use leptos::prelude::*;
use model::{
    diagram::{Mark, Rail, RailSketch, Rect},
    note::Subject,
};

use super::{
    cable::{colour, mark},
    drag::Drag,
    survival::Badge,
};
use crate::{
    texts::{Texts, fill, texts},
    ui::Ui,
    view::{IntoPart, component, view},
};

#[component]
pub fn RailView(key: String) -> impl IntoPart {
    let ui = Ui::here();
    let texts = texts();
    let drag = Drag::here();
    let name = key.clone();
    let rail = Memo::new(move |_| {
        ui.diagram.with(|d| d.rails.get(&key).cloned()).unwrap_or_else(|| Rail {
            rect: Rect::default(),
            label: Rect::default(),
            is: nothing(),
        })
    });
    let is = Memo::new(move |_| rail.with(|rail| rail.is.clone()));
    let class = move || is.with(|is| format!("{} {}", colour(Some(is.colour)), mark(is.mark)));
    let subject = Memo::new(move |_| is.with(|is| is.subject.clone()));
    let selected = move || subject.with(|subject| ui.is_selected(subject));
    let select = move |_| ui.select(Some(subject.get_untracked()));
    let target = Memo::new(move |_| drag.over().as_deref() == Some(name.as_str()));
    view! {
        <div
            class=move || format!("rail {}", class())
            class:down=move || is.with(|is| !is.up && is.mark != Mark::Draft)
            class:selected=selected
            class:target=move || target.get()
            data-subject=move || subject.get().to_string()
            style=move || rail.with(|rail| rail.rect.style())
            on:click=select
        ></div>
        <button
            class=move || format!("rail-label {}", class())
            class:selected=selected
            style=move || rail.with(|rail| rail.label.style())
            on:click=select
        >
            <b>{move || is.with(|is| is.name.clone())}</b>
            <code>{move || is.with(addresses)}</code>
            <small>
                {move || view! { <Badge subject=subject.get()/> }}
                {move || is.with(|is| origin(is, texts))}
            </small>
        </button>
    }
}

fn addresses(is: &RailSketch) -> String {
    match is.addresses.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} +{}", rest.len()),
    }
}

/// Whose it is, and what the draft would do with it.
fn origin(is: &RailSketch, texts: &Texts) -> String {
    match (is.mark, &is.network) {
        (Mark::Draft, _) => texts.draft_bridge.to_owned(),
        (Mark::Going, _) => texts.bridge_going.to_owned(),
        (Mark::Real, Some(network)) if matches!(is.subject, Subject::Network(_)) => {
            fill(texts.network_idle, &[network])
        }
        (Mark::Real, Some(network)) if is.dhcp => fill(texts.dhcp_of, &[network]),
        (Mark::Real, Some(network)) => fill(texts.libvirt_network, &[network]),
        (Mark::Real, None) if is.ours => texts.made_by_us.to_owned(),
        (Mark::Real, None) => texts.not_ours.to_owned(),
    }
}

/// What a rail is in the instant between its end and that of its view.
fn nothing() -> RailSketch {
    RailSketch {
        name: String::new(),
        subject: Subject::Host,
        colour: 0,
        rank: 0,
        addresses: Vec::new(),
        network: None,
        dhcp: false,
        ours: false,
        up: false,
        wired: false,
        others: Vec::new(),
        mark: Mark::Real,
    }
}
