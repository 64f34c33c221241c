//! A guest without an agent: what it writes to its serial console, and the lease that it took.

use std::{fs, thread::sleep, time::Instant};

use virt::domain::Domain;

use super::{PAUSE, error::LabError};

/// What getty ends its prompt with.
const PROMPT: &str = "login:";

/// Where libvirt's log daemon keeps what a guest writes, in the world. Empty at each start of the guest.
pub fn log(name: &str) -> String {
    format!("/var/log/libvirt/{name}-console.log")
}

/// The address that the guest was leased, once it asks for a login too.
pub fn wait_for_login(domain: &Domain, name: &str, until: Instant) -> Result<String, LabError> {
    let log = log(name);
    let mut last = "it asks for no login".to_owned();
    while Instant::now() < until {
        let asks = fs::read(&log).is_ok_and(|text| String::from_utf8_lossy(&text).contains(PROMPT));
        if asks {
            match lease(domain, name) {
                Ok(Some(address)) => return Ok(address),
                Ok(None) => last = "it has no lease".to_owned(),
                Err(error) => last = error.with_causes(),
            }
        }
        // Neither a line on a console nor a lease has an event in the crate `virt`.
        sleep(PAUSE);
    }
    Err(LabError::Guest { guest: name.to_owned(), why: format!("not ready in time: {last}") })
}

/// What libvirt's own DHCP server gave to the guest's NICs: the first of it.
fn lease(domain: &Domain, name: &str) -> Result<Option<String>, LabError> {
    let nics = domain
        .interface_addresses(virt_sys::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, 0)
        .map_err(LabError::libvirt(format!("read the leases of {name}")))?;
    Ok(nics.into_iter().flat_map(|nic| nic.addrs).map(|address| address.addr).next())
}
