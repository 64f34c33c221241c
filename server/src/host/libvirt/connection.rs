//! One connection to libvirtd, and the thread that serves libvirt's events.

use std::sync::OnceLock;

use virt::connect::Connect;

use super::error::Error;

/// A connection that closes itself: `Connect` does not.
pub struct Connection(Connect);

impl Connection {
    /// Blocks. Without a URI, `LIBVIRT_DEFAULT_URI` counts, and else the system's libvirtd.
    pub fn open(uri: Option<&str>) -> Result<Self, Error> {
        const SYSTEM: &str = "qemu:///system";
        let named = std::env::var("LIBVIRT_DEFAULT_URI").ok().filter(|uri| !uri.is_empty());
        let uri = uri.or(named.as_deref()).unwrap_or(SYSTEM);
        let doing = format!("connect to {uri}");
        let lost = |message: String| Error::NoConnection { doing: doing.clone(), message };
        if uri.contains('\0') {
            return Err(lost("the URI has a NUL character".to_owned()));
        }
        serve_events().map_err(lost)?;
        let connect = Connect::open(Some(uri)).map_err(|error| lost(error.message().to_owned()))?;
        // A libvirtd that hangs is noticed after a minute. Drivers inside this process have nothing to keep alive.
        if let Err(error) = connect.set_keep_alive(10, 6) {
            tracing::debug!(%error, "no keepalive");
        }
        Ok(Self(connect))
    }
}

impl std::ops::Deref for Connection {
    type Target = Connect;

    fn deref(&self) -> &Connect {
        &self.0
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Err(error) = self.0.close() {
            tracing::debug!(%error, "closing a libvirt connection");
        }
    }
}

/// libvirt delivers events by a loop that must be there before the first connection is opened, and that nothing stops.
fn serve_events() -> Result<(), String> {
    static LOOP: OnceLock<Result<(), String>> = OnceLock::new();
    LOOP.get_or_init(|| {
        // libvirt prints every error to stderr by itself unless told not to.
        virt::error::clear_error_callback();
        virt::event::event_register_default_impl().map_err(|error| error.message().to_owned())?;
        let run = || {
            loop {
                if let Err(error) = virt::event::event_run_default_impl() {
                    tracing::warn!(%error, "libvirt's event loop");
                }
            }
        };
        std::thread::Builder::new().name("libvirt-events".to_owned()).spawn(run).map_err(|error| error.to_string())?;
        Ok(())
    })
    .clone()
}
