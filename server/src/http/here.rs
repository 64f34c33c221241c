//! Where whoever asks comes in.

use std::net::{IpAddr, SocketAddr};

use model::{Observed, event::YouAreHere, observed::Route};

use crate::host::relay;

/// Where a connection comes from, found out once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    peer: IpAddr,
    /// Whose tunnel it is, if the peer is this machine itself: other machines, by their addresses.
    behind: Vec<IpAddr>,
}

impl Origin {
    /// A peer on this machine may be the end of a tunnel: that takes a look at every process.
    pub async fn of(peer: SocketAddr) -> Self {
        let address = peer.ip().to_canonical();
        let behind = if address.is_loopback() {
            // Whoever cannot be told is local.
            tokio::task::spawn_blocking(move || relay::behind(peer)).await.unwrap_or_default()
        } else {
            Vec::new()
        };
        Self { peer: address, behind }
    }

    /// The link by which their packets come now: the one whose subnet they are in, else the one their default route leaves
    /// by. Of several behind one tunnel only what all have in common. The host's own browser has no wire to cut.
    pub fn on(&self, observed: &Observed) -> YouAreHere {
        if !self.peer.is_loopback() {
            return YouAreHere { address: self.peer, link: way(observed, self.peer) };
        }
        let mut ways: Vec<Option<String>> = self.behind.iter().map(|address| way(observed, *address)).collect();
        ways.dedup();
        match (self.behind.first(), ways.as_slice()) {
            (Some(first), [link]) => YouAreHere { address: *first, link: link.clone() },
            _ => YouAreHere { address: self.peer, link: None },
        }
    }
}

fn way(observed: &Observed, address: IpAddr) -> Option<String> {
    let near = observed.links.values().find(|link| link.reaches(address)).map(|link| link.name.clone());
    near.or_else(|| {
        let fits = |route: &&Route| route.is_default() && route.destination.addr().is_ipv4() == address.is_ipv4();
        Some(observed.links.get(&observed.routes.iter().find(fits)?.link?)?.name.clone())
    })
}
