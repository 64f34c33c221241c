//! How cables run: straight where nothing is in the way, else below everything in a lane of their rail's own.

use std::collections::BTreeMap;

use super::{Cable, HostCard, Mark, NicSketch, Outside, RailSketch, Rect, Side};
use crate::{gather, note::Subject};

/// Between the cables that leave the host.
pub(super) const HOST_STEP: i32 = 18;
const ROUND: i32 = 12;
/// A tap's name, above its cable, between its socket and where cables climb.
const LABEL: (i32, i32) = (60, 16);

/// One end of a cable, at a card.
pub(super) struct Socketed<'a> {
    pub key: String,
    pub rail: usize,
    /// How many rails stand left of its card.
    pub after: usize,
    pub side: Side,
    /// Where the cable climbs; `None` if nothing is between rail and socket.
    pub climb: Option<i32>,
    pub x: i32,
    pub y: i32,
    pub mark: Mark,
    pub nic: &'a NicSketch,
    pub label: bool,
    pub subject: &'a Subject,
}

/// What the cables of one rail share that leave it to one side and cannot run straight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lane {
    pub rail: usize,
    /// It leaves the rail to the right.
    pub right: bool,
}

impl Socketed<'_> {
    /// The lane that the cable takes, if it cannot run straight.
    pub fn lane(&self) -> Option<Lane> {
        self.climb.map(|_| Lane { rail: self.rail, right: self.rail < self.after })
    }

    fn label(&self) -> Rect {
        let x = match self.side {
            Side::Left => self.x - 4 - LABEL.0,
            Side::Right => self.x + 4,
        };
        Rect::new(x, self.y - 4 - LABEL.1, LABEL.0, LABEL.1)
    }

    fn run(&self, rail: Rect, lanes: &BTreeMap<Lane, i32>) -> Run {
        let from = if self.rail < self.after { rail.right() } else { rail.x };
        match (self.climb, self.lane().and_then(|lane| lanes.get(&lane))) {
            (Some(climb), Some(lane)) => around(from, climb, self.x, self.y, *lane),
            _ => straight(from.min(self.x), from.max(self.x), self.y),
        }
    }
}

/// Runs every cable between rails and cards.
pub(super) fn run(
    ends: &[Socketed],
    rails: &[(&RailSketch, Rect)],
    lanes: &BTreeMap<Lane, i32>,
) -> BTreeMap<String, Cable> {
    let cable = |end: &Socketed| {
        let (rail, rect) = rails[end.rail];
        let (path, bounds) = end.run(rect, lanes);
        let cable = Cable {
            path,
            bounds,
            colour: Some(rail.colour),
            mark: end.mark.max(rail.mark),
            link: end.nic.tap.clone(),
            label: (end.label && end.nic.tap.is_some()).then(|| end.label()),
            carries: end.nic.cable && end.nic.live,
            subject: end.nic.mac.map_or_else(|| end.subject.clone(), |mac| Subject::Nic(mac.to_string())),
        };
        (end.key.clone(), cable)
    };
    gather::map(ends.iter().map(cable))
}

/// Path and bounds.
type Run = (String, Rect);

fn straight(from: i32, to: i32, y: i32) -> Run {
    (format!("M{from} {y}H{to}"), Rect::new(from, y - 3, to - from, 6))
}

/// From a rail's edge along its lane, up (or down) its channel, and into the socket.
fn around(from: i32, climb: i32, to: i32, y: i32, lane: i32) -> Run {
    let along = (climb - from).signum();
    let into = (to - climb).signum();
    let up = (y - lane).signum();
    let round = ROUND.min((y - lane).abs() / 2).min((climb - from).abs()).min((to - climb).abs());
    let path = format!(
        "M{from} {lane}H{}Q{climb} {lane} {climb} {}V{}Q{climb} {y} {} {y}H{to}",
        climb - along * round,
        lane + up * round,
        y - up * round,
        climb + into * round,
    );
    let (left, right) = (from.min(climb).min(to), from.max(climb).max(to));
    let bounds = Rect::new(left, y.min(lane) - 3, right - left, (y - lane).abs() + 6);
    (path, bounds)
}

/// The host's own cables to its bridges, and how far down each rail they reach.
pub(super) struct Wires {
    pub cables: BTreeMap<String, Cable>,
    pub reach: Vec<(usize, i32)>,
}

pub(super) fn host(host: &HostCard, rails: &[(&RailSketch, i32)]) -> Wires {
    let mut wires = Wires { cables: BTreeMap::new(), reach: Vec::new() };
    let wired = rails.iter().enumerate().filter(|(_, (rail, _))| rail.wired);
    for (nth, (index, (rail, x))) in wired.enumerate() {
        let y = host.rect.y + 110 + HOST_STEP * nth as i32;
        let (path, bounds) = straight(host.rect.right(), *x, y);
        wires.reach.push((index, y));
        let cable = Cable {
            path,
            bounds,
            colour: Some(rail.colour),
            mark: rail.mark,
            link: Some(rail.name.clone()),
            label: None,
            carries: rail.up,
            subject: rail.subject.clone(),
        };
        wires.cables.insert(format!("host {}", rail.name), cable);
    }
    wires
}

/// From the outside world to each of the host's NICs that leads there.
pub(super) fn outside(host: &HostCard, outside: Option<&Outside>) -> BTreeMap<String, Cable> {
    let Some(outside) = outside else { return BTreeMap::new() };
    let from = outside.rect.right();
    let middle = outside.rect.y + outside.rect.h / 2;
    let leads = host.nics.iter().filter(|(_, nic)| nic.outside);
    gather::map(leads.map(|(socket, nic)| {
        let to = host.rect.x + socket.x;
        let y = host.rect.y + socket.y + socket.h / 2;
        let (path, bounds) =
            if y == middle { straight(from, to, y) } else { around(from, from + (to - from) / 2, to, y, middle) };
        let cable = Cable {
            path,
            bounds,
            colour: None,
            mark: Mark::Real,
            link: Some(nic.name.clone()),
            label: None,
            carries: nic.carrier,
            subject: Subject::Link(nic.name.clone()),
        };
        (format!("outside {}", nic.name), cable)
    }))
}
