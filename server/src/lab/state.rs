//! The state folder: who uses it, what a killed lab left in it, and what lies where.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};

use super::{error::LabError, say};

/// How the folders of `lab run` begin, in the folder for temporary files.
const FRESH: &str = "bridgehead-lab.";
/// What a lab makes anew each time.
const PASSING: [&str; 6] = ["run", "lib", "cache", "dev", "settings", "sys"];
/// The lock, and in it the process that holds it.
const LOCK: &str = "lab.pid";

/// A state folder in use by this process. Dropped, it is clean.
pub struct State {
    path: PathBuf,
    lock: Option<Flock<File>>,
    /// Remove the folder too.
    fresh: bool,
    /// The last lab here was killed.
    pub recovered: bool,
}

impl State {
    /// Takes the folder, making it if needed and cleaning up after a killed lab.
    pub fn take(path: &Path) -> Result<Self, LabError> {
        let path = std::path::absolute(path).map_err(LabError::io(format!("find {}", path.display())))?;
        for hidden in ["/dev", "/etc", "/proc", "/run", "/sys", "/var/run", "/var/lib/libvirt", "/var/cache/libvirt"] {
            if path.starts_with(hidden) {
                return Err(LabError::StateHidden(path));
            }
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(LabError::io(format!("make {}", path.display())))?;
        match try_lock(&path)? {
            Attempt::Taken(lock, killed) => {
                let mut state = Self { path, lock: Some(lock), fresh: false, recovered: false };
                if let Some(pid) = killed {
                    say(&format!("the last lab in {} (process {pid}) was killed; cleaning up", state.path.display()));
                    state.recovered = true;
                }
                state.clear()?;
                state.write_pid()?;
                Ok(state)
            }
            Attempt::Held(pid) => Err(LabError::Running { pid, state: path }),
        }
    }

    /// A new folder that goes when the lab goes.
    pub fn fresh() -> Result<Self, LabError> {
        let temporary = std::env::temp_dir();
        let path = nix::unistd::mkdtemp(&temporary.join(format!("{FRESH}XXXXXX")))
            .map_err(LabError::os(format!("make a folder in {}", temporary.display())))?;
        let mut state = Self::take(&path)?;
        state.fresh = true;
        Ok(state)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write_pid(&mut self) -> Result<(), LabError> {
        let Some(lock) = &mut self.lock else { return Ok(()) };
        let written =
            lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| write!(lock, "{}", std::process::id()));
        written.map_err(LabError::io(format!("write {}", self.path.join(LOCK).display())))
    }

    /// Removes what a lab makes anew. Mounts cannot be among it: they went with their namespace.
    fn clear(&self) -> Result<(), LabError> {
        for name in PASSING {
            let folder = self.path.join(name);
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(LabError::Io { doing: format!("remove {}", folder.display()), source: error });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let cleared = self.clear();
        let removed = if self.fresh { fs::remove_dir_all(&self.path) } else { fs::remove_file(self.path.join(LOCK)) };
        self.lock = None;
        if let Err(error) = cleared {
            say(&error.with_causes());
        }
        if let Err(error) = removed {
            say(&format!("cannot clean up {}: {error}", self.path.display()));
        }
    }
}

/// Is a lab running there?
pub fn is_running(path: &Path) -> Result<bool, LabError> {
    let file = match File::open(path.join(LOCK)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(LabError::Io { doing: format!("read {}", path.join(LOCK).display()), source }),
    };
    Ok(Flock::lock(file, FlockArg::LockSharedNonblock).is_err())
}

/// What trying to take a folder's lock gave.
enum Attempt {
    /// Ours now. The process that held it last, if that one was killed.
    Taken(Flock<File>, Option<String>),
    /// The process that holds it.
    Held(String),
}

fn try_lock(path: &Path) -> Result<Attempt, LabError> {
    let file = path.join(LOCK);
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&file);
    let mut opened = opened.map_err(LabError::io(format!("open {}", file.display())))?;
    let mut pid = String::new();
    // What stands there decides nothing: the lock does.
    let _ = Read::by_ref(&mut opened).take(20).read_to_string(&mut pid);
    Ok(match Flock::lock(opened, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Attempt::Taken(lock, (!pid.is_empty()).then_some(pid)),
        Err(_) => Attempt::Held(pid),
    })
}

/// Removes the folders that killed `lab run`s left behind.
pub fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with(FRESH)
            && fs::symlink_metadata(&path)
                .is_ok_and(|found| found.is_dir() && found.uid() == nix::unistd::geteuid().as_raw())
            && path.join(LOCK).is_file();
        if !ours {
            continue;
        }
        if let Ok(Attempt::Taken(_lock, Some(pid))) = try_lock(&path) {
            say(&format!("the lab of process {pid} was killed; cleaning up {}", path.display()));
            if let Err(error) = fs::remove_dir_all(&path) {
                say(&format!("cannot remove {}: {error}", path.display()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lab_at_a_time_and_clean_afterwards() {
        let state = State::fresh().expect("a folder");
        let path = state.path().to_owned();
        assert!(is_running(&path).expect("readable"));
        assert!(matches!(State::take(&path), Err(LabError::Running { .. })));
        drop(state);
        assert!(!path.exists());
    }

    #[test]
    fn a_killed_lab_is_noticed_and_its_files_go() {
        let fresh = State::fresh().expect("a folder");
        let path = fresh.path().join("inner");
        fs::create_dir_all(path.join("run")).expect("a folder");
        fs::write(path.join(LOCK), "1").expect("a file");
        let state = State::take(&path).expect("free");
        assert!(state.recovered);
        assert!(!path.join("run").exists());
    }

    #[test]
    fn refuses_folders_that_the_lab_covers() {
        assert!(matches!(State::take(Path::new("/run/lab")), Err(LabError::StateHidden(_))));
    }
}
