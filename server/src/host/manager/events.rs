//! Changes of the folders, as nudges to read again.

use std::{
    fmt, io,
    os::fd::{AsFd, AsRawFd, RawFd},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify},
};
use tokio::io::{Interest, unix::AsyncFd};

use super::FOLDERS;

/// Whatever happens to what is in a folder.
const CHANGES: [AddWatchFlags; 7] = [
    AddWatchFlags::IN_CLOSE_WRITE,
    AddWatchFlags::IN_CREATE,
    AddWatchFlags::IN_DELETE,
    AddWatchFlags::IN_MOVE,
    AddWatchFlags::IN_DELETE_SELF,
    AddWatchFlags::IN_MOVE_SELF,
    AddWatchFlags::IN_ONLYDIR,
];

/// inotify(7) on the folders, or on the nearest that is there of those above. Dropping it ends it.
pub struct Events {
    inotify: AsyncFd<Descriptor>,
    root: PathBuf,
}

impl Events {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        // SAFETY: the descriptor is open for as long as `inotify`, which the result owns, and is always the same.
        let inotify = unsafe { AsyncFd::register_with_interest(Descriptor(inotify), Interest::READABLE) }?;
        let events = Self { inotify, root: root.to_owned() };
        events.watch()?;
        Ok(events)
    }

    /// Ends when something has changed. Waiting may be given up without losing anything.
    pub async fn changed(&mut self) -> io::Result<()> {
        let mut ready = self.inotify.readable().await?;
        loop {
            match ready.get_inner().0.read_events() {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(error) => return Err(error.into()),
            }
        }
        ready.clear_ready();
        drop(ready);
        // One of the folders may have come or gone.
        self.watch()
    }

    fn watch(&self) -> io::Result<()> {
        let changes = CHANGES.into_iter().collect::<AddWatchFlags>();
        for folder in FOLDERS {
            for folder in self.root.join(folder).ancestors().take_while(|folder| folder.starts_with(&self.root)) {
                match self.inotify.get_ref().0.add_watch(folder, changes) {
                    Ok(_) => break,
                    Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("root", &self.root).finish_non_exhaustive()
    }
}

struct Descriptor(Inotify);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}
