//! The packet's way on the picture: an attribute on the objects and cables that it passes, and another on where it ends.
//!
//! The picture is the first module's, and knows nothing of it. So this is said to its elements from outside, and said again
//! whenever they are made anew: for another network, another search, another part that is in view.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use leptos::prelude::*;
use model::{
    diagram::Diagram,
    explain::{Explanation, Hop, Place, Verdict},
    note::Subject,
    topology::Topology,
};
use wasm_bindgen::JsCast;

use super::{Explain, subject};
use crate::{live::Live, ui::Ui};

/// What the style sheet goes by.
const ATTRIBUTE: &str = "data-way";

/// How a thing is marked; the greatest wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Passed,
    /// It is selected, and has no other look for that.
    Selected,
    Doubt,
    Stop,
}

impl Mark {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Selected => "selected",
            Self::Doubt => "doubt",
            Self::Stop => "stop",
        }
    }
}

/// By what an element shows: its subject, or the path of its cable.
type Marks = BTreeMap<String, Mark>;

pub fn begin(ui: Ui, live: Live, explain: Explain) {
    let marks = Memo::new(move |_| {
        explain.answer.with(|answer| {
            let Some(answer) = answer else { return Marks::new() };
            live.topology.with(|topology| {
                ui.diagram.with(|diagram| ui.selected.with(|is| marks(answer, topology, diagram, is.as_ref())))
            })
        })
    });
    let resized = RwSignal::new(0_u8);
    let size = window_event_listener_untyped("resize", move |_| resized.update(|times| *times = times.wrapping_add(1)));
    std::mem::forget(size);
    let shown = StoredValue::new(false);
    let due = StoredValue::new(false);
    Effect::new(move |_| {
        if marks.with(Marks::is_empty) && !shown.get_value() {
            return;
        }
        // What is in view follows these.
        ui.diagram.track();
        ui.camera.track();
        resized.track();
        if !due.get_value() {
            due.set_value(true);
            // Once the picture itself has followed.
            let soon = move || {
                due.set_value(false);
                marks.with_untracked(|marks| {
                    shown.set_value(!marks.is_empty());
                    show(marks);
                });
            };
            set_timeout(soon, Duration::ZERO);
        }
    });
}

fn show(marks: &Marks) {
    if let Some(picture) = document().get_element_by_id("picture") {
        show_in(&picture, marks);
    }
}

fn show_in(node: &web_sys::Node, marks: &Marks) {
    let mut next = node.first_child();
    while let Some(child) = next {
        next = child.next_sibling();
        let Ok(element) = child.dyn_into::<web_sys::Element>() else { continue };
        let key = element.get_attribute("data-subject").or_else(|| element.get_attribute("d"));
        let wanted = key.and_then(|key| marks.get(&key)).map(|mark| mark.word());
        if element.get_attribute(ATTRIBUTE).as_deref() != wanted {
            // The name is our own, and valid.
            let _ = match wanted {
                Some(word) => element.set_attribute(ATTRIBUTE, word),
                None => element.remove_attribute(ATTRIBUTE),
            };
        }
        show_in(&element, marks);
    }
}

fn marks(answer: &Explanation, topology: &Topology, diagram: &Diagram, selected: Option<&Subject>) -> Marks {
    let mut all = Painter { diagram, marks: Marks::new() };
    for (nth, hop) in answer.hops.iter().enumerate() {
        let before = nth.checked_sub(1).and_then(|before| answer.hops.get(before));
        let routed = is_routed(hop) || before.is_some_and(is_routed);
        if routed && matches!(hop.place, Place::Host { .. }) {
            all.paint(&Subject::Host, Mark::Passed, true);
        }
        all.paint_place(&hop.place, topology, Mark::Passed, routed);
    }
    if let Some(Subject::Link(link)) = selected {
        all.select(link);
    }
    if let Some(finding) = &answer.finding {
        let mark = if answer.verdict == Verdict::Unknown { Mark::Doubt } else { Mark::Stop };
        let last = finding.at.min(answer.hops.len()).checked_sub(1).and_then(|last| answer.hops.get(last));
        if let Some(last) = last {
            all.paint_place(&last.place, topology, mark, false);
        }
        let host = || finding.rule.as_ref().and_then(|rule| rule.guest.clone()).map_or(Subject::Host, Subject::Guest);
        match &finding.subject {
            Subject::Table(_) => all.paint(&host(), mark, false),
            Subject::Gateway(bridge) => all.paint(&Subject::Link(bridge.clone()), mark, false),
            subject => all.paint(subject, mark, false),
        }
    }
    all.marks
}

/// The host itself has it, and not only a bridge between two of its ports.
fn is_routed(hop: &Hop) -> bool {
    matches!(hop.place, Place::Host { .. }) && hop.route.is_some()
}

struct Painter<'a> {
    diagram: &'a Diagram,
    marks: Marks,
}

impl Painter<'_> {
    fn put(&mut self, key: String, mark: Mark) {
        let now = self.marks.entry(key).or_insert(mark);
        *now = mark.max(*now);
    }

    fn paint_place(&mut self, place: &Place, topology: &Topology, mark: Mark, routed: bool) {
        if let Place::Guest { guest, .. } = place {
            self.put(Subject::Guest(guest.clone()).to_string(), mark);
        }
        self.paint(&subject(place, topology), mark, routed);
    }

    /// `routed`: a bridge's cable to the host is part of it.
    fn paint(&mut self, subject: &Subject, mark: Mark, routed: bool) {
        self.put(subject.to_string(), mark);
        if let Subject::Link(link) = subject
            && (routed || !self.diagram.rails.contains_key(link))
        {
            self.cables(link).into_iter().for_each(|path| self.put(path, mark));
        }
    }

    /// A cable shows by no other sign that it is selected.
    fn select(&mut self, link: &str) {
        for path in self.cables(link) {
            if self.marks.contains_key(&path) {
                self.put(path, Mark::Selected);
            }
        }
    }

    fn cables(&self, link: &str) -> Vec<String> {
        let cables = self.diagram.cables.values().filter(|cable| cable.link.as_deref() == Some(link));
        cables.map(|cable| cable.path.clone()).collect()
    }
}
