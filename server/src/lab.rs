//! `bridgehead lab`: a private world to try Bridgehead in, and the fixture of the tests.
//!
//! ```text
//! bridgehead lab          on the machine: guests' images, dashboard's socket, signals, cleaning up   (session)
//! └ unshare               new network, mount and process namespaces; dies with the one above
//!   └ PID 1               reaps; when it ends the kernel ends all that is below                      (init)
//!     └ world             mounts, outside world, firewall, libvirtd, guests, dashboard               (world)
//!       └ COMMAND         of `lab run`
//! ```
//!
//! Nothing is configured in the machine's own network namespace, and `world` refuses to work in it.

mod accelerator;
mod agent;
mod console;
mod dashboard;
mod disk;
mod domain;
mod error;
mod file;
mod image;
mod init;
mod libvirtd;
mod mounts;
mod network;
mod outside;
mod process;
mod session;
mod spec;
mod state;
mod system;
mod world;

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    sync::OnceLock,
    time::{Duration, Instant},
};

use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use spec::{GuestList, Spec};

/// Where a lab keeps its state when nothing else is said.
const STATE: &str = "/var/lib/bridgehead/lab";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Lab {
    #[command(subcommand)]
    command: Option<LabCommand>,
    #[command(flatten)]
    world: Options,
    /// Where the dashboard listens on this machine. Loopback only.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Where the lab keeps its state.
    #[arg(long, default_value = STATE)]
    state: PathBuf,
}

/// What the world looks like.
#[derive(Debug, Args)]
pub struct Options {
    /// How many guests, or their names, or NAME=SYSTEM.
    ///
    /// Without a system a guest is `busybox`: up in seconds, and it keeps nothing. The others are Debian on a disk, which
    /// is kept in the state folder: `networkd`, `netplan`, `networkmanager` and `ifupdown` by what brings the network up;
    /// `no-exec` is `networkd` with a guest agent that runs no commands; `serial` is `ifupdown` with no agent, but a login
    /// on the serial console (`root`, `bridgehead`); `ssh` is the same with SSH, for the dashboard's key.
    #[arg(long, default_value = "master,node1,node2", value_name = "N or NAMES")]
    guests: GuestList,
    /// The host's policy for forwarded packets. `drop` is what Docker leaves behind.
    #[arg(long, value_enum, default_value_t = Policy::Drop)]
    forward_policy: Policy,
    /// The dashboard's style sheets, scripts and WebAssembly.
    #[arg(long, env = "BRIDGEHEAD_SITE")]
    site: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    Accept,
    Drop,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Run a command in a fresh lab and return its exit status.
    Run {
        #[command(flatten)]
        world: Options,
        /// Where the lab keeps its state. A new folder, removed afterwards, if not given.
        #[arg(long)]
        state: Option<PathBuf>,
        /// The command. It sees the lab's network, libvirt and dashboard, and the machine's files.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Run a command in a guest of the running lab and return its exit status.
    Guest {
        /// The guest.
        name: String,
        /// The state folder of the running lab.
        #[arg(long, default_value = STATE, env = "BRIDGEHEAD_LAB")]
        state: PathBuf,
        /// The command.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// The inside of a lab: what `unshare` starts.
    #[command(hide = true)]
    World { spec: String },
}

pub fn main(lab: Lab) -> ExitCode {
    virt::error::clear_error_callback();
    let outcome = match lab.command {
        None => session::foreground(&lab.state, lab.listen, lab.world),
        Some(LabCommand::Run { world, state, command }) => session::run(state.as_deref(), world, command),
        Some(LabCommand::Guest { name, state, command }) => agent::guest(&state, &name, &command),
        Some(LabCommand::World { spec }) => Spec::read(&spec).and_then(init::main),
    };
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            say(&format!("error: {}", error.with_causes()));
            ExitCode::FAILURE
        }
    }
}

/// Progress, on stderr, so that a command's own output stays whole.
fn say(line: &str) {
    use std::io::Write;
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    // Nobody left to read is no reason to stop.
    let _ = writeln!(std::io::stderr(), "lab {:>5.1}s  {line}", elapsed.as_secs_f64());
}

/// How long one attempt of something that has no event to wait for is left alone.
const PAUSE: Duration = Duration::from_millis(100);
