//! Dragging: a plug to a rail drafts a cable, a guest between two rails opens the gateway's form, the ground pans.
//!
//! A press becomes a drag once the pointer has moved; until then buttons stay buttons.

use leptos::prelude::*;
use model::{Mac, diagram::Diagram};
use web_sys::PointerEvent;

use super::camera::{Eye, closest};
use crate::{
    draft::Draft,
    later::Loader,
    live::Live,
    texts::{fill, texts},
    ui::{Dialog, Ui},
    view::{IntoPart, component, view},
};

/// How far a pointer moves before a press is a drag.
const SLACK: f64 = 5.0;
/// How near to a rail is on it.
const NEAR: i32 = 34;

#[derive(Debug, Clone, PartialEq)]
enum What {
    NewNic { guest: String },
    Nic { mac: Mac },
    Guest { name: String },
    Ground,
}

#[derive(Debug, Clone, PartialEq)]
enum Target {
    Rail(String),
    /// Between an outer rail and an inner one.
    Between(String, Option<String>),
}

#[derive(Debug, Clone, PartialEq)]
struct Held {
    what: What,
    pointer: i32,
    /// Of the window.
    at: (f64, f64),
    /// Of the picture.
    from: (f64, f64),
    to: (f64, f64),
    moving: bool,
    target: Option<Target>,
}

#[derive(Clone, Copy)]
pub struct Drag {
    ui: Ui,
    live: Live,
    draft: Draft,
    loader: Loader,
    eye: Eye,
    held: RwSignal<Option<Held>>,
}

impl Drag {
    pub fn new(ui: Ui, eye: Eye) -> Self {
        Self { ui, live: Live::here(), draft: Draft::here(), loader: Loader::here(), eye, held: RwSignal::new(None) }
    }

    pub fn here() -> Self {
        expect_context()
    }

    pub fn is_on(self) -> bool {
        self.held.with(|held| held.as_ref().is_some_and(|held| held.moving))
    }

    /// The rail that the pointer is over.
    pub fn over(self) -> Option<String> {
        self.held.with(|held| match held.as_ref().filter(|held| held.moving)?.target.clone()? {
            Target::Rail(name) => Some(name),
            Target::Between(..) => None,
        })
    }

    pub fn down(self, event: &PointerEvent) {
        if event.button() != 0 {
            return;
        }
        let what = if let Some(plug) = closest(event, "[data-new-nic]") {
            What::NewNic { guest: plug.get_attribute("data-new-nic").unwrap_or_default() }
        } else if let Some(mac) = subject(event, "nic:").and_then(|mac| mac.parse().ok()) {
            What::Nic { mac }
        } else if closest(event, ".canvas-foot,.rail,.rail-label,.outside,.host").is_some() {
            return;
        } else if let Some(name) = subject(event, "guest:") {
            What::Guest { name }
        } else {
            What::Ground
        };
        let at = (f64::from(event.client_x()), f64::from(event.client_y()));
        let from = self.eye.point(at.0, at.1);
        let held = Held { what, pointer: event.pointer_id(), at, from, to: from, moving: false, target: None };
        self.held.set(Some(held));
    }

    pub fn moved(self, event: &PointerEvent) {
        let Some(mut held) = self.held.get_untracked().filter(|held| held.pointer == event.pointer_id()) else {
            return;
        };
        let at = (f64::from(event.client_x()), f64::from(event.client_y()));
        let (dx, dy) = (at.0 - held.at.0, at.1 - held.at.1);
        if !held.moving {
            if dx.hypot(dy) < SLACK {
                return;
            }
            held.moving = true;
            self.eye.capture(held.pointer);
        }
        if held.what == What::Ground {
            self.eye.pan(dx, dy);
            held.at = at;
        } else {
            held.to = self.eye.point(at.0, at.1);
            held.target = self.ui.diagram.with_untracked(|d| match held.what {
                What::Guest { .. } => between(d, held.to),
                _ => rail(d, held.to).map(Target::Rail),
            });
        }
        self.held.set(Some(held));
    }

    pub fn up(self, event: &PointerEvent) {
        let held = self.held.get_untracked().filter(|held| held.pointer == event.pointer_id());
        self.held.set(None);
        let Some(Held { what, target: Some(target), moving: true, .. }) = held else { return };
        match (what, target) {
            (What::NewNic { guest }, Target::Rail(rail)) => {
                self.loader.act(move |later| (later.attach)(self.live, self.draft, &guest, &rail));
            }
            (What::Nic { mac }, Target::Rail(rail)) => {
                self.loader.act(move |later| (later.move_nic)(self.live, self.draft, mac, &rail));
            }
            (What::Guest { name }, Target::Between(outside, bridge)) => {
                self.ui.open(Dialog::Gateway { bridge, guest: Some(name), outside: Some(outside) });
            }
            _ => {}
        }
    }

    pub fn cancel(self) {
        self.held.set(None);
    }
}

/// The name in the nearest `data-subject` of this kind.
fn subject(event: &PointerEvent, kind: &str) -> Option<String> {
    let element = closest(event, &format!("[data-subject^='{kind}']"))?;
    Some(element.get_attribute("data-subject")?.strip_prefix(kind)?.to_owned())
}

fn rail(diagram: &Diagram, (x, y): (f64, f64)) -> Option<String> {
    let (x, y) = (x as i32, y as i32);
    let near = diagram.rails.values().filter(|rail| {
        let (rect, label) = (rail.rect, rail.label);
        let on_rail = x > rect.x - NEAR && x < rect.right() + NEAR && y > rect.y - 12 && y < rect.bottom() + NEAR;
        let on_label = x > label.x && x < label.right() && y > label.y && y < label.bottom() + 12;
        on_rail || on_label
    });
    near.min_by_key(|rail| (rail.rect.x - x).abs()).map(|rail| rail.is.name.clone())
}

/// The rails left and right of a point. Right of the last one the gateway would be for a bridge that is yet to be made.
fn between(diagram: &Diagram, (x, _): (f64, f64)) -> Option<Target> {
    let x = x as i32;
    let left = diagram.rails.values().filter(|rail| rail.rect.right() < x).max_by_key(|rail| rail.rect.x)?;
    let right = diagram.rails.values().filter(|rail| rail.rect.x > x).min_by_key(|rail| rail.rect.x)?;
    Some(Target::Between(left.is.name.clone(), Some(right.is.name.clone())))
}

/// What the pointer holds.
#[component]
pub fn DragLine() -> impl IntoPart {
    let drag = Drag::here();
    let texts = texts();
    let held = move || drag.held.get().filter(|held| held.moving && held.what != What::Ground);
    move || {
        held().map(|held| {
            let Held { from, to, what, target, .. } = held;
            let said = match (&what, &target) {
                (What::Guest { name }, Some(Target::Between(..))) => fill(texts.drop_gateway, &[name]),
                (_, Some(Target::Rail(rail))) => fill(texts.drop_here, &[rail]),
                _ => String::new(),
            };
            let line = !matches!(what, What::Guest { .. });
            let path = format!("M{} {}L{} {}", from.0 as i32, from.1 as i32, to.0 as i32, to.1 as i32);
            view! {
                <g class="drag-line">
                    {line.then(|| view! { <path d=path></path> })}
                    <circle cx=to.0 cy=to.1 r="7"></circle>
                    <text x=to.0 + 14.0 y=to.1 - 12.0>{said}</text>
                </g>
            }
        })
    }
}
