//! The revert process: takes back a change that nobody confirmed, whatever has become of the server.
//!
//! ```text
//! server: arm ─► its lock is held? ─► first step …
//! revert: lock ─► wait until the change is ended ──────────────► exit
//!                       └─(time is up)─► take over ─► take back ─► exit
//! ```
//!
//! It counts on a clock that nobody can set, and needs libvirt only for what libvirt did.

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use clap::Args;
use model::plan::ChangeState;
use tokio::{
    process::Command,
    time::{Instant, interval, timeout},
};

use super::{faults::Faults, take_back::take_back};
use crate::{
    host::Host,
    store::{
        Lock, LockOf, Store, StoreError,
        journal::{Entry, Outcome},
    },
    watch::Watch,
};

/// Until the process counts.
const ARMED: Duration = Duration::from_secs(10);
/// The server takes back what nobody confirmed by itself, if it is there: it knows more.
const GRACE: Duration = Duration::from_secs(2);
/// How long a server that is in the middle of a step may take to end it.
const PATIENCE: Duration = Duration::from_secs(20);
/// Without an answer from libvirt in this time, what libvirt did is left for later.
const LIBVIRT: Duration = Duration::from_secs(3);
/// How often it looks whether the change has ended.
const LOOK: Duration = Duration::from_millis(250);

/// Take back a change that nobody confirms in time. The server starts this by itself.
#[derive(Debug, Args)]
pub struct Revert {
    /// The server's state folder.
    #[arg(long)]
    state: PathBuf,
    /// The number of the change.
    #[arg(long)]
    change: u64,
    /// Seconds until it is taken back.
    #[arg(long)]
    within: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ArmError {
    #[error("the process that would take the change back does not start: {0}")]
    Start(#[source] io::Error),
    #[error("the process that would take the change back did not say that it counts")]
    Silent,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Starts the process, outside of everything that ends with the server, and waits until it counts.
pub async fn arm(folder: &Path, change: u64, within: Duration) -> Result<(), ArmError> {
    let program = std::env::current_exe().map_err(ArmError::Start)?;
    let mut command = if Path::new("/run/systemd/system").is_dir() {
        // A unit of its own: stopping the server's unit does not end it.
        let mut command = Command::new("systemd-run");
        command.args(["--quiet", "--collect", &format!("--unit=bridgehead-revert-{change}"), "--"]).arg(program);
        command
    } else {
        let mut command = Command::new(program);
        // SAFETY: setsid is async-signal-safe.
        unsafe { command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(io::Error::from)) };
        command
    };
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("revert.log"));
    command
        .args(["revert", "--change", &change.to_string(), "--within", &within.as_secs().to_string(), "--state"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.map_or_else(|_| Stdio::null(), Stdio::from));
    command.spawn().map_err(ArmError::Start)?;
    let deadline = Instant::now() + ARMED;
    let mut again = interval(Duration::from_millis(20));
    // Whoever gets the lock gives it back at once.
    while Lock::of(folder, LockOf::Revert(change))?.is_some() {
        again.tick().await;
        if Instant::now() > deadline {
            return Err(ArmError::Silent);
        }
    }
    Ok(())
}

pub fn main(args: Revert) -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(revert(args))
}

async fn revert(args: Revert) -> Result<(), Box<dyn Error>> {
    let deadline = Instant::now() + Duration::from_secs(args.within) + GRACE;
    let store = Store::open(&args.state)?;
    let lock = Lock::wait(&args.state, LockOf::Revert(args.change), ARMED).await?;
    let Some(_armed) = lock else { return Err("another process takes this change back".into()) };
    if let Some(entry) = overdue(&store, args.change, deadline).await? {
        end(&store, entry, args.within).await?;
    }
    let _ = fs::remove_file(args.state.join(LockOf::Revert(args.change).file()));
    Ok(())
}

/// The change, when its time is up; `None` as soon as it has ended.
async fn overdue(store: &Store, change: u64, deadline: Instant) -> Result<Option<Entry>, Box<dyn Error>> {
    let mut look = interval(LOOK);
    loop {
        look.tick().await;
        let entry = store.change(change)?.ok_or("there is no such change")?;
        if entry.state.is_final() {
            return Ok(None);
        }
        if Instant::now() > deadline {
            return Ok(Some(entry));
        }
    }
}

async fn end(store: &Store, entry: Entry, within: u64) -> Result<(), Box<dyn Error>> {
    let faults = Faults::of("revert");
    // A server that hangs in a step keeps its lock; what cuts somebody off must be taken back all the same.
    let _lock = Lock::wait(store.folder(), LockOf::Change, PATIENCE).await?;
    use ChangeState::{Applying, AwaitingConfirmation, RollingBack, Verifying};
    let open = [Applying, Verifying, AwaitingConfirmation, RollingBack];
    match faults.around(|| store.turn(entry.id, &open, RollingBack)) {
        Ok(true) => {}
        Ok(false) => return Ok(()),
        // A journal that cannot be written is no reason to leave somebody cut off.
        Err(error) => tracing::error!("{error}"),
    }
    tracing::warn!("nobody confirmed change {} within {within} s: taking it back", entry.id);
    let host = Host::open(None)?;
    store.tell(&host.ways)?;
    if timeout(LIBVIRT, host.libvirt.connect()).await.is_err() {
        tracing::warn!("libvirt does not answer");
    }
    let watch = Watch::start(host.clone()).await;
    // Steps may have begun since the change was read.
    let entry = store.change(entry.id)?.unwrap_or(entry);
    let left_over = take_back(&host, &watch, entry.id, entry.undo()).await;
    host.ways.leave().await;
    if left_over.is_for_libvirt && !left_over.commands.is_empty() {
        tracing::warn!("what libvirt did is left to the server: {}", left_over.commands.join("; "));
        return Ok(());
    }
    let outcome = Outcome { error: Some(unconfirmed(within)), left_over: left_over.commands, proofs: Vec::new() };
    faults.around(|| store.rolled_back(entry.id, &outcome))?;
    Ok(())
}

pub fn unconfirmed(seconds: u64) -> String {
    format!("nobody confirmed it within {seconds} s")
}
