//! libvirt's events, over virt-sys: `virt` does not wrap them.
//!
//! A callback copies names into a channel and returns; it never calls libvirt. An event is a nudge to read that object
//! again, not data to trust.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    mem::transmute,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{broadcast, mpsc};
use virt_sys as sys;

use super::{connection::Connection, error::Error};

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LibvirtEvent {
    /// A domain was defined, undefined, started, stopped, or its devices or metadata changed.
    Domain(String),
    Network(String),
    /// The agent of this domain came or went.
    Agent(String),
    /// The connection is lost; nothing more will come. Connect anew.
    Closed,
}

/// What became of a device that a guest was asked to release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    pub domain: String,
    pub alias: String,
    pub done: bool,
}

/// Gives every event to everybody who asked for them.
#[derive(Debug)]
pub struct Hub {
    subscribers: Mutex<Vec<mpsc::UnboundedSender<LibvirtEvent>>>,
    removals: broadcast::Sender<Removal>,
}

impl Hub {
    pub fn new() -> Self {
        Self { subscribers: Mutex::default(), removals: broadcast::Sender::new(256) }
    }

    pub fn subscribe(&self) -> mpsc::UnboundedReceiver<LibvirtEvent> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
    }

    pub fn removals(&self) -> broadcast::Receiver<Removal> {
        self.removals.subscribe()
    }

    pub fn send(&self, event: &LibvirtEvent) {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|subscriber| subscriber.send(event.clone()).is_ok());
    }

    fn removal(&self, domain: String, alias: String, done: bool) {
        // Nobody may be waiting for one: then there is nobody to tell.
        let _ = self.removals.send(Removal { domain: domain.clone(), alias, done });
        self.send(&LibvirtEvent::Domain(domain));
    }
}

type Domains = sys::virConnectDomainEventGenericCallback;
type Networks = sys::virConnectNetworkEventGenericCallback;

/// The callbacks on one connection; gone when dropped.
pub struct Registration {
    connection: Arc<Connection>,
    domain: Vec<c_int>,
    network: Vec<c_int>,
    close: bool,
}

impl Registration {
    /// Blocks.
    pub fn new(connection: Arc<Connection>, hub: &Arc<Hub>) -> Result<Self, Error> {
        let mut registration = Self { connection, domain: Vec::new(), network: Vec::new(), close: false };
        // SAFETY: libvirt calls back with the arguments that belong to the event's id, so each function goes with its own
        // id; VIR_DOMAIN_EVENT_CALLBACK in libvirt-domain.h is the same cast.
        unsafe {
            for (id, callback) in [
                (
                    sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                    transmute::<sys::virConnectDomainEventCallback, Domains>(Some(domain_lifecycle)),
                ),
                (
                    sys::VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
                    transmute::<sys::virConnectDomainEventDeviceAddedCallback, Domains>(Some(device_added)),
                ),
                (
                    sys::VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
                    transmute::<sys::virConnectDomainEventDeviceRemovedCallback, Domains>(Some(device_removed)),
                ),
                (
                    sys::VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED,
                    transmute::<sys::virConnectDomainEventDeviceRemovalFailedCallback, Domains>(Some(
                        device_removal_failed,
                    )),
                ),
                (
                    sys::VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE,
                    transmute::<sys::virConnectDomainEventAgentLifecycleCallback, Domains>(Some(agent_lifecycle)),
                ),
                (
                    sys::VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
                    transmute::<sys::virConnectDomainEventMetadataChangeCallback, Domains>(Some(metadata_change)),
                ),
            ] {
                registration.domain(hub, id, callback)?;
            }
            let mac = transmute::<sys::virConnectDomainEventNICMACChangeCallback, Domains>(Some(nic_mac_change));
            if let Err(error) = registration.domain(hub, sys::VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE, mac) {
                // libvirt knows this event since 11.2 only.
                tracing::debug!(%error, "no event for a changed MAC");
            }
            let network = transmute::<sys::virConnectNetworkEventLifecycleCallback, Networks>(Some(network_lifecycle));
            registration.network(hub, sys::VIR_NETWORK_EVENT_ID_LIFECYCLE, network)?;
            registration.close(hub);
        }
        Ok(registration)
    }

    unsafe fn domain(&mut self, hub: &Arc<Hub>, id: sys::virDomainEventID, callback: Domains) -> Result<(), Error> {
        let opaque = Arc::into_raw(Arc::clone(hub)).cast_mut().cast::<c_void>();
        let number = unsafe {
            sys::virConnectDomainEventRegisterAny(
                self.connection.as_ptr(),
                std::ptr::null_mut(),
                id as c_int,
                callback,
                opaque,
                Some(release),
            )
        };
        if number < 0 {
            let error = failed("listen for events of domains");
            unsafe { release(opaque) };
            return Err(error);
        }
        self.domain.push(number);
        Ok(())
    }

    unsafe fn network(&mut self, hub: &Arc<Hub>, id: sys::virNetworkEventID, callback: Networks) -> Result<(), Error> {
        let opaque = Arc::into_raw(Arc::clone(hub)).cast_mut().cast::<c_void>();
        let number = unsafe {
            sys::virConnectNetworkEventRegisterAny(
                self.connection.as_ptr(),
                std::ptr::null_mut(),
                id as c_int,
                callback,
                opaque,
                Some(release),
            )
        };
        if number < 0 {
            let error = failed("listen for events of networks");
            unsafe { release(opaque) };
            return Err(error);
        }
        self.network.push(number);
        Ok(())
    }

    unsafe fn close(&mut self, hub: &Arc<Hub>) {
        let opaque = Arc::into_raw(Arc::clone(hub)).cast_mut().cast::<c_void>();
        let outcome = unsafe {
            sys::virConnectRegisterCloseCallback(self.connection.as_ptr(), Some(closed), opaque, Some(release))
        };
        self.close = outcome == 0;
        if !self.close {
            // A driver inside this process has no connection that could be lost.
            tracing::debug!(error = %failed("listen for the end of the connection"), "no close callback");
            unsafe { release(opaque) };
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let connection = self.connection.as_ptr();
        // SAFETY: the connection is open as long as `self.connection` lives, the numbers came from it.
        unsafe {
            for number in &self.domain {
                sys::virConnectDomainEventDeregisterAny(connection, *number);
            }
            for number in &self.network {
                sys::virConnectNetworkEventDeregisterAny(connection, *number);
            }
            if self.close {
                sys::virConnectUnregisterCloseCallback(connection, Some(closed));
            }
        }
    }
}

fn failed(doing: &str) -> Error {
    Error::from_virt(doing, &virt::error::Error::last_error())
}

unsafe extern "C" fn release(opaque: *mut c_void) {
    // SAFETY: made by `Arc::into_raw` at registration, released once by libvirt (or by us where it refused).
    drop(unsafe { Arc::from_raw(opaque.cast_const().cast::<Hub>()) });
}

unsafe fn hub<'a>(opaque: *mut c_void) -> &'a Hub {
    // SAFETY: libvirt keeps the opaque pointer until it calls `release`.
    unsafe { &*opaque.cast_const().cast::<Hub>() }
}

unsafe fn string(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: libvirt's strings end in NUL and live through the callback.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

unsafe fn domain_name(domain: sys::virDomainPtr) -> String {
    // SAFETY: reads a field of an object that lives through the callback; no call to the daemon.
    unsafe { string(sys::virDomainGetName(domain)) }
}

unsafe extern "C" fn domain_lifecycle(
    _: sys::virConnectPtr,
    domain: sys::virDomainPtr,
    _event: c_int,
    _detail: c_int,
    opaque: *mut c_void,
) -> c_int {
    unsafe { hub(opaque).send(&LibvirtEvent::Domain(domain_name(domain))) };
    0
}

unsafe extern "C" fn device_added(
    _: sys::virConnectPtr,
    domain: sys::virDomainPtr,
    _alias: *const c_char,
    opaque: *mut c_void,
) {
    unsafe { hub(opaque).send(&LibvirtEvent::Domain(domain_name(domain))) };
}

unsafe extern "C" fn device_removed(
    _: sys::virConnectPtr,
    domain: sys::virDomainPtr,
    alias: *const c_char,
    opaque: *mut c_void,
) {
    unsafe { hub(opaque).removal(domain_name(domain), string(alias), true) };
}

unsafe extern "C" fn device_removal_failed(
    _: sys::virConnectPtr,
    domain: sys::virDomainPtr,
    alias: *const c_char,
    opaque: *mut c_void,
) {
    unsafe { hub(opaque).removal(domain_name(domain), string(alias), false) };
}

unsafe extern "C" fn agent_lifecycle(
    _: sys::virConnectPtr,
    domain: sys::virDomainPtr,
    _state: c_int,
    _reason: c_int,
    opaque: *mut c_void,
) {
    unsafe { hub(opaque).send(&LibvirtEvent::Agent(domain_name(domain))) };
}

unsafe extern "C" fn metadata_change(
    _: sys::virConnectPtr,
    domain: sys::virDomainPtr,
    _kind: c_int,
    _namespace: *const c_char,
    opaque: *mut c_void,
) {
    unsafe { hub(opaque).send(&LibvirtEvent::Domain(domain_name(domain))) };
}

unsafe extern "C" fn nic_mac_change(
    _: sys::virConnectPtr,
    domain: sys::virDomainPtr,
    _alias: *const c_char,
    _old: *const c_char,
    _new: *const c_char,
    opaque: *mut c_void,
) {
    unsafe { hub(opaque).send(&LibvirtEvent::Domain(domain_name(domain))) };
}

unsafe extern "C" fn network_lifecycle(
    _: sys::virConnectPtr,
    network: sys::virNetworkPtr,
    _event: c_int,
    _detail: c_int,
    opaque: *mut c_void,
) {
    unsafe { hub(opaque).send(&LibvirtEvent::Network(string(sys::virNetworkGetName(network)))) };
}

unsafe extern "C" fn closed(_: sys::virConnectPtr, _reason: c_int, opaque: *mut c_void) {
    unsafe { hub(opaque).send(&LibvirtEvent::Closed) };
}
