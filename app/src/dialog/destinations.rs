//! The part of the gateway's form that says what its members may reach.

use leptos::prelude::*;
use model::{cluster::Gateway, gateway};

use super::joined;
use crate::{
    parts::field::{Choice, TextField},
    texts::{fill, later::texts},
    view::{IntoPart, component, view},
};

const ALL: &str = "all";
const ONLY: &str = "only";
const NONE: &str = "none";

/// What is written in the form.
#[derive(Clone, Copy)]
pub struct Reach {
    which: RwSignal<String>,
    nets: RwSignal<String>,
    /// What of the networks cannot be read.
    wrong: Memo<Option<String>>,
}

impl Reach {
    /// What the gateway has.
    pub fn of(gateway: Option<&Gateway>) -> Self {
        let texts = texts();
        let reached = gateway.and_then(|gateway| gateway.destinations.as_deref());
        let which = match reached {
            None => ALL,
            Some([]) => NONE,
            Some(_) => ONLY,
        };
        let which = RwSignal::new(which.to_owned());
        let nets = RwSignal::new(joined(reached.unwrap_or_default()));
        let wrong = Memo::new(move |_| {
            let text = nets.get();
            let limits = which.with(|which| which == ONLY) && !text.trim().is_empty();
            let read = limits.then(|| text.parse::<gateway::Destinations>().err())?;
            read.map(|gateway::NoNetwork(word)| fill(texts.not_a_network, &[&word]))
        });
        Self { which, nets, wrong }
    }

    /// Whether networks are to be named, and none is.
    fn is_unsaid(self) -> bool {
        self.which.with(|which| which == ONLY) && self.nets.with(|text| text.trim().is_empty())
    }

    pub fn is_wrong(self) -> bool {
        self.is_unsaid() || self.wrong.with(Option::is_some)
    }

    pub fn written(self) -> Option<gateway::Destinations> {
        let which = self.which.get_untracked();
        if which == ONLY { self.nets.get_untracked() } else { which }.parse().ok()
    }
}

#[component]
pub fn Destinations(reach: Reach) -> impl IntoPart {
    let texts = texts();
    let options = [(ALL, texts.reach_all), (ONLY, texts.reach_only), (NONE, texts.reach_none)];
    let options = options.map(|(value, words)| (value.to_owned(), words.to_owned())).to_vec();
    view! {
        <Choice label=texts.destinations name="destinations" value=reach.which options/>
        <div hidden=move || reach.which.with(|which| which != ONLY)>
            <TextField
                label=texts.destination_networks
                name="destination_networks"
                value=reach.nets
                hint=""
                example="10.0.0.0/24, 192.0.2.1/32"
                error=reach.wrong
            />
            {move || reach.is_unsaid().then(|| view! { <p class="soft">{texts.name_networks}</p> })}
        </div>
    }
}
