//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{apply, client, lab::Lab, observe::Observe};

/// A live, editable picture of the network of a KVM cluster.
#[derive(Debug, Parser)]
#[command(name = "bridgehead", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the dashboard.
    Serve(Serve),
    /// Print what kernel, firewall, libvirt and guests say.
    Observe(Observe),
    Explain(client::Explain),
    Trace(client::Trace),
    Plan(client::PlanFile),
    Apply(client::ApplyFile),
    Gateway(client::Gateway),
    Export(client::Export),
    /// Print the line by which a guest lets Bridgehead in, for `/root/.ssh/authorized_keys`.
    SshKey,
    UseSsh(client::UseSsh),
    /// Take back the last change.
    Undo,
    /// Take back the last undo.
    Redo,
    PutBack(client::PutBack),
    History(client::History),
    #[command(hide = true)]
    Revert(apply::revert::Revert),
    /// Print the link that logs a browser in.
    Url,
    /// A private world to try it in: real libvirtd, real guests, nothing left behind.
    Lab(Lab),
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen. Only loopback, until there is a password and TLS.
    #[arg(long, default_value = "127.0.0.1:3000", env = "BRIDGEHEAD_LISTEN")]
    pub listen: SocketAddr,
    /// A listening socket inherited under this descriptor, instead of `--listen`.
    #[arg(long, hide = true)]
    pub listen_fd: Option<i32>,
    /// Where the document, its versions and the token are kept.
    #[arg(long, default_value = "/var/lib/bridgehead", env = "BRIDGEHEAD_STATE")]
    pub state: PathBuf,
    /// Seconds in which a change that could cut its operator off must be confirmed, or it is taken back.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(5..=3600), env = "BRIDGEHEAD_CONFIRM_WITHIN")]
    pub confirm_within: u64,
    /// The built style sheets, scripts and WebAssembly.
    #[arg(long, env = "BRIDGEHEAD_SITE")]
    pub site: Option<PathBuf>,
}
