//! Every way into guests that was given.

use super::{Store, StoreError};
use crate::host::guest::Ways;

impl Store {
    /// Tells with which logins guests are entered by their consoles, which may be reached by SSH, with the keys of this state
    /// folder, and where the document puts them.
    pub fn tell(&self, ways: &Ways) -> Result<(), StoreError> {
        match self.logins() {
            Ok(logins) => ways.load(logins),
            // They can be given again; the rest needs none.
            Err(error) => tracing::error!("{error}"),
        }
        ways.ssh.open(self.folder(), self.ssh_logins()?);
        ways.ssh.document(&self.document()?.cluster);
        Ok(())
    }
}
