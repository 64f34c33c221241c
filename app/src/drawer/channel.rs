//! The guest agent's channel: offered where a guest lacks it, with what is to be installed inside.

use leptos::prelude::*;
use model::{
    channel,
    name::GuestName,
    note::{Note, Subject},
};

use crate::{
    draft::Draft,
    live::Live,
    texts::later::texts,
    view::{IntoPart, Part, component, view},
};

/// What a note on a guest's agent offers: the channel where there is none, and the commands that install the agent.
pub fn offer(note: &Note) -> Option<Part> {
    let Subject::Guest(guest) = &note.subject else { return None };
    let (lacks, silent) = (note.code == "agent-missing", note.code == "agent-silent");
    // A note of a plan has its own fix.
    (lacks || silent).then(|| view! { <Offer guest=guest.clone() adds=note.fix.is_none()/> })
}

#[component]
fn Offer(guest: String, adds: bool) -> impl IntoPart {
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let name = guest.clone();
    let os = live.observed.with_untracked(|observed| observed.guests.get(&guest).and_then(|facts| facts.os.clone()));
    let commands = channel::install(os.as_deref()).into_iter();
    let commands = commands.map(|command| view! { <li><code>{command}</code></li> }).collect::<Part>();
    let offered = Memo::new(move |_| {
        let cluster = draft.cluster();
        live.observed.with(|observed| channel::offer(observed, &cluster, &name)).filter(|_| adds)
    });
    let button = move || {
        offered.get().map(|cluster| {
            let put = move |_| draft.put(cluster.clone());
            view! { <button class="button small" on:click=put>{texts.add_channel}</button> }
        })
    };
    view! {
        <details class="soft">
            <summary>{texts.install_agent}</summary>
            <ul>{commands}</ul>
        </details>
        {button}
    }
}

/// The button that takes out of the document that a guest has the channel.
#[component]
pub fn NoChannel(guest: String) -> impl IntoPart {
    let draft = Draft::here();
    let texts = texts();
    let said = Memo::new(move |_| {
        let cluster = draft.cluster();
        cluster.guest(&guest).filter(|guest| guest.agent).map(|guest| guest.name.clone())
    });
    move || {
        said.get().map(|name: GuestName| {
            let remove = move |_| draft.put(channel::set(&untrack(|| draft.cluster()), &name, false));
            view! { <button class="button" on:click=remove>{texts.no_channel}</button> }
        })
    }
}
