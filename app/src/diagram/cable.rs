//! Cables: a path each, coloured by rail. Traffic is width and motion, never another colour.

use leptos::prelude::*;
use model::diagram::{Cable, Mark};

use crate::{
    live::{Live, bits},
    ui::Ui,
    view::{IntoPart, component, view},
};

pub fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Real => "",
        Mark::Going => "going",
        Mark::Draft => "draft",
    }
}

/// `c0` … `c7`: the colour of a rail.
pub fn colour(colour: Option<u8>) -> String {
    colour.map(|colour| format!("c{colour}")).unwrap_or_default()
}

fn class(cable: &Cable) -> String {
    let dead = if cable.carries { "" } else { "dead" };
    format!("cable {} {} {dead}", colour(cable.colour), mark(cable.mark))
}

#[component]
pub fn CableLine(key: String) -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let cable = Memo::new(move |_| ui.diagram.with(|d| d.cables.get(&key).cloned()));
    let level = Memo::new(move |_| {
        let link = cable.with(|cable| cable.as_ref().and_then(|cable| cable.link.clone()));
        link.and_then(|link| live.rates.with(|rates| rates.get(&link).copied())).unwrap_or_default().level()
    });
    let path =
        Memo::new(move |_| cable.with(|cable| cable.as_ref().map(|cable| cable.path.clone())).unwrap_or_default());
    let class = Memo::new(move |_| cable.with(|cable| cable.as_ref().map(class)).unwrap_or_default());
    view! {
        <g class=move || format!("{} l{}", class.get(), level.get())>
            <path class="line" d=move || path.get()></path>
            <path class="flow" d=move || path.get()></path>
        </g>
    }
}

/// The tap's name, once, above its cable.
#[component]
pub fn CableLabel(key: String) -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let label = Memo::new(move |_| {
        ui.diagram.with(|d| d.cables.get(&key).and_then(|cable| Some((cable.label?.style(), cable.link.clone()?))))
    });
    let rate = move || {
        let (_, link) = label.get()?;
        let rate = live.rates.with(|rates| rates.get(&link).copied())?;
        Some(format!("{link} · ↓ {} ↑ {}", bits(rate.sent), bits(rate.received)))
    };
    view! {
        <span class="tap" style=move || label.get().map(|(style, _)| style) title=rate>
            {move || label.get().map(|(_, link)| link)}
        </span>
    }
}
