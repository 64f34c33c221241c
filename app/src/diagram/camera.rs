//! Pan and zoom: they move one transform. What is in view is known in coarse steps, so that a small move changes nothing.

use leptos::prelude::*;
use model::diagram::Rect;
use wasm_bindgen::JsCast;
use web_sys::{Element, WheelEvent};

use crate::{
    ui::{Camera, Ui},
    view::decimal,
};

/// How far beyond the edge things are drawn already, and the grain of what is in view.
const STEP: i32 = 400;
const SMALLEST: f64 = 0.2;
const LARGEST: f64 = 2.5;
/// Below this a picture that fits cannot be read.
const READABLE: f64 = 0.62;
/// What is drawn before the size of the window is known.
const FIRST: Rect = Rect { x: 0, y: 0, w: 2400, h: 2000 };

pub fn style(camera: Camera) -> String {
    format!("transform:translate({}px,{}px) scale({})", decimal(camera.x), decimal(camera.y), decimal(camera.scale))
}

/// The canvas's element and what it shows of the picture.
#[derive(Clone, Copy)]
pub struct Eye {
    ui: Ui,
    canvas: StoredValue<Option<Element>, LocalStorage>,
    size: RwSignal<Option<(f64, f64)>>,
    pub seen: Memo<Option<Rect>>,
}

impl Eye {
    pub fn new(ui: Ui) -> Self {
        let size = RwSignal::new(None);
        let seen = Memo::new(move |_| {
            let Some((width, height)) = size.get() else { return Some(FIRST) };
            let camera = ui.camera.get();
            let coarse = |value: f64| (value as i32).div_euclid(STEP) * STEP;
            let extent = |value: f64| (value / camera.scale) as i32 / STEP * STEP + 3 * STEP;
            let x = coarse(-camera.x / camera.scale) - STEP;
            let y = coarse(-camera.y / camera.scale) - STEP;
            Some(Rect::new(x, y, extent(width), extent(height)))
        });
        Self { ui, canvas: StoredValue::new_local(None), size, seen }
    }

    /// Measures the canvas now and whenever the window changes.
    pub fn watch(self, canvas: Element) {
        self.canvas.set_value(Some(canvas));
        self.measure();
        self.fit();
        let handle = window_event_listener_untyped("resize", move |_| self.measure());
        on_cleanup(move || handle.remove());
    }

    pub fn measure(self) {
        let rect = self.canvas.with_value(|canvas| canvas.as_ref().map(Element::get_bounding_client_rect));
        if let Some(rect) = rect.filter(|rect| rect.width() > 0.0) {
            self.size.set(Some((rect.width(), rect.height())));
        }
    }

    /// A point of the window, in the picture's own measure.
    pub fn point(self, x: f64, y: f64) -> (f64, f64) {
        let camera = self.ui.camera.get_untracked();
        let (left, top) = self.corner();
        ((x - left - camera.x) / camera.scale, (y - top - camera.y) / camera.scale)
    }

    fn corner(self) -> (f64, f64) {
        let rect = self.canvas.with_value(|canvas| canvas.as_ref().map(Element::get_bounding_client_rect));
        rect.map_or((0.0, 0.0), |rect| (rect.left(), rect.top()))
    }

    /// Further pointer events come here, wherever the pointer goes.
    pub fn capture(self, pointer: i32) {
        self.canvas.with_value(|canvas| {
            if let Some(canvas) = canvas {
                // The pointer may be gone already.
                let _ = canvas.set_pointer_capture(pointer);
            }
        });
    }

    /// Shows all of it, if it can be read then.
    pub fn fit(self) {
        self.measure();
        let Some((width, height)) = self.size.get_untracked() else { return };
        let (w, h) = self.ui.diagram.with_untracked(|d| (f64::from(d.width), f64::from(d.height)));
        let scale = (width / w.max(1.0)).min((height - 24.0) / h.max(1.0)).min(1.0);
        self.ui.camera.set(Camera { x: 0.0, y: 0.0, scale: scale.max(READABLE) });
    }

    /// Zooms about the middle.
    pub fn zoom(self, factor: f64) {
        let (width, height) = self.size.get_untracked().unwrap_or_default();
        self.zoom_at(factor, width / 2.0, height / 2.0);
    }

    fn zoom_at(self, factor: f64, x: f64, y: f64) {
        self.ui.camera.update(|camera| {
            let scale = (camera.scale * factor).clamp(SMALLEST, LARGEST);
            let ratio = scale / camera.scale;
            *camera = Camera { x: x - (x - camera.x) * ratio, y: y - (y - camera.y) * ratio, scale };
        });
    }

    pub fn pan(self, x: f64, y: f64) {
        self.ui.camera.update(|camera| {
            camera.x += x;
            camera.y += y;
        });
    }

    pub fn wheel(self, event: &WheelEvent) {
        event.prevent_default();
        if event.ctrl_key() || event.meta_key() {
            let (left, top) = self.corner();
            let factor = if event.delta_y() < 0.0 { 1.1 } else { 1.0 / 1.1 };
            self.zoom_at(factor, f64::from(event.client_x()) - left, f64::from(event.client_y()) - top);
        } else {
            self.pan(-event.delta_x(), -event.delta_y());
        }
    }
}

/// Whether an event began in something that has an action of its own.
pub fn closest(event: &web_sys::Event, selector: &str) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(selector).ok()?
}
