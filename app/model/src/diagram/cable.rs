//! How cables run: straight where nothing is in the way, else below everything in a lane of their rail's own.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cable, HostCard, Mark, NicSketch, Outside, RailSketch, Rect, Side};
use crate::note::Subject;

/// Between the cables that leave the host.
pub(super) const HOST_STEP: i32 = 18;
const ROUND: i32 = 12;
const LABEL: i32 = 16;

/// One end of a cable, at a card.
pub(super) struct Socketed<'a> {
    pub key: String,
    pub rail: usize,
    pub side: Side,
    /// Nothing is between rail and socket.
    pub straight: bool,
    pub x: i32,
    pub y: i32,
    /// How many rails stand left of its card.
    pub after: usize,
    pub mark: Mark,
    pub nic: &'a NicSketch,
    pub label: bool,
    pub subject: &'a Subject,
}

/// Runs every cable between rails (at `xs`) and cards.
pub(super) fn run<'a>(
    ends: &[Socketed],
    xs: &[i32],
    width: i32,
    lanes: &BTreeMap<usize, i32>,
    channel: i32,
    rails: &dyn Fn(usize) -> &'a RailSketch,
) -> BTreeMap<String, Cable> {
    let mut cables = BTreeMap::new();
    let climbs = ends.iter().filter(|end| !end.straight && end.side == Side::Left);
    let climbs: BTreeSet<(usize, usize)> = climbs.map(|end| (end.after, end.rail)).collect();
    for end in ends {
        let (left, right) = (xs[end.rail], xs[end.rail] + width);
        let (path, bounds, last) = match lanes.get(&end.rail).filter(|_| !end.straight) {
            None if end.side == Side::Left => straight(right, end.x, end.y),
            None => straight(end.x, left, end.y),
            Some(&lane) => {
                // Each rail climbs in a channel of its own, the leftmost nearest to the cards.
                let nth = climbs.range((end.after, end.rail)..=(end.after, usize::MAX)).count() as i32;
                let before = end.after.checked_sub(1).and_then(|rail| xs.get(rail)).map_or(0, |x| x + width);
                match end.side {
                    Side::Left => around(right, before + 4 + channel * nth, end.x, end.y, lane),
                    Side::Right => around(left, end.x + 22, end.x, end.y, lane),
                }
            }
        };
        // Not over the cables that climb between this rail and the socket.
        let climbers = climbs.range((end.after, 0)..=(end.after, usize::MAX)).count() as i32;
        let last = if end.side == Side::Left { (last.0.max(right + channel * climbers), last.1) } else { last };
        let label = (end.label && end.nic.tap.is_some() && last.1 - last.0 >= 30).then(|| {
            let w = last.1 - last.0 - 8;
            Rect::new(last.0 + 4, end.y - 4 - LABEL, w, LABEL)
        });
        let rail = rails(end.rail);
        let cable = Cable {
            path,
            bounds,
            colour: Some(rail.colour),
            mark: end.mark.max(rail.mark),
            link: end.nic.tap.clone(),
            label,
            carries: end.nic.cable && end.nic.live,
            subject: end.nic.mac.map_or_else(|| end.subject.clone(), |mac| Subject::Nic(mac.to_string())),
        };
        cables.insert(end.key.clone(), cable);
    }
    cables
}

/// Path, bounds, and the part beside the socket.
type Run = (String, Rect, (i32, i32));

fn straight(from: i32, to: i32, y: i32) -> Run {
    (format!("M{from} {y}H{to}"), Rect::new(from, y - 3, to - from, 6), (from, to))
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
    (path, bounds, (climb.min(to), climb.max(to)))
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
        let (path, bounds, _) = straight(host.rect.right(), *x, y);
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
    leads
        .map(|(socket, nic)| {
            let to = host.rect.x + socket.x;
            let y = host.rect.y + socket.y + socket.h / 2;
            let (path, bounds, _) =
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
        })
        .collect()
}
