//! The host's card: its NICs, its routing and its firewall.

use leptos::prelude::*;
use model::{
    diagram::{HostCard, HostNic, HostRow, Mark, Rect},
    note::Subject,
};

use super::{card::short, survival::Badge};
use crate::{
    live::{Live, bits},
    texts::{Texts, fill, texts},
    ui::Ui,
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn HostView(host: Memo<HostCard>) -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let texts = texts();
    let you = move || {
        live.you.with(|you| match you {
            Some(you) => match &you.link {
                Some(link) => fill(texts.you_are_here, &[link]),
                None => texts.you_are_here_local.to_owned(),
            },
            None => texts.host_of_guests.to_owned(),
        })
    };
    let nics = Memo::new(move |_| host.with(|host| host.nics.clone()));
    view! {
        <article
            class="card host"
            data-subject="host"
            class:selected=move || ui.is_selected(&Subject::Host)
            style=move || host.with(|host| host.rect.style())
            on:click=move |_| ui.select(Some(Subject::Host))
        >
            <button
                class="card-name"
                on:click=move |event| {
                    event.stop_propagation();
                    ui.select(Some(Subject::Host));
                }
            >
                {move || host.with(|host| host.name.clone())}
            </button>
            <span class="card-state">{you}</span>
            {move || nics.get().into_iter().map(|(rect, nic)| view! { <NicRow rect nic/> }).collect::<Part>()}
            <div class="host-rows" style=move || host.with(|host| format!("top:{}px", host.rows_top))>
                {move || host.with(|host| host.rows.iter().map(|row| row_view(row, texts)).collect::<Part>())}
            </div>
        </article>
    }
}

#[component]
fn NicRow(rect: Rect, nic: HostNic) -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let texts = texts();
    let subject = Subject::Link(nic.name.clone());
    let select = subject.clone();
    let (shown, badged) = (subject.clone(), subject.clone());
    let name = nic.name.clone();
    let rate =
        move || live.rates.with(|rates| rates.get(&name).copied()).map(|rate| format!(" · ↓ {}", bits(rate.received)));
    let remark = match (&nic.master, nic.default_via) {
        _ if !nic.up => texts.down.to_owned(),
        _ if !nic.carrier => texts.no_signal.to_owned(),
        (Some(master), _) => fill(texts.port_of, &[master]),
        (None, Some(via)) => fill(texts.default_via, &[&via.to_string()]),
        (None, None) => String::new(),
    };
    let label = format!("{} {}", nic.name, nic.addresses.join(" "));
    view! {
        <button
            class="socket"
            data-subject=subject.to_string()
            class:selected=move || ui.is_selected(&shown)
            aria-label=label
            style=rect.style()
            on:click=move |event| {
                event.stop_propagation();
                ui.select(Some(select.clone()));
            }
        ></button>
        <div class="socket-text left" style=format!("top:{}px", rect.y - 3)>
            <span class="socket-name">{nic.name.clone()}</span>
            <code class="socket-address">{nic.addresses.first().cloned()}</code>
            <small><Badge subject=badged/>{remark}{rate}</small>
        </div>
    }
}

fn row_view(row: &HostRow, texts: &Texts) -> Part {
    let (name, value, class) = match row {
        HostRow::Routing { on } => {
            (texts.routing.to_owned(), (if *on { texts.on } else { texts.off }).to_owned(), "ink")
        }
        HostRow::Translation { subnet, out, ours } => {
            let out = out.as_ref().map(|out| format!(" → {out}")).unwrap_or_default();
            let name = if *ours { texts.nat_ours } else { texts.nat_libvirt };
            (name.to_owned(), format!("{}{out}", short(subnet)), "mono")
        }
        HostRow::Forward { drops: true } => (texts.forward_chain.to_owned(), texts.drops.to_owned(), "warn"),
        HostRow::Forward { drops: false } => (texts.forward_chain.to_owned(), texts.accepts.to_owned(), "ink"),
        HostRow::Through { link, mark } => {
            let (value, class) = match mark {
                Mark::Real => (texts.let_through, "ok"),
                Mark::Draft => (texts.let_through_draft, "draft"),
                Mark::Going => (texts.let_through_going, "draft"),
            };
            (format!("{link} ↔ {link}"), value.to_owned(), class)
        }
        HostRow::Link { name, kind, up } => {
            let down = if *up { "" } else { texts.down };
            (name.clone(), format!("{kind} {down}").trim().to_owned(), "faint")
        }
        HostRow::More { links } => (fill(texts.more_links, &[&links.to_string()]), String::new(), "faint"),
    };
    view! {
        <p class="host-row">
            <span>{name}</span>
            <span class=class>{value}</span>
        </p>
    }
}
