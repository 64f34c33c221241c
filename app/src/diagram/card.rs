//! Cards: guests, groups of guests, and ports that nobody knows.

use leptos::prelude::*;
use model::{
    diagram::{Card, CardKind, GatewayLine, Mark, Rect, Side},
    note::Subject,
    observed::DomainState,
};

use super::{
    cable::{colour, mark},
    socket::SocketView,
    survival::Badge,
};
use crate::{
    facts,
    texts::{Texts, fill, texts},
    ui::{Dialog, Ui},
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn CardView(key: String) -> impl IntoPart {
    let ui = Ui::here();
    let card = Memo::new(move |_| ui.diagram.with(|d| d.cards.get(&key).cloned()));
    let rect = Memo::new(move |_| card.with(|card| card.as_ref().map(|card| card.rect)).unwrap_or_default());
    // What is on the card, wherever it stands: a card that only moves is not drawn again.
    let face = Memo::new(move |_| {
        card.get().map(|mut card| {
            card.rect = Rect::new(0, 0, card.rect.w, card.rect.h);
            card
        })
    });
    let subject = Memo::new(move |_| face.with(|card| card.as_ref().map(|card| card.subject.clone())));
    let selected = move || ui.selected.with(|selected| selected.is_some() && subject.with(|own| own == selected));
    view! {
        <article
            class=move || face.with(|card| card.as_ref().map(class))
            class:selected=selected
            data-subject=move || subject.get().map(|subject| subject.to_string())
            style=move || rect.get().style()
            on:click=move |_| ui.select(subject.get_untracked())
        >
            {move || face.get().map(|card| view! { <Face card/> })}
        </article>
    }
}

fn class(card: &Card) -> String {
    match &card.kind {
        CardKind::Guest { folded: true, state, .. } => format!("card guest folded {}", power(*state)),
        CardKind::Guest { state, .. } => format!("card guest {}", power(*state)),
        CardKind::Group { .. } => "card group".to_owned(),
        CardKind::Others { .. } => "card others".to_owned(),
    }
}

fn power(state: DomainState) -> &'static str {
    if state == DomainState::Running { "" } else { "off" }
}

#[component]
fn Face(card: Card) -> impl IntoPart {
    let ui = Ui::here();
    let texts = texts();
    let bottom = card.rect.h - card.loose.len() as i32 * 24 - 8;
    let between = card.sockets.iter().any(|socket| socket.side == Side::Right);
    let sockets =
        card.sockets.iter().map(|socket| view! { <SocketView socket=socket.clone() small=small(&card) between/> });
    let sockets = sockets.collect::<Part>();
    let head = match card.kind.clone() {
        CardKind::Guest { state, agent, trouble, folded, gateways, plug } => {
            let name = card.title.clone();
            let select = Subject::Guest(name.clone());
            let address = card.sockets.iter().find_map(|socket| socket.nic.address.clone());
            let standing = facts::standing(state, agent, trouble, texts);
            let bands = bottom - 48 * gateways.len() as i32;
            view! {
                <button
                    class="card-name"
                    on:click=move |event| {
                        event.stop_propagation();
                        ui.select(Some(select.clone()));
                    }
                >
                    {name.clone()}
                </button>
                <span class="card-state">
                    <Badge subject=card.subject.clone()/>
                    {if folded { facts::state(state, texts).to_owned() } else { standing }}
                </span>
                {folded.then(|| view! { <code class="card-address">{address}</code> })}
                <Plug guest=name rect=plug/>
                {gateways
                    .into_iter()
                    .enumerate()
                    .map(|(nth, line)| view! { <Band line top=bands + 48 * nth as i32/> })
                    .collect::<Part>()}
            }
        }
        CardKind::Group { bridge, guests, running, opened } => {
            let name = if bridge.is_empty() { texts.guests_loose.to_owned() } else { bridge.clone() };
            let toggle = move |event: web_sys::MouseEvent| {
                event.stop_propagation();
                ui.opened.update(|open| {
                    if !open.remove(&bridge) {
                        open.insert(bridge.clone());
                    }
                });
            };
            let count = fill(texts.guests_on, &[&guests.to_string()]);
            view! {
                <span class="card-name">{name}</span>
                <span class="card-state">{format!("{count} · {}", fill(texts.of_them_running, &[&running.to_string()]))}</span>
                <button class="quiet group-toggle" aria-expanded=opened.to_string() on:click=toggle>
                    {if opened { texts.close_group } else { texts.open_group }}
                </button>
            }
        }
        CardKind::Others { ports } => {
            let count = match ports.len() {
                1 => texts.other_port.to_owned(),
                many => fill(texts.other_ports, &[&many.to_string()]),
            };
            let select = card.subject.clone();
            view! {
                <button
                    class="card-name"
                    on:click=move |event| {
                        event.stop_propagation();
                        ui.select(Some(select.clone()));
                    }
                >
                    {ports.join(", ")}
                </button>
                <span class="card-state">{count}</span>
            }
        }
    };
    let loose = card.loose.iter().enumerate().map(|(nth, nic)| {
        let style = format!("top:{}px", bottom + 24 * nth as i32);
        view! { <span class="loose" style=style>{loose(nic, texts)}</span> }
    });
    let loose = loose.collect::<Part>();
    view! {
        {head}
        {sockets}
        {loose}
    }
}

fn small(card: &Card) -> bool {
    !matches!(card.kind, CardKind::Guest { folded: false, .. })
}

/// `ens3 · unplugged`.
fn loose(nic: &model::diagram::NicSketch, texts: &Texts) -> String {
    let name = nic.name.clone().unwrap_or_else(|| texts.nic.to_owned());
    let place = match (&nic.elsewhere, nic.live) {
        (Some(place), true) => place.clone(),
        _ => texts.unplugged.to_owned(),
    };
    format!("{name} · {place}")
}

/// The plug for a new NIC: pressed it opens the form, dragged it is a cable.
#[component]
fn Plug(guest: String, rect: Rect) -> impl IntoPart {
    let ui = Ui::here();
    let texts = texts();
    let label = fill(texts.add_nic_to, &[&guest]);
    let press = guest.clone();
    view! {
        <button
            class="plug"
            data-new-nic=guest
            aria-label=label
            title=texts.drag_me
            style=rect.style()
            on:click=move |event| {
                event.stop_propagation();
                ui.open(Dialog::Attach { guest: press.clone() });
            }
        >
            "+"
        </button>
    }
}

/// What a gateway translates.
#[component]
fn Band(line: GatewayLine, top: i32) -> impl IntoPart {
    let texts = texts();
    let title = match (line.mark, &line.subnet) {
        (Mark::Draft, _) => texts.gateway_draft,
        (Mark::Going, _) => texts.gateway_going,
        (Mark::Real, Some(_)) => texts.gateway_of,
        (Mark::Real, None) => texts.routes_for,
    };
    let to = line.to.clone().unwrap_or_else(|| texts.masquerade.to_owned());
    let subnet = line.subnet.clone();
    let rule = subnet.map(|subnet| format!("{} → {}", short(&subnet), short(&to)));
    let full = line.subnet.as_ref().map(|subnet| format!("{subnet} → {to}"));
    view! {
        <div class=format!("band {} {}", colour(Some(line.colour)), mark(line.mark)) style=format!("top:{top}px") title=full>
            <span>{fill(title, &[&line.bridge])}</span>
            <code>{rule}</code>
        </div>
    }
}

/// `48.0/24` for `192.168.48.0/24`: the part that tells private subnets apart.
pub fn short(address: &str) -> String {
    address.strip_prefix("192.168.").unwrap_or(address).to_owned()
}
