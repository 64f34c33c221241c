//! Confirm or revert: a change that could have cut us off stays only if we say that it has not.
//!
//! The page says so by itself, as soon as a request of its own has come through. If none does, the change is taken back
//! without anybody's help.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use model::{
    plan::{Change, ChangeState},
    step::Step,
};

use crate::{
    api,
    live::{Connection, Live},
    texts::{fill, later::texts},
    ui::now,
    view::{IntoPart, component, view},
};

/// Between two tries.
const AGAIN: Duration = Duration::from_secs(2);

/// How long is left to confirm the change, counted down.
#[component]
pub fn Countdown() -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let clock = RwSignal::new(now());
    let other = RwSignal::new(false);
    Effect::new(move |_| {
        let tick = set_interval_with_handle(move || clock.set(now()), Duration::from_secs(1));
        on_cleanup(move || {
            if let Ok(tick) = tick {
                tick.clear();
            }
        });
    });
    let awaited = Memo::new(move |_| {
        let awaits = |change: &&Change| change.state == ChangeState::AwaitingConfirmation;
        live.change.with(|change| change.as_ref().filter(awaits).map(|change| change.id))
    });
    Effect::new(move |_| {
        if let Some(id) = awaited.get() {
            confirm(id, awaited, other);
        }
    });
    let left = move || {
        let until = live.change.with(|change| change.as_ref().and_then(|change| change.confirm_by))?;
        let seconds = until.saturating_sub(live.server_time(clock.get())).div_ceil(1000);
        let words = if other.get() { texts.confirm_other } else { texts.confirm_left };
        Some(view! { <p class="countdown" role="timer">{fill(words, &[&seconds.to_string()])}</p> })
    };
    let moved = move || {
        let lost = live.connection.get() != Connection::Live;
        let new =
            live.change.with(|change| change.as_ref().map(new_addresses)).filter(|new| lost && !new.is_empty())?;
        Some(view! { <p class="note tell">{fill(texts.address_moved, &[&new.join(", "), &new[0]])}</p> })
    };
    view! { {left} {moved} }
}

/// The host's addresses that are new with a change, if it takes others away: whoever came to those may try these.
fn new_addresses(change: &Change) -> Vec<String> {
    let (mut new, mut gone) = (Vec::new(), Vec::new());
    for step in change.steps.iter() {
        match step {
            Step::AddAddress { address, .. } => new.push(address.addr()),
            Step::RemoveAddress { address, .. } => gone.push(address.addr()),
            _ => {}
        }
    }
    if gone.iter().all(|address| new.contains(address)) {
        return Vec::new();
    }
    new.iter().filter(|address| !gone.contains(address)).map(ToString::to_string).collect()
}

/// Tries until it comes through, the change ends, or it is somebody else's to confirm.
fn confirm(id: u64, awaited: Memo<Option<u64>>, other: RwSignal<bool>) {
    spawn_local(async move {
        match api::confirm(id).await {
            Some(true) => other.set(false),
            Some(false) => other.set(true),
            None => {
                let again = move || {
                    if awaited.try_get_untracked().flatten() == Some(id) {
                        confirm(id, awaited, other);
                    }
                };
                set_timeout(again, AGAIN);
            }
        }
    });
}
