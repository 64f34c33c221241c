//! Whole tables, by dumps.
//!
//! The links of a large host are megabytes, most of which nobody asked for. Each datagram is decoded where it was
//! received, by a decoder that takes only what it needs; rtnetlink would decode every attribute of every message, and
//! keep all of them before it hands over the first.

use std::io;

use nix::{
    libc::MSG_TRUNC,
    sys::{
        socket::{setsockopt, sockopt::ReceiveTimeout},
        time::TimeVal,
    },
};
use rtnetlink::{
    packet_core::{
        DecodeError, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer, NetlinkMessage,
    },
    packet_route::RouteNetlinkMessage,
    sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE},
};

use super::Error;

/// The kernel fills at most 32 kB at a time, unless one object alone is larger.
const DATAGRAM: usize = 64 << 10;
/// The kernel answers at once. A reader that waited for ever would keep all others waiting.
const PATIENCE: TimeVal = TimeVal::new(10, 0);
/// How often a table is read that changes while it is read. The last reading counts: changes are events, too.
const ATTEMPTS: u32 = 3;
/// Message types below this are netlink's own.
const NLMSG_MIN_TYPE: u16 = 16;

/// A socket for one dump after the other. All calls block.
#[derive(Debug)]
pub struct Dumps {
    socket: Socket,
    buffer: Vec<u8>,
    sequence: u32,
}

impl Dumps {
    /// In the network namespace of the calling thread.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        // Strict: the kernel honours what a dump is narrowed to.
        socket.set_netlink_get_strict_chk(true)?;
        setsockopt(&socket, ReceiveTimeout, &PATIENCE)?;
        socket.bind_auto()?;
        // Nobody but the kernel is heard.
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, buffer: Vec::with_capacity(DATAGRAM), sequence: 0 })
    }

    /// The table that this request asks for, one message after the other put into it by `decode`.
    pub fn list<T: Default>(
        &mut self,
        what: &'static str,
        request: RouteNetlinkMessage,
        decode: impl Fn(&mut T, &[u8]) -> Result<(), DecodeError>,
    ) -> Result<T, Error> {
        let failed = |source| Error::List { what, source };
        let mut message = NetlinkMessage::from(request);
        message.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        let mut attempt = 1;
        loop {
            self.sequence = self.sequence.wrapping_add(1);
            message.header.sequence_number = self.sequence;
            let mut table = T::default();
            let interrupted = self
                .once(&mut message, |payload| {
                    if let Err(error) = decode(&mut table, payload) {
                        tracing::warn!("one of the {what} cannot be read: {error}");
                    }
                })
                .map_err(failed)?;
            if !interrupted || attempt == ATTEMPTS {
                return Ok(table);
            }
            attempt += 1;
        }
    }

    /// Reads to the end in any case: what is left over would disturb the next dump. Whether the table changed meanwhile.
    fn once(
        &mut self,
        request: &mut NetlinkMessage<RouteNetlinkMessage>,
        mut each: impl FnMut(&[u8]),
    ) -> io::Result<bool> {
        request.finalize();
        self.buffer.clear();
        self.buffer.resize(request.buffer_len(), 0);
        request.serialize(&mut self.buffer);
        self.socket.send(&self.buffer, 0)?;
        let mut answer = Answer { sequence: self.sequence, ..Answer::default() };
        while !answer.ended {
            self.buffer.clear();
            match self.socket.recv(&mut self.buffer, MSG_TRUNC) {
                Ok(length) if length > self.buffer.len() => answer.failure = Some(malformed("a message is too long")),
                Ok(_) => answer.take(&self.buffer, &mut each),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        answer.failure.map_or(Ok(answer.interrupted), Err)
    }
}

/// What came back for one request.
#[derive(Debug, Default)]
struct Answer {
    sequence: u32,
    interrupted: bool,
    ended: bool,
    failure: Option<io::Error>,
}

impl Answer {
    /// Goes through the messages of one datagram; those that answer another request are passed over.
    fn take(&mut self, mut datagram: &[u8], mut each: impl FnMut(&[u8])) {
        while !datagram.is_empty() && !self.ended {
            let message = match NetlinkBuffer::new_checked(datagram) {
                Ok(message) => message,
                Err(error) => return self.failure = Some(malformed(error)),
            };
            if message.sequence_number() == self.sequence {
                self.interrupted |= message.flags() & NLM_F_DUMP_INTR != 0;
                match message.message_type() {
                    NLMSG_DONE | NLMSG_ERROR => self.end(message.payload()),
                    NLMSG_MIN_TYPE.. => each(message.payload()),
                    _ => {}
                }
            }
            let length = (message.length() as usize).next_multiple_of(4);
            datagram = datagram.get(length..).unwrap_or_default();
        }
    }

    /// Both ends begin with an errno, negative, or 0.
    fn end(&mut self, payload: &[u8]) {
        self.ended = true;
        match payload.first_chunk().map(|code| i32::from_ne_bytes(*code)) {
            Some(0..) => {}
            Some(code) => self.failure = Some(io::Error::from_raw_os_error(code.wrapping_neg())),
            None => self.failure = Some(malformed("its end is too short")),
        }
    }
}

fn malformed(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 16 + payload.len().next_multiple_of(4)];
        let mut message = NetlinkBuffer::new(&mut bytes);
        message.set_length(16 + u32::try_from(payload.len()).expect("a length"));
        message.set_message_type(kind);
        message.set_flags(flags);
        message.set_sequence_number(sequence);
        bytes[16..16 + payload.len()].copy_from_slice(payload);
        bytes
    }

    fn answer(datagrams: &[Vec<u8>]) -> (Answer, Vec<Vec<u8>>) {
        let mut answer = Answer { sequence: 7, ..Answer::default() };
        let mut seen = Vec::new();
        for datagram in datagrams {
            answer.take(datagram, |payload| seen.push(payload.to_vec()));
        }
        (answer, seen)
    }

    #[test]
    fn takes_what_answers_this_request_to_its_end() {
        let first = [message(16, 0, 6, b"stale"), message(16, 0, 7, b"odd"), message(16, 0, 7, b"even")].concat();
        let (open, _) = answer(std::slice::from_ref(&first));
        assert!(!open.ended);
        let (ended, seen) = answer(&[first, message(NLMSG_DONE, 0, 7, &[0; 4])]);
        assert!(ended.ended && !ended.interrupted && ended.failure.is_none());
        assert_eq!(seen, [b"odd".to_vec(), b"even".to_vec()]);
    }

    #[test]
    fn knows_that_the_table_changed_meanwhile() {
        let (answer, _) = answer(&[message(16, NLM_F_DUMP_INTR, 7, b""), message(NLMSG_DONE, 0, 7, &[0; 4])]);
        assert!(answer.ended && answer.interrupted);
    }

    #[test]
    fn gives_the_errno() {
        for kind in [NLMSG_DONE, NLMSG_ERROR] {
            let (answer, _) = answer(&[message(kind, 0, 7, &(-16_i32).to_ne_bytes())]);
            assert_eq!(answer.failure.expect("a failure").raw_os_error(), Some(16));
            assert!(answer.ended);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            answer(std::slice::from_ref(&bytes));
            answer(&[message(NLMSG_DONE, 0, 7, &bytes)]);
        }
    }
}
