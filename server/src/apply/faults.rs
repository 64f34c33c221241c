//! Faults on order: how tests see that a crash at any instant leaves the old network or the new one.
//!
//! Where the environment names a file (`BRIDGEHEAD_FAULTS`), each line of it is an order: which process, what, and at which
//! step or journal write, counted from 1.
//!
//! ```text
//! serve fail-before 3     step 3 fails without having been run
//! serve fail-after 3      step 3 is run, and fails
//! serve kill 5            SIGKILL at the fifth point of the journal: each write has one before and one after it
//! revert kill 2           the same of the revert process
//! ```

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Nothing, where the environment orders nothing.
#[derive(Debug, Clone)]
pub struct Faults {
    process: &'static str,
    orders: Option<PathBuf>,
    points: Arc<AtomicU64>,
}

impl Faults {
    pub fn of(process: &'static str) -> Self {
        let orders = std::env::var_os("BRIDGEHEAD_FAULTS").map(PathBuf::from);
        Self { process, orders, points: Arc::default() }
    }

    /// Fails if it was ordered that this step fails `before` or `after` its effect.
    pub fn step(&self, when: &str, nth: usize) -> Result<(), String> {
        if self.is_ordered(&format!("fail-{when}"), nth as u64) {
            return Err(format!("a fault was ordered {when} step {nth}"));
        }
        Ok(())
    }

    /// Runs a write of the journal between two points at which the process may be killed.
    pub fn around<T>(&self, write: impl FnOnce() -> T) -> T {
        self.point();
        let written = write();
        self.point();
        written
    }

    fn point(&self) {
        let nth = self.points.fetch_add(1, Ordering::SeqCst) + 1;
        if self.is_ordered("kill", nth) {
            let _ = nix::sys::signal::kill(nix::unistd::getpid(), nix::sys::signal::SIGKILL);
        }
    }

    fn is_ordered(&self, what: &str, nth: u64) -> bool {
        let Some(orders) = &self.orders else { return false };
        let order = format!("{} {what} {nth}", self.process);
        fs::read_to_string(orders).is_ok_and(|orders| orders.lines().any(|line| line == order))
    }
}
