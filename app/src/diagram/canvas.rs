//! The picture as a whole. Only what is in view is in the DOM.

use leptos::prelude::*;
use model::diagram::{Column, Diagram, Rect};

use super::{
    cable::{CableLabel, CableLine},
    camera::{self, Eye},
    card::CardView,
    drag::{Drag, DragLine},
    host::HostView,
    outside::OutsideView,
    rail::RailView,
};
use crate::{
    live::Live,
    texts::{Texts, fill, texts},
    ui::Ui,
    view::{IntoPart, NodeRef, Part, component, view},
};

#[component]
pub fn Canvas() -> impl IntoPart {
    let ui = Ui::here();
    let texts = texts();
    let canvas = NodeRef::new_local(None);
    let eye = Eye::new(ui);
    let drag = Drag::new(ui, eye);
    provide_context(drag);
    Effect::new(move |_| {
        if let Some(canvas) = canvas.get() {
            eye.watch(canvas);
        }
        let escape = window_event_listener(leptos::ev::keydown, move |event| {
            if event.key() == "Escape" && drag.is_on() {
                drag.cancel();
            }
        });
        on_cleanup(move || escape.remove());
    });
    let seen = eye.seen;
    let cards = in_view(ui, seen, |d| d.cards.iter().map(|(key, card)| (key, card.rect)).collect());
    let rails = in_view(ui, seen, |d| d.rails.iter().map(|(key, rail)| (key, join(rail.rect, rail.label))).collect());
    let cables = in_view(ui, seen, |d| d.cables.iter().map(|(key, cable)| (key, cable.bounds)).collect());
    let labels = in_view(ui, seen, |d| d.cables.iter().filter_map(|(key, cable)| Some((key, cable.label?))).collect());
    let size = Memo::new(move |_| ui.diagram.with(|d| (d.width, d.height)));
    let headings = Memo::new(move |_| ui.diagram.with(|d| d.headings.clone()));
    let outside = Memo::new(move |_| ui.diagram.with(|d| d.outside.clone()));
    let host = Memo::new(move |_| ui.diagram.with(|d| d.host.clone()));

    view! {
        <section
            class="canvas"
            id="picture"
            aria-label=texts.picture
            node_ref=canvas
            class:dragging=move || drag.is_on()
            on:pointerdown=move |event| drag.down(&event)
            on:pointermove=move |event| drag.moved(&event)
            on:pointerup=move |event| drag.up(&event)
            on:pointercancel=move |_| drag.cancel()
            on:wheel=move |event| eye.wheel(&event)
        >
            <div class="plane" style=move || camera::style(ui.camera.get())>
                <svg class="cables" aria-hidden="true" width=move || size.get().0 height=move || size.get().1>
                    <For each=move || cables.get() let:key>
                        <CableLine key/>
                    </For>
                    <DragLine/>
                </svg>
                {move || {
                    headings
                        .get()
                        .into_iter()
                        .map(|heading| {
                            let middle = heading.column == Column::Bridge;
                            let style = format!("left:{}px", heading.x);
                            view! { <span class="heading" class:middle=middle style=style>{word(texts, heading.column)}</span> }
                        })
                        .collect::<Part>()
                }}
                {move || outside.get().map(|outside| view! { <OutsideView outside/> })}
                <HostView host/>
                <For each=move || rails.get() let:key>
                    <RailView key/>
                </For>
                <For each=move || cards.get() let:key>
                    <CardView key/>
                </For>
                <For each=move || labels.get() let:key>
                    <CableLabel key/>
                </For>
                <Empty/>
            </div>
            <CanvasFoot eye/>
        </section>
    }
}

/// Fit, zoom, and what the keys do.
#[component]
fn CanvasFoot(eye: Eye) -> impl IntoPart {
    let ui = Ui::here();
    let texts = texts();
    let hidden = Memo::new(move |_| ui.diagram.with(|d| d.hidden));
    view! {
        <div class="canvas-foot">
            <button class="quiet" on:click=move |_| eye.fit()>{texts.fit}</button>
            <button class="quiet" aria-label=texts.zoom_in on:click=move |_| eye.zoom(1.25)>"+"</button>
            <button class="quiet" aria-label=texts.zoom_out on:click=move |_| eye.zoom(0.8)>"−"</button>
            <span class="spring" role="status">
                {move || {
                    let hidden = hidden.get();
                    (hidden > 0).then(|| fill(texts.hidden_guests, &[&hidden.to_string()]))
                }}
            </span>
            <span class="keys">{texts.keys}</span>
        </div>
    }
}

/// What stands where guests would be.
#[component]
fn Empty() -> impl IntoPart {
    let live = Live::here();
    let ui = Ui::here();
    let texts = texts();
    let empty = Memo::new(move |_| live.topology.with(|topology| topology.guests.is_empty()));
    let x = Memo::new(move |_| {
        ui.diagram.with(|d| d.headings.iter().find(|h| h.column == Column::Guests).map_or(600, |h| h.x))
    });
    move || {
        empty.get().then(|| {
            view! {
                <div class="empty" style=move || format!("left:{}px", x.get())>
                    <h2>{texts.empty_title}</h2>
                    <p>{texts.empty_text}</p>
                </div>
            }
        })
    }
}

fn word(texts: &Texts, column: Column) -> &'static str {
    match column {
        Column::Outside => texts.outside,
        Column::Host => texts.host,
        Column::Bridge => texts.bridge,
        Column::Gateway => texts.gateway,
        Column::Guests => texts.guests,
    }
}

fn join(a: Rect, b: Rect) -> Rect {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    Rect::new(x, y, a.right().max(b.right()) - x, a.bottom().max(b.bottom()) - y)
}

/// The keys of those parts of the picture that can be seen.
fn in_view(
    ui: Ui,
    seen: Memo<Option<Rect>>,
    parts: impl for<'a> Fn(&'a Diagram) -> Vec<(&'a String, Rect)> + Send + Sync + 'static,
) -> Memo<Vec<String>> {
    Memo::new(move |_| {
        let seen = seen.get();
        let shown = |rect: Rect| seen.is_none_or(|seen| seen.overlaps(rect));
        ui.diagram.with(|d| parts(d).into_iter().filter(|(_, rect)| shown(*rect)).map(|(key, _)| key.clone()).collect())
    })
}
