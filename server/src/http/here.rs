//! Where whoever asks comes in.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{extract::connect_info::Connected, serve::IncomingStream};
use model::{Observed, event::YouAreHere, observed::Route};
use tokio::{net::TcpListener, sync::OnceCell};

use crate::host::relay;

/// Whoever is at the other end of a connection: all its requests have the same.
#[derive(Debug, Clone)]
pub struct Peer {
    address: SocketAddr,
    origin: Arc<OnceCell<Origin>>,
}

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self { address: *stream.remote_addr(), origin: Arc::default() }
    }
}

impl Peer {
    /// Found out when it is first asked for.
    pub async fn origin(&self) -> &Origin {
        self.origin.get_or_init(|| Origin::of(self.address)).await
    }
}

/// Where a connection comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    peer: IpAddr,
    /// Whose tunnel it is, if the peer is this machine itself: other machines, by their addresses.
    behind: Vec<IpAddr>,
}

impl Origin {
    /// A peer on this machine may be the end of a tunnel: that takes a look at every process.
    async fn of(peer: SocketAddr) -> Self {
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
