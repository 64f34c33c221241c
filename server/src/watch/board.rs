//! Where readings are put together and published.

use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use model::{
    Observed,
    event::Patch,
    observed::{Source, SourceState},
};
use tokio::sync::{broadcast, watch};

use super::in_words;

/// A subscriber that is further behind than this many patches takes a snapshot instead.
const PATCHES: usize = 256;

/// The newest `Observed`, and the patches that lead to it.
pub struct Board {
    current: watch::Sender<Arc<Observed>>,
    patches: broadcast::Sender<Arc<Patch>>,
    /// Held while one reading is put in, so that snapshots and patches are in one order.
    publishing: Mutex<()>,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            current: watch::Sender::default(),
            patches: broadcast::Sender::new(PATCHES),
            publishing: Mutex::default(),
        }
    }
}

impl Board {
    pub fn observed(&self) -> Arc<Observed> {
        Arc::clone(&self.current.borrow())
    }

    pub fn changes(&self) -> watch::Receiver<Arc<Observed>> {
        self.current.subscribe()
    }

    pub fn subscribe(&self) -> (Arc<Observed>, broadcast::Receiver<Arc<Patch>>) {
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        (self.observed(), self.patches.subscribe())
    }

    /// Puts a reading in. The generation rises if the structure has changed; what moves by itself travels in a patch of
    /// the same generation.
    pub fn put(&self, reading: impl FnOnce(&mut Observed)) {
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.observed();
        let mut new = Observed::clone(&old);
        reading(&mut new);
        let mut patch = Patch::between(&old, &new);
        if patch.is_empty() {
            return;
        }
        if !old.same_structure(&new) {
            new.generation += 1;
        }
        patch.generation = new.generation;
        self.current.send_replace(Arc::new(new));
        // Nobody may be listening.
        self.patches.send(Arc::new(patch)).ok();
    }

    /// Puts in what a source that answers has said.
    pub fn put_from(&self, source: Source, reading: impl FnOnce(&mut Observed)) {
        self.put(|observed| {
            observed.sources.insert(source, SourceState::Answers);
            reading(observed);
        });
    }

    /// Says that a source cannot be read, and since when. Its last facts stay.
    pub fn silent(&self, source: Source, error: &dyn Error) {
        let reason = in_words(error);
        self.put(|observed| {
            let since = match observed.sources.get(&source) {
                Some(SourceState::Silent { since, .. }) => *since,
                _ => now(),
            };
            observed.sources.insert(source, SourceState::Silent { reason, since });
        });
    }
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use model::observed::{Link, Neighbour};

    use super::*;

    #[test]
    fn only_structure_raises_the_generation() {
        let board = Board::default();
        let (before, mut patches) = board.subscribe();
        let link = Link { index: 1, name: "lo".to_owned(), ..Link::default() };
        board.put_from(Source::Kernel, |observed| drop(observed.links.insert(1, link.clone())));
        assert_eq!(board.observed().generation, 1);
        board.put_from(Source::Kernel, |observed| drop(observed.links.insert(1, link)));
        let address = "192.0.2.1".parse().expect("an address");
        let neighbour = Neighbour { link: 1, address, mac: None, state: "failed".to_owned() };
        board.put(|observed| observed.neighbours.push(neighbour));
        assert_eq!(board.observed().generation, 1);

        let mut followed = Observed::clone(&before);
        for _ in 0..2 {
            Patch::clone(&patches.try_recv().expect("a patch")).apply(&mut followed);
        }
        assert!(patches.try_recv().is_err(), "what changes nothing is no patch");
        assert_eq!(followed, *board.observed());
    }

    #[test]
    fn silence_keeps_the_facts_and_its_beginning() {
        let board = Board::default();
        board.put_from(Source::Kernel, |observed| observed.host.hostname = "lab".to_owned());
        board.silent(Source::Kernel, &std::fmt::Error);
        let first = board.observed();
        board.silent(Source::Kernel, &std::fmt::Error);
        assert_eq!(first, board.observed());
        assert_eq!(first.host.hostname, "lab");
        assert!(matches!(&first.sources[&Source::Kernel], SourceState::Silent { since, .. } if *since > 0));
    }
}
