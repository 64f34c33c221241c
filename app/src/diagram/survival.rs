//! A quiet glyph on what would not be as it is after a reboot. The server writes it; here it follows with the second module.

use model::note::Subject;

use crate::{
    later::Loader,
    view::{IntoPart, Part, component},
};

#[component]
pub fn Badge(subject: Subject) -> impl IntoPart {
    let loader = Loader::here();
    move || loader.get().map_or(Part::Kept, |later| (later.badge)(subject.clone()))
}
