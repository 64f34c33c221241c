//! Bridgehead: the network of a KVM cluster, drawn as it really is, changed from a browser.

mod app;
mod apply;
mod client;
mod clock;
mod config;
mod host;
mod http;
mod lab;
mod observe;
mod store;
mod trace;
mod watch;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use nix::libc;

use config::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("BRIDGEHEAD_LOG").unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let (mut status, mut failed) = (0, 1);
    let outcome = match cli.command {
        Command::Serve(serve) => http::main(serve),
        Command::Observe(observe) => observe::main(observe),
        Command::Explain(args) => {
            failed = client::Explain::FAILED;
            client::explain(args).map(|verdict| status = verdict)
        }
        Command::Trace(args) => {
            failed = client::Explain::FAILED;
            client::trace(args).map(|answered| status = answered)
        }
        Command::Plan(args) => client::plan(args),
        Command::Apply(args) => client::apply(args),
        Command::Gateway(args) => client::gateway(args),
        Command::Export(wanted) => client::export(wanted),
        Command::SshKey => client::ssh_key(),
        Command::UseSsh(args) => client::use_ssh(args),
        Command::Undo => client::undo(),
        Command::Redo => client::redo(),
        Command::PutBack(args) => client::put_back(args),
        Command::History(args) => client::history(args),
        Command::Url => client::url(),
        Command::Revert(revert) => apply::revert::main(revert),
        Command::Lab(lab) => return lab::main(lab),
    };
    if let Err(error) = &outcome {
        tracing::error!("{}", http::problem::chain(&**error));
    }
    // Nobody reads on, if it fails.
    let _ = io::stdout().flush();
    // A call to libvirt that nobody waits for any more may still be under way in its thread. The C library's own clean-up
    // would take the memory away under it.
    // SAFETY: it ends the process and touches nothing.
    unsafe { libc::_exit(if outcome.is_err() { failed } else { status }) }
}
