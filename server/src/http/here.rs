//! Where whoever asks comes in.

use std::net::{IpAddr, SocketAddr};

use model::{Observed, event::YouAreHere};

use crate::host::relay;

/// The link by which this peer's packets come: the one whose subnet it is in, else the one its default route leaves by.
///
/// A peer on this machine itself may be the end of a tunnel: then it is whoever uses the tunnel, if they all come the same
/// way. The host's own browser has no wire to cut.
pub async fn you_are_here(observed: &Observed, peer: SocketAddr) -> YouAreHere {
    let address = peer.ip().to_canonical();
    if !address.is_loopback() {
        return YouAreHere { address, link: way(observed, address) };
    }
    // A look at every process; whoever cannot be told is local.
    let behind = tokio::task::spawn_blocking(move || relay::behind(peer)).await.unwrap_or_default();
    let mut ways: Vec<Option<String>> = behind.iter().map(|address| way(observed, *address)).collect();
    ways.dedup();
    match (behind.first(), ways.as_slice()) {
        (Some(first), [link]) => YouAreHere { address: *first, link: link.clone() },
        _ => YouAreHere { address, link: None },
    }
}

fn way(observed: &Observed, address: IpAddr) -> Option<String> {
    let near = observed.links.values().find(|link| link.reaches(address)).map(|link| link.name.clone());
    near.or_else(|| {
        let fits = |route: &&model::observed::Route| {
            route.is_default() && route.destination.addr().is_ipv4() == address.is_ipv4()
        };
        Some(observed.links.get(&observed.routes.iter().find(fits)?.link?)?.name.clone())
    })
}
