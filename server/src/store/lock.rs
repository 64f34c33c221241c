//! Locks of the state folder. The kernel gives them back when their holder ends, however it ends.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use nix::fcntl::{Flock, FlockArg};

use super::StoreError;

/// What a lock is for; each is a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockOf {
    /// Held by the one server of a state folder.
    Server,
    /// Held by whoever runs the steps of a change, or takes them back.
    Change,
    /// Held by the process that will take back this change, from the moment that it counts.
    Revert(u64),
}

impl LockOf {
    pub fn file(self) -> String {
        match self {
            Self::Server => "server.lock".to_owned(),
            Self::Change => "change.lock".to_owned(),
            Self::Revert(change) => format!("revert-{change}.lock"),
        }
    }
}

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "to be held")] Flock<std::fs::File>);

impl Lock {
    /// The lock, or `None` if somebody holds it.
    pub fn of(folder: &Path, what: LockOf) -> Result<Option<Self>, StoreError> {
        let path = folder.join(what.file());
        let in_folder = |source| StoreError::Folder { folder: folder.to_owned(), source };
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(in_folder)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(Self(lock))),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, error)) => Err(in_folder(error.into())),
        }
    }

    /// The lock as soon as it is free; `None` if it is not within `limit`.
    pub async fn wait(folder: &Path, what: LockOf, limit: Duration) -> Result<Option<Self>, StoreError> {
        let deadline = tokio::time::Instant::now() + limit;
        let mut again = tokio::time::interval(Duration::from_millis(50));
        loop {
            again.tick().await;
            if let Some(lock) = Self::of(folder, what)? {
                return Ok(Some(lock));
            }
            if tokio::time::Instant::now() > deadline {
                return Ok(None);
            }
        }
    }
}
