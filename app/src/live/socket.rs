//! The socket behind [`Live`]: opens it, opens it again, and tells how fresh the picture is.

use std::time::Duration;

use js_sys::{ArrayBuffer, Uint8Array};
use leptos::prelude::*;
use model::{
    event::{Ask, Frame},
    wire,
};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{BinaryType, MessageEvent, WebSocket};

use super::{Connection, Live};
use crate::{paths, ui::now};

/// Counters come each second: this long without a frame is silence.
const SILENCE: u64 = 6_000;
const FIRST_WAIT: u64 = 250;
const LONGEST_WAIT: u64 = 10_000;

/// What a connection remembers. Old sockets are told apart by their number.
#[derive(Clone, Copy)]
struct Line {
    live: Live,
    socket: StoredValue<Option<WebSocket>, LocalStorage>,
    number: StoredValue<u32>,
    wait: StoredValue<u64>,
    heard: StoredValue<u64>,
}

/// Keeps the store up to date from now on. Browser only.
pub fn start(live: Live) {
    let line = Line {
        live,
        socket: StoredValue::new_local(None),
        number: StoredValue::new(0),
        wait: StoredValue::new(FIRST_WAIT),
        heard: StoredValue::new(now()),
    };
    line.open();
    Effect::new(move |_| {
        live.watched.track();
        line.ask();
    });
    let online = window_event_listener_untyped("online", move |_| line.again());
    std::mem::forget(online);
    let clock = set_interval_with_handle(move || line.listen(), Duration::from_secs(1));
    std::mem::forget(clock);
}

impl Line {
    fn open(self) {
        let number = self.number.get_value().wrapping_add(1);
        self.number.set_value(number);
        let location = window().location();
        let scheme = if location.protocol().is_ok_and(|protocol| protocol == "https:") { "wss" } else { "ws" };
        let host = location.host().unwrap_or_default();
        let generation = self.live.observed.with_untracked(|observed| observed.generation);
        let url = format!("{scheme}://{host}{}?format=borsh&since={generation}", paths::LIVE);
        let Ok(socket) = WebSocket::new(&url) else { return self.closed(number) };
        socket.set_binary_type(BinaryType::Arraybuffer);
        let on_open = Closure::<dyn FnMut()>::new(move || self.ask());
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| self.heard(number, &event));
        let on_close = Closure::<dyn FnMut()>::new(move || self.closed(number));
        socket.set_onopen(Some(on_open.into_js_value().unchecked_ref()));
        socket.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
        socket.set_onclose(Some(on_close.into_js_value().unchecked_ref()));
        self.socket.set_value(Some(socket));
    }

    fn heard(self, number: u32, event: &MessageEvent) {
        if number != self.number.get_value() {
            return;
        }
        // A frame that cannot be read means that server and page are of different versions.
        let Some(frame) = frame(event) else { return };
        self.heard.set_value(now());
        self.wait.set_value(FIRST_WAIT);
        self.live.take(frame);
        if self.live.connection.get_untracked() != Connection::Live {
            self.live.connection.set(Connection::Live);
        }
    }

    fn closed(self, number: u32) {
        if number != self.number.get_value() {
            return;
        }
        let since = self.heard.get_value();
        if !matches!(self.live.connection.get_untracked(), Connection::Offline { .. }) {
            self.live.connection.set(Connection::Offline { since });
        }
        let wait = self.wait.get_value();
        self.wait.set_value((wait * 2).min(LONGEST_WAIT));
        let retry = move || {
            if number == self.number.get_value() {
                self.open();
            }
        };
        set_timeout(retry, Duration::from_millis(wait));
    }

    /// The network is back: do not wait.
    fn again(self) {
        if self.live.connection.get_untracked() != Connection::Live {
            self.wait.set_value(FIRST_WAIT);
            self.open();
        }
    }

    fn listen(self) {
        let since = self.heard.get_value();
        if self.live.connection.get_untracked() == Connection::Live && now().saturating_sub(since) > SILENCE {
            self.live.connection.set(Connection::Stale { since });
        }
    }

    fn ask(self) {
        let tables = self.live.watched.with_untracked(|tables| tables.iter().cloned().collect());
        let Ok(text) = serde_json::to_string(&Ask::Counters { links: true, tables }) else { return };
        self.socket.with_value(|socket| {
            if let Some(socket) = socket.as_ref().filter(|socket| socket.ready_state() == WebSocket::OPEN) {
                // A failure here is followed by the event `close`.
                let _ = socket.send_with_str(&text);
            }
        });
    }
}

fn frame(event: &MessageEvent) -> Option<Frame> {
    let bytes = event.data().dyn_into::<ArrayBuffer>().ok()?;
    wire::decode(&Uint8Array::new(&bytes).to_vec())
}
