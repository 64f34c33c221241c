//! The ports of a gateway that lead to members, as the draft has them.

use model::cluster::Forward;

use crate::{
    draft::Draft,
    parts::facts::Table,
    texts::later::texts,
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Forwards(bridge: String) -> impl IntoPart {
    let draft = Draft::here();
    let texts = texts();
    move || {
        let cluster = draft.cluster();
        let forwards = cluster.gateway(&bridge).map(|gateway| gateway.forwards.as_slice()).unwrap_or_default();
        if forwards.is_empty() {
            return Part::Nothing;
        }
        let row =
            |forward: &Forward| vec![format!("{} {}", forward.protocol, forward.port), forward.target().to_string()];
        let rows = forwards.iter().map(row).collect();
        view! { <Table label=texts.forwards heads=vec![texts.forwards, texts.forward_to] rows empty=""/> }
    }
}
