//! The part of the gateway's form that says which of its ports lead to members.

use std::net::IpAddr;

use leptos::prelude::*;
use model::{
    Cluster, Observed,
    cluster::{Forward, Gateway, Protocol},
    gateway,
};

use crate::{
    parts::field::{Choice, TextField},
    texts::{
        fill,
        later::{Texts, texts},
    },
    view::{IntoPart, Part, component, view},
};

/// One forward, as it is written in the form.
#[derive(Clone, Copy)]
pub struct Row {
    id: usize,
    port: RwSignal<String>,
    protocol: RwSignal<String>,
    /// A member's name; an address that no member has stays an address.
    member: RwSignal<String>,
    to_port: RwSignal<String>,
}

pub type Rows = RwSignal<Vec<Row>>;

impl Row {
    fn new(id: usize, port: String, protocol: Protocol, member: String, to_port: String) -> Self {
        Self {
            id,
            port: RwSignal::new(port),
            protocol: RwSignal::new(protocol.to_string()),
            member: RwSignal::new(member),
            to_port: RwSignal::new(to_port),
        }
    }

    /// Who can be chosen.
    fn targets(self, members: &[String]) -> Vec<String> {
        let written = self.member.get_untracked();
        let address = written.parse::<IpAddr>().is_ok().then_some(written);
        members.iter().cloned().chain(address).collect()
    }

    /// Whether nothing is written yet of which port it is.
    fn is_unsaid(self) -> bool {
        self.port.with(|text| text.trim().is_empty())
    }

    fn is_wrong(self, texts: &Texts) -> bool {
        self.is_unsaid()
            || [self.port, self.to_port].iter().any(|port| port.with(|text| bad_port(text, texts)).is_some())
    }

    /// Where no member is chosen that could be, the first one is shown, and meant.
    fn forward(self, members: &[(String, IpAddr)]) -> Option<Forward> {
        let written = self.member.get_untracked();
        let chosen = members.iter().find(|(name, _)| *name == written).map(|(_, address)| *address);
        let to = chosen.or_else(|| written.parse().ok()).or_else(|| members.first().map(|(_, address)| *address))?;
        let protocol = self.protocol.get_untracked();
        Some(Forward {
            port: self.port.get_untracked().trim().parse().ok()?,
            protocol: Protocol::ALL.into_iter().find(|known| known.to_string() == protocol)?,
            to,
            to_port: self.to_port.get_untracked().trim().parse().ok(),
        })
    }
}

/// What the gateway has.
pub fn rows(observed: &Observed, cluster: &Cluster, gateway: Option<&Gateway>) -> Rows {
    let members = gateway.map(|gateway| members(observed, cluster, gateway)).unwrap_or_default();
    let forwards = gateway.into_iter().flat_map(|gateway| &gateway.forwards);
    let row = |(id, forward): (usize, &Forward)| {
        let member = members.iter().find(|(_, address)| *address == forward.to);
        let member = member.map_or_else(|| forward.to.to_string(), |(name, _)| name.clone());
        let to_port = forward.to_port.map(|port| port.to_string()).unwrap_or_default();
        Row::new(id, forward.port.to_string(), forward.protocol, member, to_port)
    };
    RwSignal::new(forwards.enumerate().map(row).collect())
}

/// The document whose gateway has these forwards.
pub fn written(observed: &Observed, mut cluster: Cluster, bridge: &str, rows: Rows) -> Cluster {
    let members = cluster.gateway(bridge).map(|gateway| members(observed, &cluster, gateway)).unwrap_or_default();
    let forwards: Vec<Forward> =
        rows.with_untracked(|rows| rows.iter().filter_map(|row| row.forward(&members)).collect());
    if let Some(gateway) = cluster.gateways.iter_mut().find(|gateway| &*gateway.bridge == bridge) {
        gateway.forwards = forwards;
    }
    cluster
}

/// Whether any of them cannot be read.
pub fn is_wrong(rows: Rows, texts: &Texts) -> bool {
    rows.with(|rows| rows.iter().any(|row| row.is_wrong(texts)))
}

fn members(observed: &Observed, cluster: &Cluster, gateway: &Gateway) -> Vec<(String, IpAddr)> {
    let members = gateway::members(observed, cluster, gateway);
    members.into_iter().map(|(name, address)| (name.to_string(), address)).collect()
}

fn bad_port(text: &str, texts: &Texts) -> Option<String> {
    let text = text.trim();
    let is_port = text.parse::<u16>().is_ok_and(|port| port > 0);
    (!is_port && !text.is_empty()).then(|| fill(texts.not_a_port, &[text]))
}

#[component]
pub fn Forwards(rows: Rows, members: Memo<Vec<String>>) -> impl IntoPart {
    let texts = texts();
    let ids = move || rows.with(|rows| rows.iter().map(|row| row.id).collect::<Vec<_>>());
    let add = move |_| {
        let next = rows.with_untracked(|rows| rows.iter().map(|row| row.id + 1).max()).unwrap_or_default();
        let member = members.with_untracked(|members| members.first().cloned()).unwrap_or_default();
        let row = Row::new(next, String::new(), Protocol::Tcp, member, String::new());
        rows.update(|rows| rows.push(row));
    };
    let unsaid = move || rows.with(|rows| rows.iter().any(|row| row.is_unsaid()));
    view! {
        <fieldset class="members">
            <legend>{texts.forwards}</legend>
            <For each=ids let:id>
                <Line rows id members/>
            </For>
            {move || unsaid().then(|| view! { <p class="soft">{texts.name_port}</p> })}
            <button class="button" type="button" on:click=add>{texts.add_forward}</button>
        </fieldset>
    }
}

#[component]
fn Line(rows: Rows, id: usize, members: Memo<Vec<String>>) -> impl IntoPart {
    let texts = texts();
    let row = rows.with_untracked(|rows| rows.iter().find(|row| row.id == id).copied());
    let Some(row) = row else { return Part::Nothing };
    let bad_port_here = Memo::new(move |_| row.port.with(|text| bad_port(text, texts)));
    let bad_port_there = Memo::new(move |_| row.to_port.with(|text| bad_port(text, texts)));
    let protocols = Protocol::ALL.map(|protocol| (protocol.to_string(), protocol.to_string())).to_vec();
    let targets = move || {
        let options = members.with(|members| row.targets(members));
        let options = options.into_iter().map(|name| (name.clone(), name)).collect::<Vec<_>>();
        view! { <Choice label=texts.forward_to name="forward_to" value=row.member options/> }
    };
    view! {
        <div class="forward">
            <TextField label=texts.forward_port name="forward_port" value=row.port hint="" example="8080" error=bad_port_here/>
            <Choice label=texts.forward_protocol name="forward_protocol" value=row.protocol options=protocols/>
            {targets}
            <TextField label=texts.forward_to_port name="forward_to_port" value=row.to_port hint="" example="80" error=bad_port_there/>
            <button
                class="quiet"
                type="button"
                aria-label=texts.remove_forward
                on:click=move |_| rows.update(|rows| rows.retain(|row| row.id != id))
            >
                "×"
            </button>
        </div>
    }
}
