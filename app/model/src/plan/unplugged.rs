//! What guests still say of NICs that are not plugged in.

use std::borrow::Cow;

use crate::{Cluster, Observed};

/// The same without that. libvirt tells at once when a NIC goes, a guest only when it is asked: what it said before is
/// nothing that a NIC with the same MAC will have.
pub fn without<'a>(observed: &'a Observed, documents: [&Cluster; 2]) -> Cow<'a, Observed> {
    let mut now = Cow::Borrowed(observed);
    for nic in documents.into_iter().flat_map(|document| &document.nics) {
        let domain = observed.domains.get(&*nic.guest);
        let mut found = domain.into_iter().flat_map(|domain| &domain.nics);
        let is_plugged = found.any(|found| found.mac == nic.mac && found.live.is_some());
        let is_told = observed.guests.get(&*nic.guest).is_some_and(|facts| facts.interface(nic.mac).is_some());
        if is_told
            && !is_plugged
            && let Some(facts) = now.to_mut().guests.get_mut(&*nic.guest)
        {
            facts.forget(nic.mac);
        }
    }
    now
}
