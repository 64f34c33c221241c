//! Faults on order: how tests see that a crash at any instant leaves the old network or the new one.
//!
//! Where the environment names a file (`BRIDGEHEAD_FAULTS`), each line of it is an order: which process, what, and at which
//! step or journal write, counted from 1 anew whenever the orders change.
//!
//! ```text
//! serve fail-before 3     step 3 fails without having been run
//! serve fail-after 3      step 3 is run, and fails
//! serve pause-before 3    step 3 waits until the order is gone; a file `….paused` beside the orders says that it does
//! serve pause-after 3     the same when it has been run
//! serve kill 5            SIGKILL at the fifth point of the journal: each write has one before and one after it
//! revert kill 2           the same of the revert process
//! ```

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::interval;

/// How often a step that was told to pause looks whether it still is.
const LOOK: Duration = Duration::from_millis(10);

/// Nothing, where the environment orders nothing.
#[derive(Debug, Clone)]
pub struct Faults {
    process: &'static str,
    orders: Option<PathBuf>,
    /// The orders, and the points passed since they were given.
    points: Arc<Mutex<(String, u64)>>,
}

impl Faults {
    pub fn of(process: &'static str) -> Self {
        let orders = std::env::var_os("BRIDGEHEAD_FAULTS").map(PathBuf::from);
        Self { process, orders, points: Arc::default() }
    }

    /// Pauses or fails if that was ordered of this step, `before` or `after` its effect.
    pub async fn step(&self, when: &str, nth: usize) -> Result<(), String> {
        self.pause(&format!("pause-{when}"), nth as u64).await;
        if self.is_ordered(&self.orders(), &format!("fail-{when}"), nth as u64) {
            return Err(format!("a fault was ordered {when} step {nth}"));
        }
        Ok(())
    }

    async fn pause(&self, what: &str, nth: u64) {
        let Some(orders) = self.orders.as_ref().filter(|_| self.is_ordered(&self.orders(), what, nth)) else { return };
        let sign = orders.with_extension("paused");
        if let Err(error) = fs::write(&sign, "") {
            tracing::error!("saying that step {nth} pauses: {error}");
        }
        let mut look = interval(LOOK);
        while self.is_ordered(&self.orders(), what, nth) {
            look.tick().await;
        }
        let _ = fs::remove_file(sign);
    }

    /// Runs a write of the journal between two points at which the process may be killed.
    pub fn around<T>(&self, write: impl FnOnce() -> T) -> T {
        self.point();
        let written = write();
        self.point();
        written
    }

    fn point(&self) {
        let now = self.orders();
        let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        if points.0 != now {
            *points = (now, 0);
        }
        points.1 += 1;
        if self.is_ordered(&points.0, "kill", points.1) {
            let _ = nix::sys::signal::kill(nix::unistd::getpid(), nix::sys::signal::SIGKILL);
        }
    }

    fn orders(&self) -> String {
        self.orders.as_ref().and_then(|orders| fs::read_to_string(orders).ok()).unwrap_or_default()
    }

    fn is_ordered(&self, orders: &str, what: &str, nth: u64) -> bool {
        let order = format!("{} {what} {nth}", self.process);
        orders.lines().any(|line| line == order)
    }
}
