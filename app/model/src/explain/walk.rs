//! The packet's way from machine to machine, and what is known of it so far.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    Hop, Matched, Packet, Place,
    conntrack::{Side, Track, Tracks},
    firewall::Scene,
    machine::{Machine, Station},
    stop::Stop,
};
use crate::{
    note::{Sentence, Subject},
    observed::{Domain, Link, Nic, Observed},
};

/// Machines that one packet may pass: as many as its time to live.
const LIVE: usize = 64;

pub struct Walk<'a> {
    pub observed: &'a Observed,
    pub links: BTreeMap<&'a str, &'a Link>,
    /// By the name of their taps.
    pub nics: BTreeMap<&'a str, (&'a Domain, &'a Nic)>,
    pub hops: Vec<Hop>,
    pub doubts: Vec<Stop>,
    pub assumed: Vec<Sentence>,
    machines: BTreeMap<Station<'a>, Rc<Machine<'a>>>,
    tracks: BTreeMap<Option<String>, Tracks>,
    /// Rules that were met since the last hop, and the route that was chosen.
    rules: Vec<Matched>,
    route: Option<String>,
}

/// Where a packet came to its end.
#[derive(Debug, Clone)]
pub struct End<'a> {
    pub at: At<'a>,
    pub packet: Packet,
}

#[derive(Debug, Clone, Copy)]
pub enum At<'a> {
    Machine(Station<'a>),
    Outside(&'a Link),
}

/// A packet that leaves a machine.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    pub station: Station<'a>,
    pub interface: &'a str,
    pub next_hop: std::net::IpAddr,
    pub packet: Packet,
}

/// A packet that comes to the next one.
#[derive(Debug, Clone, Copy)]
pub enum Arrival<'a> {
    Machine { station: Station<'a>, interface: &'a str, packet: Packet },
    Outside { uplink: &'a Link, packet: Packet },
}

/// What a machine does with what came.
#[derive(Debug, Clone, Copy)]
pub enum Received<'a> {
    Here(Packet),
    On(Leaving<'a>),
}

impl<'a> Walk<'a> {
    pub fn new(observed: &'a Observed) -> Self {
        let nics = observed.domains.values().flat_map(|domain| domain.nics.iter().map(move |nic| (domain, nic)));
        Self {
            observed,
            links: observed.links.values().map(|link| (link.name.as_str(), link)).collect(),
            nics: nics.filter_map(|(domain, nic)| Some((nic.tap.as_deref()?, (domain, nic)))).collect(),
            hops: Vec::new(),
            doubts: Vec::new(),
            assumed: Vec::new(),
            machines: BTreeMap::new(),
            tracks: BTreeMap::new(),
            rules: Vec::new(),
            route: None,
        }
    }

    /// From machine to machine, until it is where it belongs.
    pub fn travel(&mut self, mut arrival: Arrival<'a>) -> Result<End<'a>, Stop> {
        for _ in 0..LIVE {
            let (station, interface, packet) = match arrival {
                Arrival::Outside { uplink, packet } => return Ok(End { at: At::Outside(uplink), packet }),
                Arrival::Machine { station, interface, packet } => (station, interface, packet),
            };
            match self.receive(station, interface, packet)? {
                Received::Here(packet) => return Ok(End { at: At::Machine(station), packet }),
                Received::On(leaving) => arrival = self.carry(leaving)?,
            }
        }
        Err(Stop::no(
            Subject::Host,
            "it goes round in circles until its time to live is over",
            "它一直绕圈，直到生存时间耗尽",
        ))
    }

    pub fn machine(&mut self, station: Station<'a>) -> Result<Rc<Machine<'a>>, Stop> {
        if let Some(known) = self.machines.get(&station) {
            return Ok(Rc::clone(known));
        }
        let machine = match station {
            None => Machine::host(self.observed),
            Some(name) => Machine::guest(name, self.observed.guests.get(name))?,
        };
        if machine.rules.is_none() {
            let name = machine.name();
            self.assume(Sentence::new(
                format!("{name} has no routing rules (`ip rule`) of its own: they were not read"),
                format!("{name} 没有自己的路由规则（`ip rule`）：没有读到它们"),
            ));
        }
        let trouble = station.and_then(|name| self.observed.guests.get(name)?.trouble.as_ref());
        if let (Some(name), Some(trouble)) = (station, trouble) {
            self.assume(Sentence::new(
                format!("{name} is as it said last ({trouble})"),
                format!("{name} 仍是它上次所说的样子（{trouble}）"),
            ));
        }
        let machine = Rc::new(machine);
        self.machines.insert(station, Rc::clone(&machine));
        Ok(machine)
    }

    pub fn tracks(&mut self, station: Option<&str>) -> &mut Tracks {
        self.tracks.entry(station.map(str::to_owned)).or_default()
    }

    /// The packet as rules on this machine see it, and its place in a connection there.
    pub fn scene<'m>(&mut self, machine: &'m Machine<'m>, packet: Packet) -> (Scene<'m>, Track) {
        let tracks = self.tracks(machine.station);
        let track = tracks.meet(packet);
        let translated = [Side::Destination, Side::Source].map(|side| tracks.is_translated(track, side));
        (Scene { translated, ..Scene::of(machine, packet, track) }, track)
    }

    pub fn hop(&mut self, place: Place, packet: Packet) {
        let (rules, route) = (std::mem::take(&mut self.rules), self.route.take());
        self.hops.push(Hop { place, packet, route, rules });
    }

    /// Rules that belong to the next hop, or by [`Self::settle`] to the last.
    pub fn met(&mut self, rules: Vec<Matched>) {
        self.rules.extend(rules);
    }

    pub fn routed(&mut self, route: String) {
        self.route = Some(route);
    }

    /// What was met so far belongs to the last hop.
    pub fn settle(&mut self) {
        if let Some(hop) = self.hops.last_mut() {
            hop.rules.append(&mut self.rules);
            hop.route = self.route.take().or(hop.route.take());
        }
    }

    /// Goes on, but cannot be sure any more.
    pub fn doubt(&mut self, stop: Stop) {
        self.doubts.push(stop.at(self.hops.len()));
    }

    pub fn assume(&mut self, what: Sentence) {
        if !self.assumed.contains(&what) {
            self.assumed.push(what);
        }
    }
}
