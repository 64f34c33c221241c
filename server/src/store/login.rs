//! With which login guests are entered. Neither users nor passwords are in the database in clear: the key is in a file of its
//! own beside it, which a copy of the database does not have.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
};

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rusqlite::params;

use super::{Store, StoreError, doing, session::random};
use crate::host::guest::Login;

/// The key's file, in the state folder: 256 bits in hexadecimal.
const FILE: &str = "login.key";
/// Of XChaCha20-Poly1305 in bytes: long enough to be random.
const NONCE: usize = 24;

impl Store {
    /// Every guest with its login. One that cannot be read any more, because the key was replaced, is as if never given.
    pub fn logins(&self) -> Result<Vec<(String, Login)>, StoreError> {
        let rows: Vec<(String, String, Vec<u8>)> = {
            let connection = self.lock();
            let mut query = connection.prepare("SELECT guest, uuid, sealed FROM login").map_err(doing("reading"))?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            rows.and_then(Iterator::collect).map_err(doing("reading"))?
        };
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let cipher = self.cipher()?;
        let read = |(guest, uuid, sealed): (String, String, Vec<u8>)| {
            let login = open(&cipher, &guest, &uuid, &sealed);
            if login.is_none() {
                tracing::warn!("the login of guest {guest} cannot be read with the key in {FILE}: give it again");
            }
            Some((guest, login?))
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Keeps a login, in the place of the last one.
    pub fn set_login(&self, guest: &str, login: &Login) -> Result<(), StoreError> {
        let sealed = self.seal(guest, login)?;
        self.lock()
            .execute(
                "INSERT OR REPLACE INTO login (guest, uuid, sealed) VALUES (?1, ?2, ?3)",
                params![guest, login.uuid(), sealed],
            )
            .map(drop)
            .map_err(doing("writing"))
    }

    /// Forgets it; whether there was one.
    pub fn forget_login(&self, guest: &str) -> Result<bool, StoreError> {
        let gone = self.lock().execute("DELETE FROM login WHERE guest = ?1", [guest]).map_err(doing("writing"))?;
        Ok(gone > 0)
    }

    fn seal(&self, guest: &str, login: &Login) -> Result<Vec<u8>, StoreError> {
        let path = self.folder.join(FILE);
        let wrong = |reason: &str| StoreError::Key { path: path.clone(), reason: reason.to_owned() };
        let mut sealed = vec![0; NONCE];
        getrandom::fill(&mut sealed).map_err(|_| wrong("the kernel gives no random bytes"))?;
        let text = format!("{}\n{}", login.user(), login.password().expose());
        let about = about(guest, login.uuid());
        let payload = Payload { msg: text.as_bytes(), aad: about.as_bytes() };
        let encrypted = self.cipher()?.encrypt(XNonce::from_slice(&sealed), payload);
        sealed.extend(encrypted.map_err(|_| wrong("it does not encrypt"))?);
        Ok(sealed)
    }

    /// The key is made when the first login is given, readable by the owner only.
    fn cipher(&self) -> Result<XChaCha20Poly1305, StoreError> {
        let path = self.folder.join(FILE);
        let wrong = |reason: String| StoreError::Key { path: path.clone(), reason };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text.trim().to_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = random();
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
                file.and_then(|mut file| writeln!(file, "{key}").and_then(|()| file.sync_all()))
                    .map_err(|error| wrong(error.to_string()))?;
                key
            }
            Err(error) => return Err(wrong(error.to_string())),
        };
        let byte = |place: usize| text.get(place..place + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let key: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
        let key =
            key.filter(|key| key.len() == 32).ok_or_else(|| wrong("it is not 64 hexadecimal digits".to_owned()))?;
        Ok(XChaCha20Poly1305::new(Key::from_slice(&key)))
    }
}

fn open(cipher: &XChaCha20Poly1305, guest: &str, uuid: &str, sealed: &[u8]) -> Option<Login> {
    let (nonce, encrypted) = sealed.split_at_checked(NONCE)?;
    let about = about(guest, uuid);
    let payload = Payload { msg: encrypted, aad: about.as_bytes() };
    let text = String::from_utf8(cipher.decrypt(XNonce::from_slice(nonce), payload).ok()?).ok()?;
    let (user, password) = text.split_once('\n')?;
    Login::new(user, password, uuid).ok()
}

/// A row that was moved to another guest does not open.
fn about(guest: &str, uuid: &str) -> String {
    format!("{uuid} {guest}")
}
