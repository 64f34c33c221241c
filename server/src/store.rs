//! The document and its versions, sessions and the token, on disk.
//!
//! One SQLite file in the state folder. Versions are only ever added: the newest is the current one, undo is a newer
//! version that equals an older one.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use model::{Cluster, event::Document};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("preparing the state folder {folder}")]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("{doing} the database")]
    Database { doing: &'static str, source: rusqlite::Error },
    #[error("the database is of version {found}, this program knows {known}; it was left as it is")]
    Newer { found: i64, known: i64 },
    #[error("version {version} of the document cannot be read: {reason}; the database was left as it is")]
    Document { version: u64, reason: String },
    #[error("the token in {path} cannot be read: {reason}")]
    Token { path: PathBuf, reason: String },
}

/// One version of the document, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Version {
    pub version: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    pub why: String,
    pub cluster: Cluster,
}

#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    folder: PathBuf,
}

const SCHEMA: i64 = 1;

impl Store {
    /// Opens the state folder, making it if it is not there.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let in_folder = |source| StoreError::Folder { folder: folder.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(in_folder)?;
        let path = folder.join("bridgehead.sqlite");
        let connection = Connection::open(path).map_err(doing("opening"))?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000;")
            .map_err(doing("opening"))?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(doing("reading"))?;
        if found > SCHEMA {
            return Err(StoreError::Newer { found, known: SCHEMA });
        }
        connection.execute_batch(include_str!("store/schema.sql")).map_err(doing("preparing"))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), folder: folder.to_owned() })
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

    /// The newest `limit` versions, newest first.
    pub fn versions(&self, limit: u32) -> Result<Vec<Version>, StoreError> {
        let connection = self.lock();
        let mut query = connection
            .prepare("SELECT version, at, why, cluster FROM version ORDER BY version DESC LIMIT ?1")
            .map_err(doing("reading"))?;
        let rows = query
            .query_map([limit], |row| {
                Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?))
            })
            .map_err(doing("reading"))?;
        rows.map(|row| {
            let (version, at, why, text) = row.map_err(doing("reading"))?;
            Ok(Version { version, at, why, cluster: read_cluster(version, &text)? })
        })
        .collect()
    }

    /// Adds a version and returns its number.
    pub fn commit(&self, cluster: &Cluster, why: &str, at: u64) -> Result<u64, StoreError> {
        let connection = self.lock();
        connection
            .execute("INSERT INTO version (at, why, cluster) VALUES (?1, ?2, ?3)", params![at, why, cluster.to_toml()])
            .map_err(doing("writing"))?;
        Ok(connection.last_insert_rowid().unsigned_abs())
    }

    pub fn add_session(&self, id: &str, at: u64) -> Result<(), StoreError> {
        self.lock()
            .execute("INSERT INTO session (id, at) VALUES (?1, ?2)", params![id, at])
            .map(drop)
            .map_err(doing("writing"))
    }

    pub fn remove_session(&self, id: &str) -> Result<(), StoreError> {
        self.lock().execute("DELETE FROM session WHERE id = ?1", [id]).map(drop).map_err(doing("writing"))
    }

    /// Sessions begun after `since` (milliseconds since 1970); older ones are forgotten.
    pub fn sessions(&self, since: u64) -> Result<Vec<String>, StoreError> {
        let connection = self.lock();
        connection.execute("DELETE FROM session WHERE at < ?1", [since]).map_err(doing("writing"))?;
        let mut query = connection.prepare("SELECT id FROM session").map_err(doing("reading"))?;
        let rows = query.query_map([], |row| row.get(0)).map_err(doing("reading"))?;
        rows.collect::<Result<_, _>>().map_err(doing("reading"))
    }

    /// The token that logs in; made at the first start, readable by the owner only.
    pub fn token(&self) -> Result<String, StoreError> {
        let path = self.folder.join("token");
        let wrong = |reason: String| StoreError::Token { path: path.clone(), reason };
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().len() >= 32 => Ok(text.trim().to_owned()),
            Ok(_) => Err(wrong("it is shorter than 32 characters; remove the file to get a new one".to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let token = random();
                let mut file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)
                    .map_err(|error| wrong(error.to_string()))?;
                writeln!(file, "{token}").map_err(|error| wrong(error.to_string()))?;
                Ok(token)
            }
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// 256 random bits in hexadecimal.
pub fn random() -> String {
    let mut bytes = [0_u8; 32];
    #[expect(clippy::expect_used, reason = "without randomness nothing can be kept secret")]
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_cluster(version: u64, text: &str) -> Result<Cluster, StoreError> {
    Cluster::from_toml(text).map_err(|error| StoreError::Document { version, reason: error.to_string() })
}

fn doing(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Database { doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("bridgehead-store-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn versions_are_added_and_read_back() {
        let folder = folder("versions");
        let store = Store::open(&folder).expect("a store");
        assert_eq!(store.document().expect("a document"), Document::default());
        let cluster =
            Cluster::from_toml("[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n").expect("a cluster");
        assert_eq!(store.commit(&cluster, "test", 5).expect("a commit"), 1);
        assert_eq!(store.commit(&Cluster::default(), "undo", 6).expect("a commit"), 2);
        drop(store);
        let store = Store::open(&folder).expect("the same store");
        assert_eq!(store.document().expect("a document").version, 2);
        assert_eq!(store.version(1).expect("a version").expect("it is there").cluster, cluster);
        assert_eq!(store.versions(10).expect("versions").len(), 2);
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn the_token_is_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder("token");
        let store = Store::open(&folder).expect("a store");
        let token = store.token().expect("a token");
        assert_eq!(token, store.token().expect("the same token"));
        let mode = fs::metadata(folder.join("token")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_newer_database_is_refused() {
        let folder = folder("newer");
        fs::create_dir_all(&folder).expect("a folder");
        let connection = Connection::open(folder.join("bridgehead.sqlite")).expect("a database");
        connection.execute_batch("PRAGMA user_version = 99").expect("a version");
        drop(connection);
        assert!(matches!(Store::open(&folder), Err(StoreError::Newer { found: 99, .. })));
        fs::remove_dir_all(folder).expect("removed");
    }
}
