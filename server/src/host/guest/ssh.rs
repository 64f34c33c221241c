//! A guest by SSH: the program `ssh`, with a key of Bridgehead's own.
//!
//! ```text
//! run ─► connection open? ─ no ─► each address: ssh … id -u ─► its key is the pinned one, it is root ─┐
//!            └─ yes ──────────────────────────────────────────────────────────────────────────────────┴─► ssh … words
//! ```
//!
//! The first host key that a guest shows is pinned, by the domain's UUID. From then on whoever shows another is refused:
//! the guest after it was installed anew, and any other that answers in its place.

mod files;
mod logins;
mod program;
mod words;

use std::{
    io,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{error::Error, exec::ExecOutput};
use crate::host::libvirt::clean;

pub use files::Files;
pub use logins::{Login, Logins};
pub use words::{is_user, is_uuid};

use program::Ran;
use words::NO_CONNECTION;

/// How long connecting to one address may take, and finding out who is there.
const CONNECT: Duration = Duration::from_secs(10);
/// What `ssh-keygen` and `ssh -O` may take: they ask nobody.
const LOCAL: Duration = Duration::from_secs(5);
/// As ssh-keyscan takes it, in seconds.
const SCAN: &str = "5";
/// The longest word of a guest's in an error.
const SAID: usize = 300;

/// Why there is no connection. What was said is `ssh`'s own word, or the guest's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SshError {
    #[error("the program {program} does not start ({reason}); Debian has it in the package openssh-client")]
    Start { program: &'static str, reason: String },
    #[error("Bridgehead's own key cannot be made or read: {reason}")]
    Key { reason: String },
    #[error("no address of it is known yet")]
    NoAddress,
    #[error("no connection to {user}@{address}: {said}")]
    Refused { user: String, address: IpAddr, said: String },
    #[error(
        "{address} shows another host key ({shown}) than the one that is pinned ({pinned}). If the guest was installed anew, \
         forget the pinned key; if not, something else answers in its place"
    )]
    OtherKey { address: IpAddr, shown: String, pinned: String },
    #[error("{user}@{address} is not root, and sudo does not make it so without a password: {said}")]
    NotRoot { user: String, address: IpAddr, said: String },
}

/// One guest that may be reached.
#[derive(Debug)]
pub struct Ssh {
    files: Files,
    pub guest: String,
    pub uuid: String,
    pub login: Login,
    addresses: Mutex<Vec<IpAddr>>,
    /// Where it was found.
    at: Mutex<Option<IpAddr>>,
    /// Held while somebody connects: one connection is enough.
    connecting: tokio::sync::Mutex<()>,
}

impl Ssh {
    pub fn new(files: Files, guest: String, uuid: String, login: Login) -> Self {
        let (addresses, at, connecting) = Default::default();
        Self { files, guest, uuid, login, addresses, at, connecting }
    }

    pub fn set_addresses(&self, addresses: Vec<IpAddr>) {
        *self.addresses.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    pub fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs a program in the guest to its end, as root. One that takes longer than `limit` is no longer waited for; one
    /// that prints more than [`super::exec::OUTPUT`] is an error.
    pub async fn run(&self, argv: &[&str], input: Option<&[u8]>, limit: Duration) -> Result<ExecOutput, Error> {
        let doing = || format!("run {} in guest {}", argv.first().copied().unwrap_or_default(), self.guest);
        let lost = |source| Error::Ssh { doing: doing(), source };
        let address = self.connect().await.map_err(lost)?;
        let ran = self.ssh(address, argv, input, limit).await.map_err(lost)?;
        let output = match ran {
            Ran::Late => {
                self.hang_up().await;
                return Err(Error::Slow { doing: doing(), seconds: limit.as_secs() });
            }
            Ran::TooLong => {
                let reason = format!("it is longer than {} bytes", super::exec::OUTPUT);
                return Err(Error::Nonsense { doing: doing(), reason });
            }
            Ran::Ended(output) => output,
        };
        if output.status == NO_CONNECTION {
            self.hang_up().await;
            return Err(lost(self.refused(address, &said(&output)).await));
        }
        Ok(output)
    }

    /// Sees to it that there is a connection, and gives the address at its other end.
    pub async fn connect(&self) -> Result<IpAddr, SshError> {
        if let Some(address) = self.open_at() {
            return Ok(address);
        }
        let _one_at_a_time = self.connecting.lock().await;
        if let Some(address) = self.open_at() {
            return Ok(address);
        }
        let files = self.files.clone();
        let key = tokio::task::spawn_blocking(move || files.authorized()).await;
        key.unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|error| SshError::Key { reason: error.to_string() })?;
        let (addresses, mut trouble) = (self.addresses(), SshError::NoAddress);
        // A connection that another process has opened is as good, wherever it leads: the guest's key was looked at.
        let open = addresses.first().filter(|_| self.files.is_open(&self.uuid));
        for address in open.into_iter().chain(&addresses).copied() {
            match self.try_at(address).await {
                Ok(()) => {
                    *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
                    return Ok(address);
                }
                // Of all that can be said, this is what has to be known.
                Err(_) if matches!(trouble, SshError::OtherKey { .. }) => {}
                Err(error) => trouble = error,
            }
        }
        Err(trouble)
    }

    fn open_at(&self) -> Option<IpAddr> {
        let at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
        at.filter(|_| self.files.is_open(&self.uuid))
    }

    async fn try_at(&self, address: IpAddr) -> Result<(), SshError> {
        let user = || self.login.user.clone();
        let output = match self.ssh(address, &["id", "-u"], None, CONNECT).await? {
            Ran::Ended(output) => output,
            Ran::Late | Ran::TooLong => {
                self.hang_up().await;
                let said = format!("nothing of use within {} s", CONNECT.as_secs());
                return Err(SshError::Refused { user: user(), address, said });
            }
        };
        match output.status {
            0 if output.text().trim() == "0" => Ok(()),
            NO_CONNECTION => Err(self.refused(address, &said(&output)).await),
            _ => {
                self.hang_up().await;
                Err(SshError::NotRoot { user: user(), address, said: said(&output) })
            }
        }
    }

    /// Why there was no connection. Another key than the pinned one is told apart by looking, not by words.
    async fn refused(&self, address: IpAddr, said: &str) -> SshError {
        if let Some(other) = self.other_key(address).await {
            return other;
        }
        let said = if said.is_empty() { "it gives no reason" } else { said }.to_owned();
        SshError::Refused { user: self.login.user.clone(), address, said }
    }

    async fn other_key(&self, address: IpAddr) -> Option<SshError> {
        let known = self.files.known(&self.uuid);
        let pinned = words::keys(&known);
        let (kind, _) = *pinned.first()?;
        let to = address.to_string();
        let scan = ["-T", SCAN, "-t", kind.trim_start_matches("ssh-"), "--", &to];
        let Ran::Ended(shown) = program::run("ssh-keyscan", &self.files.folder, &scan, None, CONNECT).await.ok()?
        else {
            return None;
        };
        let text = shown.text();
        let shown = words::keys(&text);
        if shown.is_empty() || shown.iter().any(|key| pinned.contains(key)) {
            return None;
        }
        let (shown, pinned) = (fingerprint(&self.files, &text).await, fingerprint(&self.files, &known).await);
        Some(SshError::OtherKey { address, shown: shown.unwrap_or_default(), pinned: pinned.unwrap_or_default() })
    }

    /// Ends the connection, if one is open: the next program connects anew.
    pub async fn hang_up(&self) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if !self.files.is_open(&self.uuid) {
            return;
        }
        let arguments = words::exit(&self.uuid);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        if let Err(error) = program::run("ssh", &self.files.folder, &arguments, None, LOCAL).await {
            tracing::debug!(guest = self.guest, %error, "ending the connection");
        }
    }

    async fn ssh(
        &self,
        address: IpAddr,
        argv: &[&str],
        input: Option<&[u8]>,
        limit: Duration,
    ) -> Result<Ran, SshError> {
        let user = &self.login.user;
        let pinned = self.files.is_pinned(&self.uuid);
        let arguments = words::ssh(&self.uuid, pinned, user, address, &words::line(user, argv));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        program::run("ssh", &self.files.folder, &arguments, input, limit).await
    }
}

/// The fingerprint of the key that is pinned for a guest: `SHA256:…`. `None` if none is.
pub async fn pinned(files: &Files, uuid: &str) -> Option<String> {
    fingerprint(files, &files.known(uuid)).await
}

/// The fingerprint of the first key in a file of known hosts.
async fn fingerprint(files: &Files, known: &str) -> Option<String> {
    let (kind, key) = *words::keys(known).first()?;
    let line = format!("{kind} {key}\n");
    let read = program::run("ssh-keygen", &files.folder, &["-l", "-f", "-"], Some(line.as_bytes()), LOCAL);
    let Ran::Ended(output) = read.await.ok()? else { return None };
    // `256 SHA256:… comment (ED25519)`
    output.text().split_whitespace().nth(1).filter(|word| word.starts_with("SHA256:")).map(|word| clean(word, 64))
}

/// The last that was said on stderr: what comes before is often a banner.
fn said(output: &ExecOutput) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    clean(lines.last().copied().unwrap_or_default(), SAID)
}
