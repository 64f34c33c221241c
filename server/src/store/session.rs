//! Who is logged in, and the token that logs in.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
};

use rusqlite::params;

use super::{Store, StoreError, doing};

impl Store {
    /// Adds a session and gives it a number, by which others may know it.
    pub fn add_session(&self, id: &str, at: u64) -> Result<u64, StoreError> {
        let connection = self.lock();
        connection
            .execute("INSERT INTO session (id, at) VALUES (?1, ?2)", params![id, at])
            .map_err(doing("writing"))?;
        Ok(connection.last_insert_rowid().unsigned_abs())
    }

    pub fn remove_session(&self, id: &str) -> Result<(), StoreError> {
        self.lock().execute("DELETE FROM session WHERE id = ?1", [id]).map(drop).map_err(doing("writing"))
    }

    /// Sessions begun after `since` (milliseconds since 1970) with their numbers; older ones are forgotten.
    pub fn sessions(&self, since: u64) -> Result<Vec<(String, u64)>, StoreError> {
        let connection = self.lock();
        connection.execute("DELETE FROM session WHERE at < ?1", [since]).map_err(doing("writing"))?;
        let mut query = connection.prepare("SELECT id, rowid FROM session").map_err(doing("reading"))?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(doing("reading"))?;
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
}

/// 256 random bits in hexadecimal.
pub fn random() -> String {
    let mut bytes = [0_u8; 32];
    #[expect(clippy::expect_used, reason = "without randomness nothing can be kept secret")]
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
