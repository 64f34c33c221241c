//! The lab's dashboard: `bridgehead serve` on a socket that the lab opened.

use std::{
    fs::{self, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{net::UnixDatagram, process::CommandExt},
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::libc;
use serde::Deserialize;

use super::{
    error::LabError,
    process::{failed_to_start, path},
    spec::Spec,
};

/// What `serve` writes once it listens, in its state folder.
const FILE: &str = "server.json";
/// Where it says that it is ready, in the world: as to a service manager (sd_notify(3)).
const READY: &str = "/run/bridgehead.ready";
/// How long it may take for that.
const PATIENCE: Duration = Duration::from_secs(30);
/// Its end is no message: hence a look now and then.
const LOOK: Duration = Duration::from_millis(200);
/// The descriptor under which it gets its socket.
const LISTENER: i32 = 3;

#[derive(Debug, Deserialize)]
pub struct Login {
    pub url: String,
    pub token: String,
}

/// Its state folder.
pub fn state(spec: &Spec) -> PathBuf {
    spec.state.join("bridgehead")
}

pub struct Dashboard {
    child: Child,
    file: PathBuf,
    ready: UnixDatagram,
    log: PathBuf,
}

impl Dashboard {
    pub fn start(spec: &Spec, listener: OwnedFd) -> Result<Self, LabError> {
        let state = state(spec);
        fs::create_dir_all(&state).map_err(LabError::io(format!("make {}", state.display())))?;
        let file = state.join(FILE);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(LabError::Io { doing: format!("remove {}", file.display()), source: error });
            }
            _ => {}
        }
        let ready = UnixDatagram::bind(READY).map_err(LabError::io(format!("make {READY}")))?;
        ready.set_read_timeout(Some(LOOK)).map_err(LabError::io(format!("listen on {READY}")))?;
        let program = std::env::current_exe().map_err(LabError::io("find this program"))?;
        let mut command = Command::new(program);
        command.arg("serve").args(["--listen-fd", &LISTENER.to_string()]).arg("--state").arg(&state);
        if let Some(site) = &spec.site {
            command.arg("--site").arg(site);
        }
        let log = spec.state.join("log/bridgehead.log");
        let opened = OpenOptions::new().create(true).append(true).open(&log);
        let opened = opened.map_err(LabError::io(format!("open {}", log.display())))?;
        command
            .env("PATH", path())
            .env("NOTIFY_SOCKET", READY)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(opened);
        let from = listener.as_raw_fd();
        // SAFETY: dup2 and fcntl are async-signal-safe.
        unsafe { command.pre_exec(move || place(from)) };
        // A group of its own: Ctrl-C in `lab run` is for the command.
        command.process_group(0);
        let child = command.spawn().map_err(|error| failed_to_start(&command, error))?;
        Ok(Self { child, file, ready, log })
    }

    /// Waits until it listens, and has put back what the host has lost since the last lab on this folder.
    pub fn wait(&mut self) -> Result<Login, LabError> {
        let until = Instant::now() + PATIENCE;
        let mut message = [0; 64];
        while self.ready.recv(&mut message).is_err() {
            if let Some(status) = self.child.try_wait().map_err(LabError::io("look after the dashboard"))? {
                return Err(self.ended(&status.to_string()));
            }
            if Instant::now() > until {
                return Err(self.silent());
            }
        }
        let login = fs::read(&self.file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        login.ok_or_else(|| self.silent())
    }

    fn silent(&self) -> LabError {
        LabError::Dashboard(format!("does not listen; see {}", self.log.display()))
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
