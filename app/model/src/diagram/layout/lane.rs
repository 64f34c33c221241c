//! Lanes: where the cables that cannot run straight pass below what stands in their way.

use std::{collections::BTreeMap, ops::Range};

use super::Standing;
use crate::diagram::cable::{Lane, Socketed};

/// How far below what it passes the first lane lies, and each other one.
const BELOW: (i32, i32) = (40, 28);
/// How far a rail reaches below its lane.
const FOOT: i32 = 32;

/// How deep each lane lies: below the cards between the rails (`floor`) and below every rail that it passes. Each rail
/// is made long enough to reach its lanes; so those that others pass have theirs first, unless two pass each other.
pub(super) fn lanes(ends: &[Socketed], mut floor: i32, standing: &mut [Standing]) -> BTreeMap<Lane, i32> {
    let mut waiting = passed(ends);
    let mut lanes = BTreeMap::new();
    while !waiting.is_empty() {
        let free = |passed: &Range<usize>| waiting.iter().all(|(other, _)| !passed.contains(&other.rail));
        let next = waiting.iter().position(|(_, passed)| free(passed)).unwrap_or(0);
        let (lane, passed) = waiting.remove(next);
        let reach = standing[passed].iter().map(|rail| rail.reach).max().unwrap_or(0);
        floor = floor.max(reach) + if lanes.is_empty() { BELOW.0 } else { BELOW.1 };
        standing[lane.rail].reach = standing[lane.rail].reach.max(floor + FOOT);
        lanes.insert(lane, floor);
    }
    lanes
}

/// The lanes that are needed, from right to left, each with the rails that it passes.
fn passed(ends: &[Socketed]) -> Vec<(Lane, Range<usize>)> {
    let mut lanes: BTreeMap<Lane, Range<usize>> = BTreeMap::new();
    for end in ends {
        let Some(lane) = end.lane() else { continue };
        let passes = if lane.right { lane.rail + 1..end.after } else { end.after..lane.rail };
        let all = lanes.entry(lane).or_insert(passes.clone());
        *all = all.start.min(passes.start)..all.end.max(passes.end);
    }
    lanes.into_iter().rev().collect()
}
