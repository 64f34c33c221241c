//! The plan as the shell commands that it equals.

use leptos::prelude::*;

use crate::{
    draft::Draft,
    parts::dialog::Modal,
    texts::later::texts,
    view::{IntoPart, component, view},
};

#[component]
pub fn Export() -> impl IntoPart {
    let draft = Draft::here();
    let texts = texts();
    let commands = draft.plan.with_untracked(|plan| {
        let steps = plan.iter().flat_map(|plan| &plan.steps);
        steps.map(model::step::Step::command).collect::<Vec<_>>().join("\n")
    });
    view! {
        <Modal title=texts.export_title.to_owned()>
            <p class="soft">{texts.command_copied}</p>
            <pre tabindex="0" class="commands">{commands}</pre>
        </Modal>
    }
}
