//! The document and its versions, the journal of changes, sessions and the token, on disk.
//!
//! One SQLite file in the state folder. Versions are only ever added: the newest is the current one, undo is a newer
//! version that equals an older one.

mod draft;
pub mod journal;
mod lock;
mod login;
mod session;
mod ssh;
#[cfg(test)]
mod tests;
mod way;

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use model::{Cluster, event::Document};
use rusqlite::{Connection, OptionalExtension, config::DbConfig};
use serde::Serialize;

pub use lock::{Lock, LockOf};
pub use session::random;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("preparing the state folder {folder}")]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("{doing} the database")]
    Database { doing: &'static str, source: rusqlite::Error },
    #[error("the journal cannot be written")]
    Unwritten(#[source] rusqlite::Error),
    #[error(
        "{} cannot be used, and was left as it is, as was the network; put a copy of it back from a backup, or move it \
         away to begin with an empty document", file.display()
    )]
    Unusable { file: PathBuf, source: Box<StoreError> },
    #[error("a newer Bridgehead wrote it (version {found} of the database, this one knows {known}): use that one")]
    Newer { found: i64, known: i64 },
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("version {version} of the document cannot be read: {reason}")]
    Document { version: u64, reason: String },
    #[error("change {id} of the journal cannot be read")]
    Journal { id: u64, source: serde_json::Error },
    #[error("another Bridgehead serves the state folder {folder}: end it, or choose another folder with --state")]
    Served { folder: PathBuf },
    #[error("the key in {path}, which the logins of guests are encrypted with, cannot be used: {reason}")]
    Key { path: PathBuf, reason: String },
    #[error("the token in {path} cannot be read: {reason}")]
    Token { path: PathBuf, reason: String },
}

/// One version of the document, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Version {
    pub version: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    pub who: String,
    pub why: String,
    /// The older version that this one is again.
    pub restores: Option<u64>,
    pub cluster: Cluster,
}

#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    folder: PathBuf,
}

const FILE: &str = "bridgehead.sqlite";

/// What makes each version of the database out of the one before.
const MIGRATIONS: [&str; 5] = [
    include_str!("store/1.sql"),
    include_str!("store/2.sql"),
    include_str!("store/3.sql"),
    include_str!("store/4.sql"),
    include_str!("store/5.sql"),
];

impl Store {
    /// Opens the state folder, making it if it is not there.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let in_folder = |source| StoreError::Folder { folder: folder.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(in_folder)?;
        let file = folder.join(FILE);
        let connection = connect(&file).map_err(unusable(&file))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), folder: folder.to_owned() })
    }

    /// The state folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Held as long as a server serves this state folder, all of which it can read.
    pub fn serve(&self) -> Result<Lock, StoreError> {
        let lock = Lock::of(&self.folder, LockOf::Server)?;
        let lock = lock.ok_or_else(|| StoreError::Served { folder: self.folder.clone() })?;
        let readable = self.versions(u32::MAX).and_then(|_| self.changes(u32::MAX));
        readable.map_err(unusable(&self.folder.join(FILE)))?;
        let connection = self.lock();
        connection.execute_batch("PRAGMA journal_mode = WAL").map_err(doing("preparing"))?;
        checkpoint_on_close(&connection, true)?;
        Ok(lock)
    }

    /// The current document; version 0 and empty before the first change.
    pub fn document(&self) -> Result<Document, StoreError> {
        let row = self
            .lock()
            .query_row("SELECT version, cluster FROM version ORDER BY version DESC LIMIT 1", [], |row| {
                Ok((row.get::<_, u64>(0)?, row.get::<_, String>(1)?))
            })
            .optional()
            .map_err(doing("reading"))?;
        row.map_or_else(
            || Ok(Document::default()),
            |(version, text)| Ok(Document { version, cluster: read_cluster(version, &text)? }),
        )
    }

    /// One older document.
    pub fn version(&self, version: u64) -> Result<Option<Document>, StoreError> {
        if version == 0 {
            return Ok(Some(Document::default()));
        }
        let text = self
            .lock()
            .query_row("SELECT cluster FROM version WHERE version = ?1", [version], |row| row.get::<_, String>(0))
            .optional()
            .map_err(doing("reading"))?;
        text.map(|text| Ok(Document { version, cluster: read_cluster(version, &text)? })).transpose()
    }

    /// The version that this one is, if those that are an older one again count as that: undo goes back from here.
    pub fn position_of(&self, version: u64) -> Result<u64, StoreError> {
        let restores = self
            .lock()
            .query_row("SELECT restores FROM version WHERE version = ?1", [version], |row| row.get::<_, Option<u64>>(0))
            .optional()
            .map_err(doing("reading"))?;
        Ok(restores.flatten().unwrap_or(version))
    }

    /// The position of the current version.
    pub fn position(&self) -> Result<u64, StoreError> {
        self.position_of(self.document()?.version)
    }

    /// The version that was taken back to come to the current position, if nothing else was done since.
    pub fn undone(&self) -> Result<Option<u64>, StoreError> {
        let undone = self
            .lock()
            .query_row(
                "SELECT undoes FROM version WHERE undoes IS NOT NULL AND restores =
                    (SELECT restores FROM version WHERE version = (SELECT max(version) FROM version))
                 ORDER BY version DESC LIMIT 1",
                [],
                |row| row.get::<_, Option<u64>>(0),
            )
            .optional()
            .map_err(doing("reading"))?;
        Ok(undone.flatten())
    }

    /// The newest `limit` versions, newest first.
    pub fn versions(&self, limit: u32) -> Result<Vec<Version>, StoreError> {
        let connection = self.lock();
        let mut query = connection
            .prepare("SELECT version, at, who, why, restores, cluster FROM version ORDER BY version DESC LIMIT ?1")
            .map_err(doing("reading"))?;
        let rows = query
            .query_map([limit], |row| {
                let (version, text): (u64, String) = (row.get(0)?, row.get(5)?);
                let (at, who, why, restores) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
                Ok(read_cluster(version, &text).map(|cluster| Version { version, at, who, why, restores, cluster }))
            })
            .map_err(doing("reading"))?;
        rows.map(|row| row.map_err(doing("reading"))?).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Looks before it writes: a file that cannot be used stays as it is, byte for byte.
fn connect(file: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(file).map_err(doing("opening"))?;
    checkpoint_on_close(&connection, false)?;
    connection.busy_timeout(Duration::from_secs(2)).map_err(doing("opening"))?;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(doing("reading"))?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    let damage: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(doing("reading"))?;
    if damage != "ok" {
        return Err(StoreError::Damaged(damage));
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(doing("opening"))?;
    if found < known {
        let transaction = connection.transaction().map_err(doing("preparing"))?;
        for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
            transaction.execute_batch(migration).map_err(doing("preparing"))?;
        }
        transaction.pragma_update(None, "user_version", known).map_err(doing("preparing"))?;
        transaction.commit().map_err(doing("preparing"))?;
    }
    Ok(connection)
}

/// Whether what a crash left in the write-ahead log goes into the file when this connection closes.
fn checkpoint_on_close(connection: &Connection, on: bool) -> Result<(), StoreError> {
    let set = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !on);
    set.map(drop).map_err(doing("opening"))
}

fn unusable(file: &Path) -> impl FnOnce(StoreError) -> StoreError {
    move |source| StoreError::Unusable { file: file.to_owned(), source: Box::new(source) }
}

fn read_cluster(version: u64, text: &str) -> Result<Cluster, StoreError> {
    Cluster::from_toml(text).map_err(|error| StoreError::Document { version, reason: error.to_string() })
}

fn doing(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Database { doing, source }
}
