//! What can go wrong with a lab.

use std::{error::Error, io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum LabError {
    #[error("cannot {doing}")]
    Io {
        doing: String,
        #[source]
        source: io::Error,
    },
    #[error("`{command}` failed ({status}): {stderr}")]
    Command { command: String, status: String, stderr: String },
    #[error("cannot {doing}")]
    Libvirt {
        doing: String,
        #[source]
        source: virt::error::Error,
    },
    #[error("the lab needs {program}; on Debian: apt-get install {package}")]
    Missing { program: String, package: &'static str },
    #[error("the lab needs root: it makes namespaces and mounts")]
    NotRoot,
    #[error("a lab of process {pid} is running in {}; end it, or choose another --state", state.display())]
    Running { pid: String, state: PathBuf },
    #[error("no lab is running in {}; start one with `bridgehead lab`", state.display())]
    NotRunning { state: PathBuf },
    #[error("{0} is not loopback; the lab's dashboard listens nowhere else")]
    NotLoopback(std::net::SocketAddr),
    #[error("refusing to build a world here: {0}")]
    NotFresh(String),
    #[error("{} lies in a folder that the lab replaces by its own; choose another --state", .0.display())]
    StateHidden(PathBuf),
    #[error("{path}: {why}")]
    Image { path: String, why: String },
    #[error("guest {guest}: {why}")]
    Guest { guest: String, why: String },
    #[error("the dashboard {0}")]
    Dashboard(String),
    #[error("the world's description is not readable")]
    Spec(#[from] serde_json::Error),
}

impl LabError {
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// For calls that report an errno.
    pub fn os(doing: impl Into<String>) -> impl FnOnce(nix::errno::Errno) -> Self {
        let doing = doing.into();
        move |errno| Self::Io { doing, source: errno.into() }
    }

    pub fn libvirt(doing: impl Into<String>) -> impl FnOnce(virt::error::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Libvirt { doing, source }
    }

    /// The message and all its causes, for the one place where it is shown.
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
