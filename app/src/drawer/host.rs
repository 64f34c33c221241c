//! The host: its routes, its rules with live counters, the settings that decide about forwarding.

use leptos::prelude::*;
use model::{note::Subject, observed::Route};

use super::{Notes, rules::Rules};
use crate::{
    explain::Ask,
    live::Live,
    parts::{facts::Table, tabs::Tabs},
    texts::later::texts,
    view::{IntoPart, component, view},
};

/// The main table (rt_tables(5)).
const MAIN: u32 = 254;

#[component]
pub fn Host() -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let tab = RwSignal::new(0);
    let name = move || live.observed.with(|observed| observed.host.hostname.clone());
    let subjects = Memo::new(move |_| {
        live.topology.with(|topology| {
            let about = |subject: &&Subject| {
                matches!(subject, Subject::Host | Subject::Outside | Subject::Table(_) | Subject::Source(_))
            };
            topology.notes.iter().map(|note| &note.subject).filter(about).cloned().collect()
        })
    });
    view! {
        <div class="drawer-head"><h2>{name}</h2></div>
        <p class="sub">{texts.host_of_guests}</p>
        <Ask from=Subject::Host/>
        <Tabs names=vec![texts.rules, texts.routes, texts.sysctls] chosen=tab label=texts.details/>
        <div id="panel" role="tabpanel" aria-labelledby=move || format!("tab-{}", tab.get())>
            {move || match tab.get() {
                0 => view! { <Rules/> },
                1 => view! { <Routes/> },
                _ => view! { <Settings/> },
            }}
        </div>
        <Notes subjects/>
    }
}

#[component]
fn Routes() -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let rows = Memo::new(move |_| {
        live.observed.with(|observed| {
            let row = |route: &Route| {
                let link = route.link.and_then(|link| observed.links.get(&link)).map(|link| link.name.clone());
                vec![
                    if route.is_default() { texts.default_word.to_owned() } else { route.destination.to_string() },
                    route.gateway.map(|gateway| gateway.to_string()).unwrap_or_default(),
                    link.unwrap_or_else(|| route.kind.clone()),
                    route.metric.to_string(),
                ]
            };
            observed.routes.iter().filter(|route| route.table == MAIN).map(row).collect::<Vec<_>>()
        })
    });
    move || {
        let heads = vec![texts.destination, texts.via, texts.interface, texts.metric];
        view! { <Table label=texts.routes heads rows=rows.get() empty=texts.no_routes/> }
    }
}

#[component]
fn Settings() -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let rows = Memo::new(move |_| {
        live.observed.with(|observed| {
            observed.sysctls.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect::<Vec<_>>()
        })
    });
    move || {
        let heads = vec![texts.name, texts.state];
        view! { <Table label=texts.sysctls heads rows=rows.get() empty=texts.unknown/> }
    }
}
