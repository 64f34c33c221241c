//! What the members of a gateway may reach, as the draft has it.

use crate::{
    draft::Draft,
    parts::facts::Fact,
    texts::later::texts,
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Destinations(bridge: String) -> impl IntoPart {
    let draft = Draft::here();
    let texts = texts();
    move || {
        let cluster = draft.cluster();
        let Some(gateway) = cluster.gateway(&bridge) else { return Part::Nothing };
        let words = match gateway.destinations.as_deref() {
            None => texts.reach_all.to_owned(),
            Some([]) => texts.reach_none.to_owned(),
            Some(nets) => nets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        };
        view! { <dl class="facts"><Fact word=texts.destinations>{words}</Fact></dl> }
    }
}
