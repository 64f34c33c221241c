//! PID 1 of the world: starts it, reaps what it leaves behind, ends with it. The kernel then ends all the rest.

use std::process;

use nix::{
    sys::wait::{WaitStatus, wait},
    unistd::{ForkResult, fork, getpid},
};

use super::{error::LabError, say, spec::Spec, world};

pub fn main(spec: Spec) -> Result<u8, LabError> {
    if getpid().as_raw() != 1 {
        return Err(LabError::NotFresh("this is not the first process of a process namespace".to_owned()));
    }
    // SAFETY: this process has one thread, so that the child may do what any process may.
    match unsafe { fork() }.map_err(LabError::os("start the world"))? {
        ForkResult::Child => {
            let status = world::main(&spec).unwrap_or_else(|error| {
                say(&format!("error: {}", error.with_causes()));
                1
            });
            process::exit(status.into());
        }
        ForkResult::Parent { child } => loop {
            match wait().map_err(LabError::os("wait for the world"))? {
                WaitStatus::Exited(pid, status) if pid == child => return Ok(u8::try_from(status).unwrap_or(1)),
                WaitStatus::Signaled(pid, signal, _) if pid == child => {
                    return Ok(u8::try_from(128 + signal as i32).unwrap_or(1));
                }
                _ => {}
            }
        },
    }
}
