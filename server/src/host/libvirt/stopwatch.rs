//! How long guests were at work: what a change takes beyond that is our own.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Runs while anything is awaited from any guest; what guests do at the same time counts once.
#[derive(Clone, Default)]
pub struct Stopwatch(Arc<Mutex<Reading>>);

/// Something is awaited from a guest until this is dropped.
pub struct AtWork(Stopwatch);

impl Stopwatch {
    pub fn start(&self) -> AtWork {
        self.lock().start(Instant::now());
        AtWork(self.clone())
    }

    pub fn total(&self) -> Duration {
        self.lock().total(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.lock().stop(Instant::now());
    }
}

#[derive(Default)]
struct Reading {
    before: Duration,
    awaited: usize,
    /// Since when it runs.
    since: Option<Instant>,
}

impl Reading {
    fn start(&mut self, now: Instant) {
        self.awaited += 1;
        self.since.get_or_insert(now);
    }

    fn stop(&mut self, now: Instant) {
        self.awaited -= 1;
        if self.awaited == 0 {
            (self.before, self.since) = (self.total(now), None);
        }
    }

    fn total(&self, now: Instant) -> Duration {
        self.before + self.since.map(|since| now - since).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_at_the_same_time_counts_once() {
        let (mut reading, began) = (Reading::default(), Instant::now());
        let at = |second| began + Duration::from_secs(second);
        let seconds = |reading: &Reading, second| reading.total(at(second)).as_secs();
        reading.start(at(1));
        reading.start(at(2));
        assert_eq!(seconds(&reading, 3), 2, "it runs");
        reading.stop(at(3));
        reading.stop(at(4));
        assert_eq!(seconds(&reading, 9), 3);
        reading.start(at(9));
        reading.stop(at(10));
        assert_eq!(seconds(&reading, 20), 4);
    }
}
