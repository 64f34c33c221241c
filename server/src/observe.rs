//! `bridgehead observe`: everything the sources say, as an outline or as JSON.

mod outline;

use std::{
    error::Error,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use model::Observed;

use crate::{host::Host, store::Store, watch::Watch};

#[derive(Debug, Args)]
pub struct Observe {
    /// The whole `Observed` as JSON.
    #[arg(long)]
    pub json: bool,
    /// libvirt's URI; `qemu:///system` if absent.
    #[arg(long, value_name = "URI", env = "LIBVIRT_DEFAULT_URI")]
    pub connect: Option<String>,
    /// A server's state folder: guests into which it was given a way are asked that way.
    #[arg(long)]
    pub state: Option<PathBuf>,
}

/// Reads once and prints. A source that cannot be read is said to be silent; the rest is printed all the same.
pub fn main(observe: Observe) -> Result<(), Box<dyn Error>> {
    let observed = once(observe.connect, observe.state.as_deref())?;
    let text = if observe.json { serde_json::to_string(&*observed)? + "\n" } else { outline::outline(&observed) };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads may stop reading.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// One reading of everything, by libvirt at this URI and the ways into guests of a server with this state folder.
pub fn once(connect: Option<String>, state: Option<&Path>) -> Result<Arc<Observed>, Box<dyn Error>> {
    // One thread: dumps and libvirt's calls have threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let observed = runtime.block_on(async {
        let host = Host::open(connect)?;
        if let Some(state) = state {
            // Opening makes what is not there, and observing changes nothing.
            state.metadata().map_err(|error| format!("{}: {error}", state.display()))?;
            Store::open(state)?.tell(&host.ways)?;
        }
        let ways = host.ways.clone();
        let observed = Watch::once(host).await;
        ways.leave().await;
        Ok::<_, Box<dyn Error>>(observed)
    })?;
    // A call to a libvirtd that hangs must not keep the command.
    runtime.shutdown_background();
    Ok(observed)
}
