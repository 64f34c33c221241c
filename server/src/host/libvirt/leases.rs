//! DHCP leases of a network, over virt-sys: `virt` does not wrap them.

use std::{
    ffi::{CStr, c_char, c_void},
    net::IpAddr,
    ptr,
};

use ipnet::IpNet;
use model::observed::Lease;
use nix::libc;
use virt::network::Network;
use virt_sys as sys;

use super::{error::Error, xml::clean};

/// Blocks. The hostnames are the guests' own words, made fit to be shown.
pub fn read(doing: &str, network: &Network) -> Result<Vec<Lease>, Error> {
    let mut list: *mut sys::virNetworkDHCPLeasePtr = ptr::null_mut();
    // SAFETY: the network lives through the call; libvirt allocates the list, and each lease in it, for us to free.
    let count = unsafe { sys::virNetworkGetDHCPLeases(network.as_ptr(), ptr::null(), &mut list, 0) };
    let Ok(count) = usize::try_from(count) else {
        return Err(Error::from_virt(doing, &virt::error::Error::last_error()));
    };
    let mut leases = Vec::with_capacity(count);
    for index in 0..count {
        // SAFETY: libvirt said that the list has `count` leases.
        unsafe {
            let lease = *list.add(index);
            leases.extend(convert(&*lease));
            sys::virNetworkDHCPLeaseFree(lease);
        }
    }
    // SAFETY: allocated by libvirt with malloc; NULL is fine.
    unsafe { libc::free(list.cast::<c_void>()) };
    leases.sort_by_key(|lease: &Lease| (lease.address, lease.mac));
    Ok(leases)
}

/// A lease without an address that can be read is left out. Every string may be NULL.
unsafe fn convert(lease: &sys::virNetworkDHCPLease) -> Option<Lease> {
    let string = |text| unsafe { string(text) };
    let address: IpAddr = string(lease.ipaddr)?.parse().ok()?;
    Some(Lease {
        mac: string(lease.mac).and_then(|mac| mac.parse().ok()),
        address: IpNet::new(address, u8::try_from(lease.prefix).ok()?).ok()?,
        hostname: string(lease.hostname),
        client_id: string(lease.clientid),
        expires: lease.expirytime,
    })
}

unsafe fn string(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: libvirt's strings end in NUL and live until the lease is freed.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    Some(clean(&text, 255)).filter(|text| !text.is_empty())
}
