//! The drawer: what is selected, with the origin of each fact, and what can be done with it.
//!
//! Of all this only [`Drawer`] itself is there from the start.

mod autostart;
mod bridge;
pub mod channel;
mod destinations;
mod dhcp;
mod forward;
mod guest;
mod hand;
mod host;
pub mod lease;
mod link;
mod network;
mod nic;
mod ports;
mod put_back;
mod resolver;
mod rules;
mod ssh;
mod ways;

use leptos::prelude::*;
use model::{Mac, note::Subject};

use crate::{
    explain::{self, Explain},
    later::Loader,
    live::Live,
    texts::texts,
    ui::Ui,
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Drawer() -> impl IntoPart {
    let ui = Ui::here();
    let texts = texts();
    let loader = Loader::here();
    move || {
        ui.selected.get().map(|subject| {
            view! {
                <aside class="drawer" aria-label=texts.details>
                    <button class="quiet drawer-close" aria-label=texts.close on:click=move |_| ui.select(None)>"×"</button>
                    {loader.show(|later| (later.drawer)(subject))}
                </aside>
            }
        })
    }
}

/// Details, or the question that stands in their place.
pub fn content(subject: Subject) -> Part {
    let open = Explain::here().open;
    (move || {
        if open.get() {
            view! { <explain::Panel/> }
        } else {
            details(subject.clone())
        }
    })
    .into_part()
}

fn details(subject: Subject) -> Part {
    let live = Live::here();
    let texts = texts();
    match subject {
        Subject::Guest(name) => view! { <guest::Guest name/> },
        Subject::Nic(mac) => {
            let mac: Option<Mac> = mac.parse().ok();
            let owner = mac.and_then(|mac| {
                live.topology.with_untracked(|topology| topology.socket(mac).map(|(guest, _)| guest.name.clone()))
            });
            match owner {
                Some(name) => view! { <guest::Guest name/> },
                None => view! { <p class="soft">{texts.draft_not_real}</p> },
            }
        }
        Subject::Link(name) | Subject::Gateway(name) => {
            let bridge = name.clone();
            let is_bridge = Memo::new(move |_| {
                let real = live.topology.with(|topology| topology.bridges.contains_key(&bridge));
                real || crate::draft::Draft::here().cluster().bridge(&bridge).is_some()
            });
            (move || {
                let name = name.clone();
                if is_bridge.get() {
                    view! { <bridge::Bridge name/> }
                } else {
                    view! { <link::Link name/> }
                }
            })
            .into_part()
        }
        Subject::Network(name) => view! { <network::Network name/> },
        Subject::Host | Subject::Outside | Subject::Table(_) | Subject::Source(_) => view! { <host::Host/> },
    }
}

/// The class that colours a bridge's own things, by the bridge's name.
fn rail_class(bridge: &str) -> String {
    Ui::here().diagram.with(|d| d.rails.get(bridge).map(|rail| format!("c{}", rail.is.colour))).unwrap_or_default()
}

/// Findings about one object.
#[component]
fn Notes(subjects: Memo<Vec<Subject>>) -> impl IntoPart {
    let live = Live::here();
    let language = texts().language;
    let notes = Memo::new(move |_| {
        live.topology.with(|topology| {
            let about = |subject: &Subject| subjects.with(|subjects| subjects.contains(subject));
            topology.notes.iter().filter(|note| about(&note.subject)).cloned().collect::<Vec<_>>()
        })
    });
    move || notes.get().iter().map(|note| crate::dialog::findings::note_view(note, language)).collect::<Part>()
}
