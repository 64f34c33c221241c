//! The folder of what belongs to SSH: Bridgehead's own key, the host key that is pinned for each guest, and the sockets of
//! connections. For root alone.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::words::{self, KEY};

/// Its name in the state folder.
const FOLDER: &str = "ssh";
/// More than any file of known hosts with one host in it, in bytes.
const KNOWN: u64 = 64 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    pub folder: PathBuf,
}

impl Files {
    /// In this state folder.
    pub fn of(state: &Path) -> Self {
        Self { folder: state.join(FOLDER) }
    }

    /// The public half of Bridgehead's own key as `authorized_keys` takes it, for running programs and nothing else
    /// (sshd(8)). The key is made when it is first asked for.
    pub fn authorized(&self) -> io::Result<String> {
        let public = self.folder.join(format!("{KEY}.pub"));
        if !self.folder.join(KEY).is_file() || !public.is_file() {
            self.make()?;
        }
        let line = fs::read_to_string(public)?;
        Ok(format!("restrict {}", line.trim()))
    }

    /// Beside, then renamed: the key comes last, and is whole.
    fn make(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let new = self.folder.join(format!("new-{}", std::process::id()));
        let new_public = new.with_extension("pub");
        let _ = fs::remove_file(&new);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "bridgehead", "-f"])
            .arg(&new)
            .stdin(Stdio::null())
            .output()?;
        if !made.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).trim().to_owned()));
        }
        fs::rename(new_public, self.folder.join(format!("{KEY}.pub")))?;
        fs::rename(new, self.folder.join(KEY))
    }

    /// Whether a host key is pinned for this guest.
    pub fn is_pinned(&self, uuid: &str) -> bool {
        !words::keys(&self.known(uuid)).is_empty()
    }

    /// The file of the guest's pinned key.
    pub fn known(&self, uuid: &str) -> String {
        let path = self.folder.join(words::known(uuid));
        let fits = fs::metadata(&path).is_ok_and(|found| found.len() <= KNOWN);
        if fits { fs::read_to_string(path).unwrap_or_default() } else { String::new() }
    }

    /// Forgets the guest's pinned key: the next one that it shows is pinned. Whether there was one.
    pub fn forget(&self, uuid: &str) -> io::Result<bool> {
        match fs::remove_file(self.folder.join(words::known(uuid))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }

    /// Whether a connection is open that programs can share.
    pub fn is_open(&self, uuid: &str) -> bool {
        self.folder.join(words::socket(uuid)).exists()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const UUID: &str = "0b1c7e2a-6f3c-4f0e-9a55-0f2b4f1e9c11";

    fn files(name: &str) -> Files {
        let state = std::env::temp_dir().join(format!("bridgehead-test-ssh-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&state);
        fs::create_dir_all(&state).expect("a folder");
        Files::of(&state)
    }

    fn clean(files: &Files) {
        fs::remove_dir_all(files.folder.parent().expect("the state folder")).expect("there");
    }

    #[test]
    fn the_key_is_made_once_and_for_root_alone() {
        let files = files("key");
        let line = files.authorized().expect("a key");
        assert!(line.starts_with("restrict ssh-ed25519 AAAA") && line.ends_with(" bridgehead"), "{line}");
        assert_eq!(files.authorized().expect("a key"), line);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&files.folder), 0o700);
        assert_eq!(mode(&files.folder.join(KEY)), 0o600);
        let mut left: Vec<_> =
            fs::read_dir(&files.folder).expect("there").map(|it| it.expect("a file").file_name()).collect();
        left.sort();
        assert_eq!(left, ["key", "key.pub"]);
        clean(&files);
    }

    #[test]
    fn a_pinned_key_is_one_guests_own() {
        let files = files("known");
        fs::create_dir_all(&files.folder).expect("a folder");
        assert!(!files.is_pinned(UUID));
        let path = files.folder.join(words::known(UUID));
        fs::write(&path, format!("{} ssh-ed25519 AAAAC3\n", words::alias(UUID))).expect("written");
        assert!(files.is_pinned(UUID));
        assert!(!files.is_pinned("1b1c7e2a-6f3c-4f0e-9a55-0f2b4f1e9c11"));
        assert!(files.forget(UUID).expect("removed"));
        assert!(!files.is_pinned(UUID) && !files.forget(UUID).expect("nothing"));
        clean(&files);
    }
}
