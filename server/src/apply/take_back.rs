//! Taking steps back: by the server after a failure, by the server that finds a change unfinished at its start, or by the
//! revert process.

use std::collections::BTreeSet;

use model::{
    plan::{Change, ChangeState},
    step::Step,
};

use super::{Engine, timer};
use crate::{host::Host, http::problem::chain, store::journal::Outcome, watch::Watch};

/// A libvirtd that comes and goes again is waited for so often.
const RETURNS: usize = 5;

/// What could not be taken back.
#[derive(Debug, Default)]
pub struct LeftOver {
    /// What would settle it, and why that failed.
    pub commands: Vec<String>,
    /// More of it can be taken back as soon as libvirt answers.
    pub is_for_libvirt: bool,
}

/// Runs what remains of these inverses, newest first, and keeps going if one fails.
///
/// The step that was the last to begin may have had its effect, a part of it, or none, and the host may have been restarted
/// since: what remains is decided by looking.
pub async fn take_back(host: &Host, watch: &Watch, change: u64, undo: &[Step]) -> LeftOver {
    let guests = guests_inside(undo);
    let mut now = (*watch.refresh(&guests).await).clone();
    if timer::settle(host, change, &guests, &now).await {
        now = (*watch.refresh(&guests).await).clone();
    }
    let mut failed = Vec::new();
    let mut left_over = LeftOver::default();
    let mut silent = BTreeSet::new();
    for (nth, step) in undo.iter().enumerate() {
        let Some(rest) = step.remaining(&now) else { continue };
        if step.inside().is_some_and(|guest| silent.contains(guest)) {
            failed.push((step, "the guest does not answer".to_owned()));
            continue;
        }
        match host.run_after(&undo[..nth], &rest).await {
            Ok(()) => rest.simulate(&mut now),
            Err(error) => {
                left_over.is_for_libvirt |= error.is_for_libvirt();
                silent.extend(step.inside().filter(|_| error.is_of_silent_guest()));
                failed.push((step, chain(&error)));
                now = (*watch.refresh(&guests).await).clone();
            }
        }
    }
    // What failed may have gone all the same: with what was taken back after it, as an address goes with its NIC.
    let now = watch.refresh(&guests).await;
    let left = failed.into_iter().filter_map(|(step, why)| Some(format!("{}: {why}", step.remaining(&now)?.command())));
    left_over.commands = left.collect();
    left_over
}

impl Engine {
    /// Takes back what can be taken back now, and what needs libvirt as soon as it answers. Until then nothing else can be
    /// changed.
    pub(super) async fn take_back(&self, change: &mut Change, undo: &[Step]) {
        for _ in 0..RETURNS {
            let left_over = take_back(&self.host, &self.watch, change.id, undo).await;
            change.left_over = left_over.commands;
            if change.left_over.is_empty() || !left_over.is_for_libvirt {
                return;
            }
            tracing::warn!(change = change.id, "libvirt does not answer: waiting for it, to take back the rest");
            self.tell(change);
            self.watch.libvirt_answers().await;
        }
    }

    /// Ends a change that was taken back, in the journal and for whoever listens.
    pub(super) fn taken_back(&self, change: &mut Change) {
        let outcome = Outcome::from(&*change);
        if let Err(error) = self.faults.around(|| self.store.rolled_back(change.id, &outcome)) {
            tracing::error!("{}", chain(&error));
        }
        change.confirm_by = None;
        change.state = ChangeState::RolledBack;
        self.tell(change);
    }
}

/// Whether what is left to be taken back waits for libvirt.
pub fn waits_for_libvirt(change: &Change) -> bool {
    change.state == ChangeState::RollingBack && !change.left_over.is_empty()
}

/// The guests whose inside these steps change.
pub fn guests_inside<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<String> {
    let inside = steps.into_iter().filter_map(|step| step.inside().map(str::to_owned));
    inside.collect::<BTreeSet<_>>().into_iter().collect()
}
