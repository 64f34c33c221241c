//! The lab's dashboard: `bridgehead serve` on a socket that the lab opened.

use std::{
    fs::{self, OpenOptions},
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::inotify::{AddWatchFlags, InitFlags, Inotify},
};
use serde::Deserialize;

use super::{
    error::LabError,
    process::{failed_to_start, path},
    spec::Spec,
};

/// What `serve` writes once it listens, in its state folder.
const FILE: &str = "server.json";
/// How long it may take for that.
const PATIENCE: Duration = Duration::from_secs(30);
/// The descriptor under which it gets its socket.
const LISTENER: i32 = 3;

#[derive(Debug, Deserialize)]
pub struct Login {
    pub url: String,
    pub token: String,
}

pub struct Dashboard {
    child: Child,
    file: PathBuf,
    changes: Inotify,
    log: PathBuf,
}

impl Dashboard {
    pub fn start(spec: &Spec, listener: OwnedFd) -> Result<Self, LabError> {
        let state = spec.state.join("bridgehead");
        fs::create_dir_all(&state).map_err(LabError::io(format!("make {}", state.display())))?;
        let file = state.join(FILE);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(LabError::Io { doing: format!("remove {}", file.display()), source: error });
            }
            _ => {}
        }
        // Watched from before the start, so that no change is missed.
        let changes =
            Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).map_err(LabError::os("make a watch"))?;
        changes
            .add_watch(&state, AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVED_TO)
            .map_err(LabError::os(format!("watch {}", state.display())))?;
        let program = std::env::current_exe().map_err(LabError::io("find this program"))?;
        let mut command = Command::new(program);
        command.arg("serve").args(["--listen-fd", &LISTENER.to_string()]).arg("--state").arg(&state);
        if let Some(site) = &spec.site {
            command.arg("--site").arg(site);
        }
        let log = spec.state.join("log/bridgehead.log");
        let opened = OpenOptions::new().create(true).append(true).open(&log);
        let opened = opened.map_err(LabError::io(format!("open {}", log.display())))?;
        command.env("PATH", path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(opened);
        let from = listener.as_raw_fd();
        // SAFETY: dup2 and fcntl are async-signal-safe.
        unsafe { command.pre_exec(move || place(from)) };
        // A group of its own: Ctrl-C in `lab run` is for the command.
        command.process_group(0);
        let child = command.spawn().map_err(|error| failed_to_start(&command, error))?;
        Ok(Self { child, file, changes, log })
    }

    /// Waits until it listens.
    pub fn wait(&mut self) -> Result<Login, LabError> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(login) = fs::read(&self.file).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
                return Ok(login);
            }
            if let Some(status) = self.child.try_wait().map_err(LabError::io("look after the dashboard"))? {
                return Err(self.ended(&status.to_string()));
            }
            if Instant::now() > until {
                return Err(LabError::Dashboard(format!("does not listen; see {}", self.log.display())));
            }
            let mut sources = [PollFd::new(self.changes.as_fd(), PollFlags::POLLIN)];
            // Its end is no event of this kind: hence a look now and then.
            poll(&mut sources, PollTimeout::from(200u8)).map_err(LabError::os("wait for the dashboard"))?;
            let _ = self.changes.read_events();
        }
    }

    /// Waits for its end, which nobody asked for.
    pub fn end(&mut self) -> LabError {
        match self.child.wait() {
            Ok(status) => self.ended(&status.to_string()),
            Err(source) => LabError::Io { doing: "wait for the dashboard".to_owned(), source },
        }
    }

    fn ended(&self, status: &str) -> LabError {
        LabError::Dashboard(format!("ended ({status}); see {}", self.log.display()))
    }
}

/// Makes a descriptor [`LISTENER`], and one that survives exec.
fn place(from: i32) -> io::Result<()> {
    // SAFETY: both are plain system calls on numbers.
    let placed =
        unsafe { if from == LISTENER { libc::fcntl(from, libc::F_SETFD, 0) } else { libc::dup2(from, LISTENER) } };
    if placed < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
