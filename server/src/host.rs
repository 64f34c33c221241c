//! The outside systems: the only code that may import `virt` or `rtnetlink`, or run `nft`. It reads and does; it never plans.

pub mod capture;
pub mod firewall;
pub mod guest;
pub mod iso;
pub mod kernel;
pub mod libvirt;
pub mod manager;
pub mod probe;
pub mod relay;

use std::sync::{Arc, PoisonError, RwLock};

use firewall::Firewall;
use guest::{Reach, Ways};
use kernel::Kernel;
use libvirt::Libvirt;
use manager::Managers;

/// This machine, as its three sources, and the files of those who manage its network too. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    pub kernel: Kernel,
    pub firewall: Firewall,
    pub libvirt: LibvirtSlot,
    pub managers: Managers,
    pub ways: Ways,
}

impl Host {
    /// In the network namespace of the calling thread, inside a Tokio runtime. libvirt is not connected yet.
    pub fn open(libvirt_uri: Option<String>) -> Result<Self, kernel::Error> {
        let libvirt = LibvirtSlot { uri: libvirt_uri, current: Arc::default() };
        Ok(Self {
            kernel: Kernel::open()?,
            firewall: Firewall,
            libvirt,
            managers: Managers::at("/"),
            ways: Ways::default(),
        })
    }

    /// Into guests, if libvirt is there.
    pub fn reach(&self) -> Option<Reach> {
        Some(Reach { libvirt: self.libvirt.get()?, ways: self.ways.clone() })
    }
}

/// The connection to libvirt, if there is one now: libvirtd may come and go.
#[derive(Clone)]
pub struct LibvirtSlot {
    uri: Option<String>,
    current: Arc<RwLock<Option<Libvirt>>>,
}

impl LibvirtSlot {
    /// The connection that was good when it was last used.
    pub fn get(&self) -> Option<Libvirt> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Connects anew and keeps the connection for everybody.
    pub async fn connect(&self) -> Result<Libvirt, libvirt::Error> {
        let libvirt = Libvirt::connect(self.uri.as_deref()).await?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(libvirt.clone());
        Ok(libvirt)
    }

    /// Forgets a connection that is lost.
    pub fn clear(&self) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
