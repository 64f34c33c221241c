//! Files of ours inside guests: one that cannot be read could not be given back as it is.

use crate::{
    Cluster, Observed,
    note::{Note, Sentence, Severity, Subject},
    persist::Settings,
    plan::wishes::Wishes,
};

use super::note;

pub fn check(observed: &Observed, draft: &Cluster, notes: &mut Vec<Note>) {
    let wishes = Wishes::of(observed, draft);
    for guest in wishes.guests() {
        let Some(facts) = observed.guests.get(guest) else { continue };
        let files = Settings::of(&wishes, guest).files(facts);
        for path in files.keys().filter(|path| facts.files.get(*path) == Some(&None)) {
            let text = Sentence::new(
                format!(
                    "{path} in {guest} is too long, or no text: it could not be given back as it is. Move it away first."
                ),
                format!("{guest} 内的 {path} 过长或不是文本，无法原样恢复。请先将其移走。"),
            );
            notes.push(note(Severity::Block, Subject::Guest(guest.to_owned()), "file-unreadable", text, None));
        }
    }
}
