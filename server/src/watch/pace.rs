//! How soon an event is acted on: the first at once, a flood in batches.

use std::{future::Future, time::Duration};

use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, timeout_at},
};

use crate::host::{firewall::Monitor, kernel, manager};

/// One change in the kernel is several events: links, addresses and routes come within this time.
const BURST: Duration = Duration::from_millis(2);
/// The least time between two readings of the same source.
const FLOOD: Duration = Duration::from_millis(40);

/// Where events come from. Waiting may be given up without losing one.
pub trait Events {
    type Event;

    /// `None` if no more will come.
    fn event(&mut self) -> impl Future<Output = Option<Self::Event>> + Send;
}

impl Events for kernel::Events {
    type Event = kernel::Nudge;

    async fn event(&mut self) -> Option<Self::Event> {
        self.next().await.ok()
    }
}

impl Events for Monitor {
    type Event = ();

    async fn event(&mut self) -> Option<()> {
        self.changed().await.ok()
    }
}

impl Events for manager::Events {
    type Event = ();

    async fn event(&mut self) -> Option<()> {
        self.changed().await.ok()
    }
}

impl<T: Send> Events for UnboundedReceiver<T> {
    type Event = T;

    async fn event(&mut self) -> Option<T> {
        self.recv().await
    }
}

/// Remembers when the last reading began.
#[derive(Debug, Default)]
pub struct Pace {
    last: Option<Instant>,
}

impl Pace {
    /// Collects what else has happened until the time has come to read.
    pub async fn collect<E: Events>(&mut self, events: &mut E, mut keep: impl FnMut(E::Event)) {
        let soon = Instant::now() + BURST;
        let due = self.last.map_or(soon, |last| soon.max(last + FLOOD));
        while let Ok(Some(event)) = timeout_at(due, events.event()).await {
            keep(event);
        }
        self.last = Some(Instant::now());
    }
}
