//! Connections that a machine has seen during this question, and how it translates them.

use std::net::IpAddr;

use super::Packet;

/// An address, and a port if it has one.
pub type End = (IpAddr, Option<u16>);

#[derive(Debug, Clone)]
pub struct Connection {
    original: Packet,
    /// What an answer looks like when it arrives.
    reply: Packet,
    answered: bool,
    /// Its translation is decided: of the destination, of the source.
    bound: [bool; 2],
    translated: [bool; 2],
}

/// What is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Destination,
    Source,
}

/// What conntrack says of a packet (`ct state`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    New,
    Established,
    Invalid,
    Untracked,
}

/// A packet's place in a connection.
#[derive(Debug, Clone, Copy)]
pub struct Track {
    pub state: State,
    /// `None` if it belongs to none.
    connection: Option<usize>,
    /// In the direction of the answer.
    pub answers: bool,
}

impl Track {
    /// Of a frame that conntrack does not see.
    pub const NONE: Self = Self { state: State::Untracked, connection: None, answers: false };
}

#[derive(Debug, Clone, Default)]
pub struct Tracks(Vec<Connection>);

impl Tracks {
    /// Finds the packet's connection, or begins one.
    pub fn meet(&mut self, packet: Packet) -> Track {
        for (index, known) in self.0.iter_mut().enumerate() {
            let asks = known.original.same_ends(&packet);
            // Both look alike where a machine asks itself.
            let answers = known.reply.same_ends(&packet) && !(asks && known.original.reply == packet.reply);
            if asks || answers {
                known.answered |= answers;
                let state = if known.answered { State::Established } else { State::New };
                return Track { state, connection: Some(index), answers };
            }
        }
        // An answer to a question that nobody here has seen begins nothing, except in UDP.
        if packet.reply && packet.transport != super::Transport::Udp {
            return Track { state: State::Invalid, connection: None, answers: false };
        }
        self.0.push(Connection {
            original: packet,
            reply: packet.turned(),
            answered: false,
            bound: [false; 2],
            translated: [false; 2],
        });
        Track { state: State::New, connection: Some(self.0.len() - 1), answers: false }
    }

    /// Whether the chains of nat have a say: they are asked once in a connection, by its first packet.
    pub fn is_open(&self, track: Track, side: Side) -> bool {
        self.of(track).is_some_and(|known| !track.answers && !known.bound[side as usize])
    }

    /// Decides once and for all. `to` is what the end becomes, if it does.
    pub fn bind(&mut self, track: Track, side: Side, to: Option<End>) {
        let Some(known) = track.connection.and_then(|index| self.0.get_mut(index)) else { return };
        known.bound[side as usize] = true;
        let Some((address, port)) = to else { return };
        known.translated[side as usize] = true;
        match side {
            Side::Destination => (known.reply.source, known.reply.source_port) = (address, port),
            Side::Source => (known.reply.destination, known.reply.destination_port) = (address, port),
        }
    }

    /// The packet after what was decided.
    pub fn translate(&self, track: Track, side: Side, packet: &mut Packet) {
        let Some(known) = self.of(track) else { return };
        let other = if track.answers { &known.original } else { &known.reply };
        match side {
            Side::Destination => {
                (packet.destination, packet.destination_port) = (other.source, other.source_port);
            }
            Side::Source => (packet.source, packet.source_port) = (other.destination, other.destination_port),
        }
    }

    /// Whether this side of the connection is translated (`ct status`).
    pub fn is_translated(&self, track: Track, side: Side) -> bool {
        self.of(track).is_some_and(|known| known.translated[side as usize])
    }

    fn of(&self, track: Track) -> Option<&Connection> {
        self.0.get(track.connection?)
    }
}
