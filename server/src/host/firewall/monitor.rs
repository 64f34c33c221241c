//! Changes of the ruleset, as nudges to read again.
//!
//! The multicast group that `nft monitor` listens to, without a process that could die: what changed is not looked at.

use std::io;

use crate::host::kernel::events::{Received, Subscription, message_type};

/// linux/netlink.h
const NETLINK_NETFILTER: isize = 12;
/// linux/netfilter/nfnetlink.h
const NFNLGRP_NFTABLES: u32 = 7;
/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN`: the end of every transaction.
const NEW_GENERATION: u16 = 10 << 8 | 15;

const RECEIVE_BUFFER: usize = 2 << 20;

/// A subscription. Dropping it ends it.
#[derive(Debug)]
pub struct Monitor(Subscription);

impl Monitor {
    pub(super) fn open() -> io::Result<Self> {
        Subscription::open(NETLINK_NETFILTER, &[NFNLGRP_NFTABLES], RECEIVE_BUFFER).map(Self)
    }

    /// Waits for the end of a transaction, or for an overrun: either way the ruleset is to be read again.
    pub async fn changed(&mut self) -> io::Result<()> {
        loop {
            match self.0.next().await? {
                Received::Datagram(datagram) if ends_transaction(datagram) => return Ok(()),
                Received::Datagram(_) => {}
                Received::Overrun => return Ok(()),
            }
        }
    }
}

/// A datagram may hold many messages: one after the other, each with its length first and aligned to four bytes.
fn ends_transaction(mut datagram: &[u8]) -> bool {
    while let Some(kind) = message_type(datagram) {
        if kind == NEW_GENERATION {
            return true;
        }
        let length = datagram.first_chunk().map_or(0, |length| u32::from_ne_bytes(*length)) as usize;
        match datagram.get(length.max(16).next_multiple_of(4)..) {
            Some(rest) => datagram = rest,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_of_a_transaction_among_other_messages() {
        let message = |kind: u16, length: u32| {
            let mut bytes = vec![0; (length as usize).max(16).next_multiple_of(4)];
            bytes[..4].copy_from_slice(&length.to_ne_bytes());
            bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
            bytes
        };
        let other = message(10 << 8, 21);
        assert!(!ends_transaction(&other));
        assert!(ends_transaction(&[other.clone(), message(NEW_GENERATION, 44)].concat()));
        assert!(!ends_transaction(&message(0, 0)));
        assert!(!ends_transaction(&[1, 2, 3]));
    }
}
