//! A bridge's ports and its forwarding database.

use leptos::prelude::*;
use model::topology::{Behind, Port, Rail};

use crate::{
    live::Live,
    parts::facts::Table,
    texts::later::{Texts, texts},
    view::{IntoPart, component, view},
};

#[component]
pub fn Ports(rail: Memo<Option<Rail>>) -> impl IntoPart {
    let texts = texts();
    move || {
        let ports = rail.get().map(|rail| rail.ports).unwrap_or_default();
        let rows = ports.iter().map(|port| vec![port.name.clone(), behind(&port.behind), state(port, texts)]).collect();
        let heads = vec![texts.ports, texts.behind, texts.state];
        view! { <Table label=texts.ports heads rows empty=texts.no_ports/> }
    }
}

fn behind(behind: &Behind) -> String {
    match behind {
        Behind::Guest { guest, mac } => format!("{guest} {mac}"),
        Behind::Uplink => "→".to_owned(),
        Behind::Veth { peer } => peer.clone().unwrap_or_else(|| "veth".to_owned()),
        Behind::Unknown { kind } => kind.clone().unwrap_or_default(),
    }
}

fn state(port: &Port, texts: &Texts) -> String {
    let mut words = vec![if port.up { port.state.clone() } else { texts.down.to_owned() }];
    words.extend((port.up && !port.carrier).then(|| texts.no_signal.to_owned()));
    words.extend(port.isolated.then(|| texts.isolated.to_owned()));
    words.join(" · ")
}

#[component]
pub fn Fdb(rail: Memo<Option<Rail>>) -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let rows = Memo::new(move |_| {
        let Some(rail) = rail.get() else { return Vec::new() };
        live.observed.with(|observed| {
            let own = |entry: &&model::observed::FdbEntry| {
                entry.bridge == Some(rail.index) || rail.ports.iter().any(|port| port.index == entry.port)
            };
            let row = |entry: &model::observed::FdbEntry| {
                let port = observed.links.get(&entry.port).map(|link| link.name.clone()).unwrap_or_default();
                vec![entry.mac.to_string(), port, entry.state.clone()]
            };
            observed.fdb.iter().filter(own).map(row).collect::<Vec<_>>()
        })
    });
    move || {
        let heads = vec![texts.mac, texts.ports, texts.state];
        view! { <Table label=texts.fdb heads rows=rows.get() empty=texts.no_ports/> }
    }
}
