//! The part of a lab that stays on the machine: it prepares, starts the world, waits, and cleans up.
//!
//! The world hangs on this process by two threads of `PR_SET_PDEATHSIG`: from here to `unshare`, from there to PID 1.

use std::{
    fs,
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    os::{fd::AsRawFd, unix::process::CommandExt, unix::process::ExitStatusExt},
    path::Path,
    process::{Child, Command, ExitStatus},
    time::{Duration, Instant},
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::signal::{SigSet, Signal},
};

use super::{
    Options, PAUSE, disk,
    error::LabError,
    image::Image,
    process::{die_with_parent, failed_to_start, path},
    say,
    spec::Spec,
    state::{self, State},
};

/// How long a killed lab's socket may linger.
const LINGER: Duration = Duration::from_secs(3);

/// `bridgehead lab`: until Ctrl-C.
pub fn foreground(state: &Path, listen: SocketAddr, options: Options) -> Result<u8, LabError> {
    if !listen.ip().is_loopback() {
        return Err(LabError::NotLoopback(listen));
    }
    require_root()?;
    state::sweep();
    let state = State::take(state)?;
    let image = Image::prepare()?;
    disk::prepare(state.path(), &options.guests)?;
    let listener = bind(listen, state.recovered)?;
    let spec = Spec { listen_fd: Some(listener.as_raw_fd()), ..describe(&state, image, options)? };
    live(spec, Some(listener), state)
}

/// `bridgehead lab run`.
pub fn run(state: Option<&Path>, options: Options, command: Vec<String>) -> Result<u8, LabError> {
    require_root()?;
    state::sweep();
    let state = state.map_or_else(State::fresh, State::take)?;
    let image = Image::prepare()?;
    disk::prepare(state.path(), &options.guests)?;
    let spec = Spec { command: Some(command), ..describe(&state, image, options)? };
    live(spec, None, state)
}

fn require_root() -> Result<(), LabError> {
    if nix::unistd::geteuid().is_root() { Ok(()) } else { Err(LabError::NotRoot) }
}

fn describe(state: &State, image: Image, options: Options) -> Result<Spec, LabError> {
    Ok(Spec {
        state: state.path().to_owned(),
        guests: options.guests,
        forward_policy: options.forward_policy,
        image,
        site: options.site,
        machine: [namespace("net")?, namespace("mnt")?],
        listen_fd: None,
        command: None,
    })
}

/// This process's namespace of that kind, as the kernel names it.
pub fn namespace(kind: &str) -> Result<String, LabError> {
    let path = format!("/proc/self/ns/{kind}");
    let target = fs::read_link(&path).map_err(LabError::io(format!("read {path}")))?;
    Ok(target.to_string_lossy().into_owned())
}

fn bind(listen: SocketAddr, patient: bool) -> Result<TcpListener, LabError> {
    let until = Instant::now() + LINGER;
    loop {
        match TcpListener::bind(listen) {
            // The killed lab's last processes are on their way out, and nothing tells when they are gone.
            Err(error) if error.kind() == ErrorKind::AddrInUse && patient && Instant::now() < until => {
                std::thread::sleep(PAUSE);
            }
            bound => return bound.map_err(LabError::io(format!("listen on {listen}"))),
        }
    }
}

/// Starts the world and waits for its end, or for a signal that ends it.
fn live(spec: Spec, listener: Option<TcpListener>, state: State) -> Result<u8, LabError> {
    let interactive = spec.command.is_some();
    let signals: SigSet =
        [Signal::SIGCHLD, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    // Blocked, not handled: they are taken one by one below. The child starts with none blocked.
    signals.thread_block().map_err(LabError::os("block signals"))?;
    let mut world = start(&spec, listener, interactive)?;
    let status = loop {
        match signals.wait().map_err(LabError::os("wait for signals"))? {
            Signal::SIGCHLD => {
                if let Some(status) = world.try_wait().map_err(LabError::io("wait for the world"))? {
                    if !interactive {
                        say(&format!("the lab ended by itself ({status})"));
                    }
                    break code(status);
                }
            }
            // The terminal sends them to the command too, and that decides.
            Signal::SIGINT | Signal::SIGQUIT if interactive => {}
            signal => {
                if signal == Signal::SIGINT {
                    say("ending");
                }
                end(&mut world)?;
                break if signal == Signal::SIGINT { 0 } else { code(ExitStatus::from_raw(signal as i32)) };
            }
        }
    };
    drop(state);
    Ok(status)
}

fn start(spec: &Spec, listener: Option<TcpListener>, interactive: bool) -> Result<Child, LabError> {
    if let Some(listener) = &listener {
        fcntl(listener, FcntlArg::F_SETFD(FdFlag::empty())).map_err(LabError::os("pass on the dashboard's socket"))?;
    }
    let program = std::env::current_exe().map_err(LabError::io("find this program"))?;
    let mut command = Command::new("unshare");
    command
        .env("PATH", path())
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--"])
        .arg(program)
        .args(["lab", "world", &serde_json::to_string(spec)?]);
    if !interactive {
        // Ctrl-C is for this process, which ends the rest.
        command.process_group(0).stdin(std::process::Stdio::null());
    }
    let child = die_with_parent(&mut command).spawn().map_err(|error| failed_to_start(&command, error))?;
    drop(listener);
    Ok(child)
}

fn end(world: &mut Child) -> Result<(), LabError> {
    world.kill().and_then(|()| world.wait()).map(drop).map_err(LabError::io("end the world"))
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
