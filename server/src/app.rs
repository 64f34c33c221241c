//! What every request handler shares.

use std::{path::PathBuf, sync::Arc};

use crate::{apply::Engine, host::guest::Ways, http::access::Access, store::Store, trace::Tracer, watch::Watch};

/// Cheap to clone: a handle on the running server.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub watch: Watch,
    pub store: Store,
    /// Into guests.
    pub ways: Ways,
    pub engine: Engine,
    pub tracer: Tracer,
    pub access: Access,
    /// The folder of built style sheets, scripts and WebAssembly.
    pub site: PathBuf,
    pub assets: app::Assets,
}

impl App {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
