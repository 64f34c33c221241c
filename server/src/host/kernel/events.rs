//! Changes, as nudges to read again.
//!
//! A socket of its own, so that a flood of events never delays a request. Only the kind of each message is looked at:
//! what it says is read anew.

use std::{
    fmt,
    future::poll_fn,
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

use nix::sys::socket::{setsockopt, sockopt};
use rtnetlink::sys::{AsyncSocket, SocketAddr, TokioSocket, protocols::NETLINK_ROUTE};

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nudge {
    Links,
    Addresses,
    Routes,
    Neighbours,
    Fdb,
    /// Forwarding or reverse-path filtering, of all or of one link (netconf).
    Sysctls,
    /// The kernel had to drop events: anything may have changed.
    Overrun,
}

/// Multicast groups of linux/rtnetlink.h: link, neigh, IPv4 and IPv6 addresses, routes, rules and netconf.
const GROUPS: [u32; 10] = [1, 3, 5, 7, 8, 9, 11, 19, 24, 25];

/// Room for some ten thousand events between two turns of the reader.
const RECEIVE_BUFFER: usize = 8 << 20;

/// The largest datagram that is looked at; only its first bytes matter.
const DATAGRAM: usize = 64 << 10;

/// Everything that rtnetlink announces. Dropping it ends it.
#[derive(Debug)]
pub struct Events(Subscription);

impl Events {
    pub(super) fn open() -> io::Result<Self> {
        Self::with_buffer(RECEIVE_BUFFER)
    }

    pub(super) fn with_buffer(size: usize) -> io::Result<Self> {
        Subscription::open(NETLINK_ROUTE, &GROUPS, size).map(Self)
    }

    /// The next change: what one datagram is about, or an overrun.
    pub async fn next(&mut self) -> io::Result<Nudge> {
        loop {
            match self.0.next().await? {
                Received::Overrun => return Ok(Nudge::Overrun),
                Received::Datagram(datagram) => {
                    if let Some(nudge) = nudge(datagram) {
                        return Ok(nudge);
                    }
                }
            }
        }
    }
}

/// The kind of the first message, and the family of what it is about at byte 16.
fn nudge(datagram: &[u8]) -> Option<Nudge> {
    const AF_BRIDGE: u8 = 7;
    Some(match message_type(datagram)? {
        16 | 17 => Nudge::Links,
        20 | 21 => Nudge::Addresses,
        // Routes, and the rules that say which of them are asked.
        24 | 25 | 32 | 33 => Nudge::Routes,
        28 | 29 if datagram.get(16) == Some(&AF_BRIDGE) => Nudge::Fdb,
        28 | 29 => Nudge::Neighbours,
        80 | 81 => Nudge::Sysctls,
        _ => return None,
    })
}

/// `nlmsg_type` of a datagram's first message: bytes 4 and 5 of its header.
pub fn message_type(datagram: &[u8]) -> Option<u16> {
    Some(u16::from_ne_bytes(datagram.get(4..6)?.try_into().ok()?))
}

/// A netlink socket that listens to multicast groups.
pub struct Subscription {
    socket: TokioSocket,
    buffer: Vec<u8>,
}

/// What a subscription heard.
pub enum Received<'a> {
    Datagram(&'a [u8]),
    /// Something was dropped (`ENOBUFS`).
    Overrun,
}

impl Subscription {
    /// Groups below 32, by their number.
    pub fn open(protocol: isize, groups: &[u32], receive_buffer: usize) -> io::Result<Self> {
        let mut socket = TokioSocket::new(protocol)?;
        // SAFETY: the descriptor stays open for as long as `socket`, which outlives this borrow.
        let descriptor = unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) };
        // Beyond the limit of net.core.rmem_max only with CAP_NET_ADMIN.
        if setsockopt(&descriptor, sockopt::RcvBufForce, &receive_buffer).is_err() {
            setsockopt(&descriptor, sockopt::RcvBuf, &receive_buffer)?;
        }
        let groups = groups.iter().fold(0, |groups, group| groups | 1 << (group - 1));
        socket.socket_mut().bind(&SocketAddr::new(0, groups))?;
        Ok(Self { socket, buffer: Vec::with_capacity(DATAGRAM) })
    }

    pub async fn next(&mut self) -> io::Result<Received<'_>> {
        loop {
            self.buffer.clear();
            match poll_fn(|cx| self.socket.poll_recv_from(cx, &mut self.buffer)).await {
                Ok(_) => return Ok(Received::Datagram(&self.buffer)),
                Err(error) if error.raw_os_error() == Some(nix::libc::ENOBUFS) => return Ok(Received::Overrun),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}
