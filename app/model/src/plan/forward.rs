//! Port forwards of gateways: what their tables say of them, and what the host has to let through.
//!
//! A guest that leaves by a network for which the host translates is not seen from outside: the host forwards the same
//! port to it.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::{
    Cluster,
    cluster::{Forward, Gateway},
    firewall::translation,
    observed::Observed,
    resolve,
    step::{DestinationTranslation, Forwarded, TableEntry},
};

use super::wishes::Wishes;

/// A port that the host routes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Of the gateway.
    pub bridge: String,
    /// Where it is asked from; empty if that is not known.
    pub in_link: String,
    pub out_link: String,
    pub to: Forwarded,
}

impl Wishes {
    /// `address` is the one that the gateway is asked by; `None` for whatever it has.
    pub(super) fn forwards(
        &mut self,
        observed: &Observed,
        cluster: &Cluster,
        gateway: &Gateway,
        subnets: &[IpNet],
        address: Option<IpAddr>,
    ) {
        if gateway.forwards.is_empty() {
            return;
        }
        let forwards = gateway.forwards.iter().map(|forward| entry(forward, address, None, forward.target()));
        let hairpins = subnets.iter().map(|subnet| TableEntry::Hairpin { hairpin: *subnet });
        let entries = forwards.chain(hairpins);
        let Some(guest) = &gateway.guest else {
            self.host.extend(entries);
            return self.doors_of_host(observed, gateway);
        };
        self.gateways.entry(guest.to_string()).or_default().extend(entries);
        if let Some(link) = resolve::hiding_link(observed, gateway) {
            let outside = resolve::outside_address(observed, cluster, gateway);
            self.through_host(observed, gateway, &link, outside);
        }
    }

    fn doors_of_host(&mut self, observed: &Observed, gateway: &Gateway) {
        let Some(outside) = resolve::outside_link(observed, gateway) else { return };
        for forward in &gateway.forwards {
            // Members ask each other by the gateway too.
            for in_link in [&*outside, &gateway.bridge] {
                let bridge = gateway.bridge.to_string();
                let to = Forwarded { protocol: forward.protocol, to: forward.target() };
                self.doors.push(Door { in_link: in_link.to_owned(), out_link: bridge.clone(), bridge, to });
            }
        }
    }

    fn through_host(&mut self, observed: &Observed, gateway: &Gateway, link: &str, outside: Option<IpAddr>) {
        for forward in &gateway.forwards {
            let Some(outside) = outside.or_else(|| stands(observed, forward, link)) else { continue };
            let to = SocketAddr::new(outside, forward.port);
            self.host.push(entry(forward, None, Some(link), to));
            self.doors.push(Door {
                bridge: gateway.bridge.to_string(),
                in_link: resolve::way_out(observed).unwrap_or_default().to_owned(),
                out_link: link.to_owned(),
                to: Forwarded { protocol: forward.protocol, to },
            });
        }
    }
}

fn entry(forward: &Forward, address: Option<IpAddr>, except: Option<&str>, to: SocketAddr) -> TableEntry {
    let (protocol, port, except) = (forward.protocol, forward.port, except.map(str::to_owned));
    TableEntry::Destination(DestinationTranslation { protocol, port, address, except, to })
}

/// Where the host forwards the port to already.
fn stands(observed: &Observed, forward: &Forward, link: &str) -> Option<IpAddr> {
    let entries = translation::read(observed.tables.get(translation::HOST)?);
    let same = |entry: &&DestinationTranslation| {
        entry.protocol == forward.protocol && entry.port == forward.port && entry.except.as_deref() == Some(link)
    };
    entries.iter().filter_map(TableEntry::destination).find(same).map(|entry| entry.to.ip())
}
