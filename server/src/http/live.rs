//! `/api/v1/live`: hello, then keyed upserts and removals. A client that lags gets a snapshot again.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{
        ConnectInfo, Query, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
};
use model::{
    Observed,
    event::{Ask, Frame, Patch, YouAreHere},
    wire,
};
use serde::Deserialize;
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Interval, MissedTickBehavior, interval},
};

use super::{
    access::Operator,
    here::{Origin, Peer},
    problem::chain,
};
use crate::{app::App, apply::Progress};

/// Longest message that a browser may send, in bytes.
const ASK: usize = 64 << 10;
/// Counters go out this often, to those who asked.
const COUNTERS: Duration = Duration::from_secs(1);
/// A frame at least this often: a browser that hears nothing for three times as long calls the connection stale.
const ALIVE: Duration = Duration::from_secs(5);

/// What a client says when it comes.
#[derive(Debug, Deserialize)]
pub struct Wish {
    /// The generation that the client already has.
    since: Option<u64>,
    #[serde(default)]
    format: Format,
}

/// How frames are written. What a client asks is JSON in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// Text messages, for scripts.
    #[default]
    Json,
    /// Binary messages, for the page that this server served: see [`wire`].
    Borsh,
}

impl Format {
    fn message(self, frame: &Frame) -> serde_json::Result<Message> {
        Ok(match self {
            Self::Json => Message::Text(serde_json::to_string(frame)?.into()),
            Self::Borsh => Message::Binary(wire::encode(frame).into()),
        })
    }
}

pub async fn live(
    State(app): State<App>,
    Query(Wish { since, format }): Query<Wish>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Extension(Operator(who)): Extension<Operator>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.max_message_size(ASK).on_upgrade(move |socket| async move {
        let client = Client {
            patches: app.watch.subscribe().1,
            progress: app.engine.subscribe(),
            counters: tick(COUNTERS),
            alive: tick(ALIVE),
            asked: None,
            format,
            origin: peer.origin().await.clone(),
            you: None,
            who,
            app,
            socket,
        };
        client.serve(since).await;
    })
}

fn tick(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

struct Client {
    app: App,
    socket: WebSocket,
    format: Format,
    origin: Origin,
    /// Where they came in when they were last told.
    you: Option<YouAreHere>,
    who: String,
    patches: broadcast::Receiver<Arc<Patch>>,
    progress: broadcast::Receiver<Progress>,
    counters: Interval,
    alive: Interval,
    asked: Option<(bool, Vec<String>)>,
}

/// The browser has gone, or does not take what we send.
struct Gone;

impl Client {
    async fn serve(mut self, since: Option<u64>) {
        if self.hello(since).await.is_err() {
            return;
        }
        while self.turn().await.is_ok_and(|flow| flow.is_continue()) {}
    }

    async fn turn(&mut self) -> Result<ControlFlow<()>, Gone> {
        tokio::select! {
            patch = self.patches.recv() => match patch {
                Ok(patch) => {
                    self.send(&Frame::Patch(Patch::clone(&patch))).await?;
                    self.tell_way().await?;
                }
                Err(RecvError::Lagged(_)) => self.hello(None).await?,
                Err(RecvError::Closed) => return Ok(ControlFlow::Break(())),
            },
            progress = self.progress.recv() => match progress {
                Ok(Progress::Change(change)) => self.send(&Frame::Change(*change)).await?,
                Ok(Progress::Drift(drift)) => self.send(&Frame::Drift(drift.to_vec())).await?,
                Ok(Progress::Drafts(drafts)) => self.send(&Frame::Drafts(drafts.to_vec())).await?,
                Ok(Progress::Document(document)) => self.send(&Frame::Document(*document)).await?,
                Err(RecvError::Lagged(_)) => self.hello(None).await?,
                Err(RecvError::Closed) => return Ok(ControlFlow::Break(())),
            },
            _ = self.counters.tick(), if self.asked.is_some() => {
                let (links, tables) = self.asked.clone().unwrap_or_default();
                let mut traffic = self.app.watch.traffic(links, !tables.is_empty()).await;
                traffic.rules.retain(|rule, _| tables.iter().any(|table| rule.starts_with(&format!("{table} "))));
                self.send(&Frame::Counters(traffic)).await?;
            }
            _ = self.alive.tick() => self.send(&Frame::Alive).await?,
            message = self.socket.recv() => match message {
                Some(Ok(Message::Text(text))) => self.listen(&text),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(ControlFlow::Break(())),
                Some(Ok(_)) => {}
            },
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Says where we are; what comes after is in the patches from here on.
    async fn hello(&mut self, since: Option<u64>) -> Result<(), Gone> {
        let (observed, patches) = self.app.watch.subscribe();
        self.patches = patches;
        let document = self.app.store.document().map_err(|error| {
            tracing::error!("{}", chain(&error));
            Gone
        })?;
        let you = Some(self.origin.on(&observed));
        self.you.clone_from(&you);
        let known = since == Some(observed.generation);
        let hello = Frame::Hello {
            generation: observed.generation,
            snapshot: (!known).then(|| Box::new(Observed::clone(&observed))),
            document,
            you,
            who: self.who.clone(),
        };
        self.send(&hello).await?;
        if known {
            // Neighbours and FDB move within a generation.
            let mut blank = Observed::clone(&observed);
            blank.neighbours.clear();
            blank.fdb.clear();
            self.send(&Frame::Patch(Patch::between(&blank, &observed))).await?;
        }
        let drafts = self.app.engine.drafts().map_err(|error| {
            tracing::error!("{}", chain(&error));
            Gone
        })?;
        self.send(&Frame::Drafts(drafts)).await?;
        let drift = self.app.engine.drift();
        if !drift.is_empty() {
            self.send(&Frame::Drift(drift)).await?;
        }
        let change = self.app.engine.current().borrow().clone();
        match change {
            // What was proved is worth seeing again after a reload.
            Some(change) if !change.state.is_final() || !change.proofs.is_empty() => {
                self.send(&Frame::Change(change)).await
            }
            _ => Ok(()),
        }
    }

    /// Addresses move from link to link, and whoever comes to them with them.
    async fn tell_way(&mut self) -> Result<(), Gone> {
        let you = self.origin.on(&self.app.watch.observed());
        if self.you.as_ref() == Some(&you) {
            return Ok(());
        }
        self.you = Some(you.clone());
        self.send(&Frame::You(you)).await
    }

    fn listen(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(Ask::Counters { links, tables }) => {
                self.asked = (links || !tables.is_empty()).then_some((links, tables))
            }
            Err(error) => tracing::debug!("a browser asked what cannot be read: {error}"),
        }
    }

    async fn send(&mut self, frame: &Frame) -> Result<(), Gone> {
        let message = self.format.message(frame).map_err(|error| {
            tracing::error!("writing a frame: {error}");
            Gone
        })?;
        self.socket.send(message).await.map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message that carries `frame` to a client that came with this query.
    fn message(query: &str, frame: &Frame) -> Message {
        let uri = format!("/api/v1/live{query}").parse().expect("an address");
        let Query(wish) = Query::<Wish>::try_from_uri(&uri).expect("a query");
        wish.format.message(frame).expect("a message")
    }

    #[test]
    fn frames_are_json_unless_borsh_is_asked_for() {
        let frame = Frame::Patch(Patch { generation: 7, ..Patch::default() });
        for query in ["", "?since=6", "?format=json"] {
            let Message::Text(text) = message(query, &frame) else { panic!("{query:?} gives no text") };
            assert_eq!(serde_json::from_str::<Frame>(&text).expect("a frame"), frame);
        }
        for query in ["?format=borsh", "?since=6&format=borsh"] {
            let Message::Binary(bytes) = message(query, &frame) else { panic!("{query:?} gives no bytes") };
            assert_eq!(wire::decode::<Frame>(&bytes), Some(frame.clone()));
        }
    }
}
