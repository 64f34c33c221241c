//! The inside of guests, by the way that each has ([`way`]). What a guest says is hostile: bounded in time and size, and
//! fit to be shown.
//!
//! ```text
//! facts ─┐            ┌─► agent ─── guest-info, guest-exec, guest-exec-status, …
//! steps ─┼─► exec ─► way
//! probes ┘            └─► console ─ a login, one session, one program at a time
//! ```

mod client;
mod console;
mod error;
mod exec;
mod facts;
mod file;
#[cfg(test)]
mod live;
mod login;
mod network;
mod parse;
mod persist;
mod policy;
mod resolver;
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
pub use client::{set_accept_ra, set_dhcp};
pub use error::Error;
#[cfg(test)]
pub use exec::ExecOutput;
pub use exec::run;
pub use facts::{facts, network};
pub use login::Login;
pub use network::{
    add_address, add_route, remove_address, remove_route, replace_table, set_filter, set_forwarding, set_link, set_mtu,
    traceroute,
};
pub use persist::replace as replace_files;
pub use resolver::{set_dns, set_hostname};
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
