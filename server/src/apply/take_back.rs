//! Taking steps back: by the server after a failure, by the server that finds a change unfinished at its start, or by the
//! revert process.

use std::collections::BTreeSet;

use model::step::Step;

use crate::{host::Host, http::problem::chain, watch::Watch};

/// Runs what remains of these inverses, newest first, and keeps going if one fails. Returns what could not be taken back.
///
/// The step that was the last to begin may have had its effect, a part of it, or none, and the host may have been restarted
/// since: what remains is decided by looking.
pub async fn take_back(host: &Host, watch: &Watch, undo: &[Step]) -> Vec<String> {
    let guests = guests_inside(undo);
    let mut now = (*watch.refresh(&guests).await).clone();
    let mut left_over = Vec::new();
    for step in undo {
        let Some(rest) = step.remaining(&now) else { continue };
        match host.run(&rest).await {
            Ok(()) => rest.simulate(&mut now),
            Err(error) => {
                now = (*watch.refresh(&guests).await).clone();
                if let Some(rest) = step.remaining(&now) {
                    left_over.push(format!("{}: {}", rest.command(), chain(&error)));
                }
            }
        }
    }
    watch.refresh(&guests).await;
    left_over
}

/// The guests whose inside these steps change.
pub fn guests_inside<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<String> {
    let inside = steps.into_iter().filter_map(|step| step.inside().map(str::to_owned));
    inside.collect::<BTreeSet<_>>().into_iter().collect()
}
