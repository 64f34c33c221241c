//! The inside of guests, by the way that each has ([`way`]). What a guest says is hostile: bounded in time and size, and
//! fit to be shown.
//!
//! ```text
//! facts ─┐                    ┌─ guest-info, guest-network-get-interfaces, …
//! steps ─┼─► exec ─► agent ───┤
//! probes ┘                    └─ guest-exec, guest-exec-status
//! ```

mod error;
mod exec;
mod facts;
mod file;
#[cfg(test)]
mod live;
mod network;
mod parse;
mod persist;
mod routes;
pub mod ssh;
pub mod timer;
mod translation;
mod way;

#[cfg(test)]
use std::time::Duration;

#[cfg(test)]
use serde_json::Value;

#[cfg(test)]
use super::libvirt::{Lane, Libvirt};
pub use error::Error;
#[cfg(test)]
pub use exec::ExecOutput;
pub use facts::{facts, network};
pub use network::{
    add_address, add_route, remove_address, remove_route, replace_table, set_forwarding, set_link, set_mtu, traceroute,
};
pub use persist::replace as replace_files;
pub use way::{Reach, Ways};

/// Sends one command to a guest's agent and gives its `return`.
#[cfg(test)]
pub async fn agent(libvirt: &Libvirt, domain: &str, command: Value, limit: Duration) -> Result<Value, Error> {
    exec::agent(libvirt, domain, &command, limit, Lane::Step).await
}

/// Runs a program in a guest to its end. A program that takes longer than `limit` is killed; one that prints more than
/// 1 MiB is an error.
#[cfg(test)]
pub async fn exec(
    libvirt: &Libvirt,
    domain: &str,
    argv: &[&str],
    input: Option<&[u8]>,
    limit: Duration,
) -> Result<ExecOutput, Error> {
    exec::Process::start(&Reach::of(libvirt), domain, argv, input, Lane::Step).await?.wait(limit).await
}
