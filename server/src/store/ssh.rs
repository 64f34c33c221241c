//! Which guests may be reached by SSH, and how.

use std::{collections::BTreeMap, net::IpAddr};

use rusqlite::params;

use super::{Store, StoreError, doing};
use crate::host::guest::ssh::Login;

impl Store {
    /// By the UUID of the domain.
    pub fn ssh_logins(&self) -> Result<BTreeMap<String, Login>, StoreError> {
        let connection = self.lock();
        let mut query = connection.prepare("SELECT uuid, user, address FROM ssh").map_err(doing("reading"))?;
        let rows = query
            .query_map([], |row| {
                let (uuid, user, address): (String, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok((uuid, Login { user, address: address.and_then(|text| text.parse::<IpAddr>().ok()) }))
            })
            .map_err(doing("reading"))?;
        rows.collect::<Result<_, _>>().map_err(doing("reading"))
    }

    /// Keeps that a guest may be reached, or forgets it.
    pub fn set_ssh_login(&self, uuid: &str, login: Option<&Login>) -> Result<(), StoreError> {
        let connection = self.lock();
        let done = match login {
            None => connection.execute("DELETE FROM ssh WHERE uuid = ?1", [uuid]),
            Some(Login { user, address }) => connection.execute(
                "INSERT OR REPLACE INTO ssh (uuid, user, address) VALUES (?1, ?2, ?3)",
                params![uuid, user, address.map(|address| address.to_string())],
            ),
        };
        done.map(drop).map_err(doing("writing"))
    }
}
