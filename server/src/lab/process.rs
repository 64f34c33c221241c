//! Programs that the lab starts: argument vectors, never a shell.

use std::{
    ffi::OsStr,
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use nix::sys::{prctl, signal::Signal};

use super::error::LabError;

/// Where Debian keeps programs; `sbin` is often missing from a person's PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The caller's PATH with the system's folders after it.
pub fn path() -> String {
    match std::env::var("PATH") {
        Ok(path) if !path.is_empty() => format!("{path}:{PATH}"),
        _ => PATH.to_owned(),
    }
}

/// The first file of that name on the PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    path().split(':').map(|folder| Path::new(folder).join(program)).find(|file| file.is_file())
}

pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", path()).stdin(Stdio::null());
    command
}

/// Runs to the end; what it printed on stdout.
pub fn run(command: &mut Command) -> Result<String, LabError> {
    let output = command.output().map_err(|error| failed_to_start(command, error))?;
    check(command, output)
}

/// Splits at spaces: for fixed commands whose words hold none.
pub fn run_line(line: &str) -> Result<String, LabError> {
    let mut words = line.split_whitespace();
    run(command(words.next().unwrap_or_default()).args(words))
}

fn check(command: &Command, output: Output) -> Result<String, LabError> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stderr = stderr.trim();
    // What went wrong stands last.
    let beginning = stderr.chars().count().saturating_sub(2000);
    Err(LabError::Command {
        command: line(command),
        status: output.status.to_string(),
        stderr: stderr.chars().skip(beginning).collect(),
    })
}

pub fn failed_to_start(command: &Command, source: io::Error) -> LabError {
    LabError::Io { doing: format!("start `{}`", line(command)), source }
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The child is killed when this thread ends, however it ends.
pub fn die_with_parent(command: &mut Command) -> &mut Command {
    // SAFETY: prctl is async-signal-safe and touches no memory of the parent.
    unsafe { command.pre_exec(|| prctl::set_pdeathsig(Signal::SIGKILL).map_err(io::Error::from)) }
}
