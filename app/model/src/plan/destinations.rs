//! What a gateway lets its members reach: what its table says of it.

use ipnet::IpNet;

use crate::{cluster::Gateway, step::TableEntry};

use super::wishes::Wishes;

impl Wishes {
    pub(super) fn destinations(&mut self, gateway: &Gateway, subnets: &[IpNet]) {
        let Some(reached) = &gateway.destinations else { return };
        let except = gateway.guest.is_none().then(|| gateway.bridge.to_string());
        let of = |subnet: &IpNet| {
            let from = *subnet;
            let accepted = reached.iter().map(|net| TableEntry::Accept { accept: net.trunc(), from });
            let mut entries: Vec<TableEntry> = accepted.collect();
            entries.push(TableEntry::Reject { reject: from, except: except.clone() });
            entries
        };
        let entries = subnets.iter().flat_map(of);
        match &gateway.guest {
            Some(guest) => self.gateways.entry(guest.to_string()).or_default().extend(entries),
            None => self.host.extend(entries),
        }
    }
}
