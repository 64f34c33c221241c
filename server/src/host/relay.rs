//! Who is behind a connection from this machine itself: a tunnel or a proxy (sshd, nginx, socat) takes connections from
//! elsewhere and passes them on from here.

use std::net::{IpAddr, SocketAddr};

use procfs::{
    ProcResult,
    net::{TcpNetEntry, TcpState},
    process::{FDTarget, Process, all_processes},
};

/// The other machines that the process at the other end of a loopback connection is connected to, each once. None if it
/// is nobody's tunnel, or if that cannot be known.
pub fn behind(peer: SocketAddr) -> Vec<IpAddr> {
    let sockets = sockets();
    let peer = canonical(peer);
    let Some(own) = sockets.iter().find(|socket| canonical(socket.local_address) == peer) else { return Vec::new() };
    let Some(held) = holder(own.inode) else { return Vec::new() };
    let established =
        sockets.iter().filter(|socket| socket.state == TcpState::Established && held.contains(&socket.inode));
    let mut others: Vec<IpAddr> = established.map(|socket| canonical(socket.remote_address).ip()).collect();
    others.retain(|address| !address.is_loopback());
    others.sort();
    others.dedup();
    others
}

fn sockets() -> Vec<TcpNetEntry> {
    let tables: [ProcResult<Vec<TcpNetEntry>>; 2] = [procfs::net::tcp(), procfs::net::tcp6()];
    tables.into_iter().flatten().flatten().collect()
}

/// Every socket of the process that holds this one.
fn holder(inode: u64) -> Option<Vec<u64>> {
    let own = std::process::id();
    let others = all_processes().ok()?.flatten().filter(|process| process.pid.cast_unsigned() != own);
    others.map(|process| held(&process)).find(|held| held.contains(&inode))
}

fn held(process: &Process) -> Vec<u64> {
    let targets = process.fd().into_iter().flatten().flatten();
    targets
        .filter_map(|descriptor| match descriptor.target {
            FDTarget::Socket(inode) => Some(inode),
            _ => None,
        })
        .collect()
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_process_of_this_machine_alone_relays_for_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let client = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        assert!(behind(client.local_addr().expect("an address")).is_empty());
    }
}
