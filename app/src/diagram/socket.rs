//! A NIC on the edge of a card, and what is written beside it.

use model::{
    diagram::{Mark, NicSketch, Side, Socket, sketch::Origin},
    note::Subject,
};

use super::cable::{colour, mark};
use crate::{
    texts::{Texts, fill, texts},
    ui::Ui,
    view::{IntoPart, component, view},
};

/// `between`: the card stands between two rails, and each side has half its width.
#[component]
pub fn SocketView(socket: Socket, small: bool, between: bool) -> impl IntoPart {
    let ui = Ui::here();
    let texts = texts();
    let Socket { rect, side, colour: rail, nic } = socket;
    let subject = nic.mac.map(|mac| Subject::Nic(mac.to_string()));
    let name = name(&nic, texts);
    let place = nic.ends.last().map(|end| end.rail.clone()).unwrap_or_default();
    let label = format!("{name} {} {place}", nic.address.clone().unwrap_or_default());
    let select = subject.clone();
    let shown = subject.clone();
    let dead = if nic.cable { "" } else { "unplugged" };
    let class = format!("socket {} {} {dead}", colour(rail), mark(nic.mark));
    let plug = match (small, subject) {
        // A bundle of many NICs is not one that could be taken.
        (_, None) => view! { <span class=class style=rect.style()></span> },
        (_, Some(subject)) => view! {
            <button
                class=class
                class:selected=move || shown.as_ref().is_some_and(|shown| ui.is_selected(shown))
                data-subject=subject.to_string()
                aria-label=label
                style=rect.style()
                on:click=move |event| {
                    event.stop_propagation();
                    ui.select(select.clone());
                }
            ></button>
        },
    };
    let text = (!small).then(|| {
        let side = match side {
            Side::Left => "left",
            Side::Right => "right",
        };
        let style = format!("top:{}px", rect.y - 3);
        let half = if between { "half" } else { "" };
        let full = nic.address.clone();
        let address = full.clone().map(|full| match full.strip_prefix("192.168") {
            Some(end) if between => end.to_owned(),
            _ => full,
        });
        view! {
            <div class=format!("socket-text {side} {half} {}", mark(nic.mark)) style=style>
                <span class="socket-name">{name}</span>
                <code class="socket-address" title=full>{address}</code>
                {(!between || nic.mark != Mark::Real).then(|| view! { <small>{remark(&nic, texts)}</small> })}
            </div>
        }
    });
    view! {
        {plug}
        {text}
    }
}

fn name(nic: &NicSketch, texts: &Texts) -> String {
    match (&nic.name, nic.mark) {
        (_, Mark::Draft) => texts.new_nic.to_owned(),
        (Some(name), _) => name.clone(),
        (None, _) => texts.nic.to_owned(),
    }
}

/// The one thing most worth saying of it.
fn remark(nic: &NicSketch, texts: &Texts) -> String {
    let moved = nic.ends.iter().find(|end| end.mark == Mark::Draft);
    match (nic.mark, moved) {
        (Mark::Draft, _) => return texts.draft_not_real.to_owned(),
        (Mark::Going, _) => return texts.draft_going.to_owned(),
        (Mark::Real, Some(end)) => return fill(texts.draft_moves, &[&end.rail]),
        (Mark::Real, None) => {}
    }
    if !nic.cable {
        return texts.cable_out.to_owned();
    }
    if let Some(via) = nic.default_via {
        let text = fill(texts.default_via, &[&via.to_string()]);
        return if nic.default_mark == Mark::Draft { format!("{}: {text}", texts.draft) } else { text };
    }
    match nic.origin {
        Origin::Draft => texts.draft_not_real.to_owned(),
        _ if !nic.live => texts.not_in_machine.to_owned(),
        Origin::Lease => texts.from_lease.to_owned(),
        Origin::Nobody => texts.no_address.to_owned(),
        Origin::Guest => String::new(),
    }
}
