//! What guests' own systems are told for their next start.

use std::collections::BTreeMap;

use crate::{persist::Settings, resolve::Inside, step::Step};

use super::{Phase, Planner};

/// Files that the document knows nothing of are given back too, if a mark says that we wrote any: their guest was off when
/// it should have been done.
pub(super) fn plan(planner: &mut Planner<'_>) {
    let observed = planner.observed;
    for (guest, domain) in &observed.domains {
        let Some(facts) = Inside::of(observed, domain).facts() else { continue };
        let files = Settings::of(&planner.new, guest).files(facts);
        if files.is_empty() && !domain.marks.files {
            continue;
        }
        let marks = planner.marks(guest);
        if files.is_empty() {
            marks.last_files = true;
        } else {
            marks.plus.files = true;
        }
        // One that cannot be read cannot be given back: the check has said so.
        let read = facts.files.iter().filter_map(|(path, text)| Some((path.clone(), text.clone()?)));
        let was: BTreeMap<String, String> = read.collect();
        if files != was {
            let (guest, managers) = (guest.clone(), facts.managers.clone());
            planner.push(Phase::Files, Step::ReplaceGuestFiles { guest, managers, files, was });
        }
    }
}
