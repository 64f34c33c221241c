//! Programs in a guest by a login on its serial console: one session, one program at a time.
//!
//! A session begins with the first program and ends after a minute without one, so that nobody finds a shell of root's on
//! the console, and whoever wants to use it can.

mod session;
pub mod talk;

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::sleep_until,
};

use super::{error::Error, exec::ExecOutput, login::Login};
use crate::host::libvirt::Libvirt;
use session::{Fault, Session, marker};
pub use talk::Trouble;

const IDLE: Duration = Duration::from_secs(60);
/// The way into one guest. The session ends with the last clone.
#[derive(Debug, Clone)]
pub struct Console {
    orders: mpsc::Sender<Order>,
}

enum Order {
    Run(Run),
    /// Tells when the session, if there is one, has ended.
    Leave(oneshot::Sender<()>),
}

struct Run {
    libvirt: Libvirt,
    doing: String,
    argv: Vec<String>,
    input: Option<Vec<u8>>,
    limit: Duration,
    reply: oneshot::Sender<Result<ExecOutput, Error>>,
}

impl Console {
    /// Inside a Tokio runtime. Nothing is opened yet.
    pub fn new(guest: String, login: Login) -> Self {
        let (orders, taken) = mpsc::channel(16);
        tokio::spawn(serve(guest, login, taken));
        Self { orders }
    }

    /// Whether both are the way by the same login, given once.
    pub fn is(&self, other: &Self) -> bool {
        self.orders.same_channel(&other.orders)
    }

    /// Runs a program to its end, logging in before if need be. A program that takes longer than `limit` is ended.
    pub async fn run(
        &self,
        libvirt: &Libvirt,
        doing: &str,
        argv: &[&str],
        input: Option<&[u8]>,
        limit: Duration,
    ) -> Result<ExecOutput, Error> {
        let (reply, answer) = oneshot::channel();
        let order = Run {
            libvirt: libvirt.clone(),
            doing: doing.to_owned(),
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            input: input.map(<[u8]>::to_vec),
            limit,
            reply,
        };
        let closed = || Error::Console { doing: doing.to_owned(), trouble: Trouble::Closed };
        self.orders.send(Order::Run(order)).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Ends the session, if there is one.
    pub async fn leave(&self) {
        let (reply, left) = oneshot::channel();
        if self.orders.send(Order::Leave(reply)).await.is_ok() {
            left.await.ok();
        }
    }
}

async fn serve(guest: String, login: Login, mut orders: mpsc::Receiver<Order>) {
    let mut session: Option<Session> = None;
    // A password that was refused is not tried again: accounts are locked for that.
    let mut refused: Option<Trouble> = None;
    loop {
        let order = match &mut session {
            None => orders.recv().await,
            Some(open) => {
                let until = open.used + IDLE;
                tokio::select! {
                order = orders.recv() => order,
                () = open.drain() => {
                    session = None;
                    continue;
                }
                () = sleep_until(until) => {
                    leave(&mut session).await;
                    continue;
                }
                }
            }
        };
        let order = match order {
            None => break,
            Some(Order::Run(order)) => order,
            Some(Order::Leave(reply)) => {
                leave(&mut session).await;
                reply.send(()).ok();
                continue;
            }
        };
        // Whoever asked has given up.
        if order.reply.is_closed() {
            continue;
        }
        let outcome = match &refused {
            Some(trouble) => Err(Error::Console { doing: order.doing.clone(), trouble: trouble.clone() }),
            None => carry_out(&guest, &login, &order, &mut session).await,
        };
        if let Err(Error::Console { trouble: trouble @ (Trouble::Refused | Trouble::NotRoot), .. }) = &outcome {
            refused = Some(trouble.clone());
        }
        order.reply.send(outcome).ok();
    }
    leave(&mut session).await;
}

async fn leave(session: &mut Option<Session>) {
    if let Some(session) = session.take() {
        session.leave().await;
    }
}

/// A session that was open may have ended unseen, by a restart of the guest: then there is another. No program was run.
async fn carry_out(
    guest: &str,
    login: &Login,
    order: &Run,
    session: &mut Option<Session>,
) -> Result<ExecOutput, Error> {
    let told = |fault: Fault| fault.told(&order.doing);
    let marker = marker();
    if let Some(mut open) = session.take() {
        match open.hand_over(order, &marker).await {
            Ok(line) => return finish(open, &line, order, &marker, session).await.map_err(told),
            Err(_) => open.leave().await,
        }
    }
    let mut open = Session::open(guest, login, &order.libvirt).await.map_err(told)?;
    match open.hand_over(order, &marker).await {
        Ok(line) => finish(open, &line, order, &marker, session).await.map_err(told),
        Err(fault) => {
            open.leave().await;
            Err(told(fault))
        }
    }
}

/// Runs what was handed over. The session is kept if it is in order afterwards.
async fn finish(
    mut open: Session,
    line: &str,
    order: &Run,
    marker: &str,
    session: &mut Option<Session>,
) -> Result<ExecOutput, Fault> {
    let outcome = open.run(line, order.limit, marker).await;
    match outcome {
        Ok(_) | Err(Fault::Trouble(Trouble::TooMuch) | Fault::Slow { ended: true, .. }) => *session = Some(open),
        Err(_) => open.leave().await,
    }
    outcome
}
