//! The server keeps the draft: it survives a reload, is the same on all pages of an operator, and is seen by the others.
//!
//! ```text
//! edited here ────────────────► PUT, one at a time, the newest last
//! edited on another page ─────► taken over
//! a newer version ────────────► the edits are carried over to it; what it changed too is told
//! ```

use leptos::{prelude::*, task::spawn_local};
use model::draft::{Draft as Kept, carry};

use super::{Draft, Edited};
use crate::{api, live::Live};

/// Keeps draft and server together from now on. Browser only.
pub fn stage(live: Live, draft: Draft) {
    let page = format!("{:x}", (js_sys::Math::random() * f64::from(u32::MAX)) as u32);
    let stage = Stage {
        live,
        draft,
        page: StoredValue::new(page),
        kept: StoredValue::new(None),
        sending: StoredValue::new(false),
    };
    Effect::new(move |_| stage.carry());
    Effect::new(move |before: Option<Option<Seen>>| stage.take_over(before.flatten()));
    Effect::new(move |_| {
        draft.edited.track();
        if live.drafts.with(Option::is_some) {
            stage.send();
        }
    });
}

#[derive(Clone, Copy)]
struct Stage {
    live: Live,
    draft: Draft,
    /// What this page calls itself.
    page: StoredValue<String>,
    /// What the server has of ours, as far as we know.
    kept: StoredValue<Option<Edited>>,
    sending: StoredValue<bool>,
}

/// What the server had of ours when it last told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Ours,
}

impl Stage {
    /// Carries the edits over to a newer version.
    fn carry(self) {
        let document = self.live.document.get();
        let Some(edited) = self.draft.edited.get_untracked() else { return };
        if edited.base.version == document.version {
            return;
        }
        let (cluster, mut conflicts) = carry(&edited.base.cluster, &document.cluster, &edited.cluster);
        conflicts.extend(edited.conflicts);
        let nothing = cluster == document.cluster;
        self.draft.edited.set((!nothing).then_some(Edited { base: document, cluster, conflicts }));
    }

    /// Takes over what another page of this operator did with the draft.
    fn take_over(self, before: Option<Seen>) -> Option<Seen> {
        let document = self.live.document.get();
        let who = self.live.who.get();
        let drafts = self.live.drafts.get()?;
        let own = drafts.into_iter().find(|kept| kept.who == who);
        let seen = if own.is_some() { Seen::Ours } else { Seen::Nothing };
        let edited = self.draft.edited.get_untracked();
        let elsewhere = |kept: &Kept| self.page.with_value(|page| kept.page != *page);
        match own {
            // What is being sent from here is newer, and so is what was edited before the server was heard.
            _ if self.sending.get_value() => {}
            Some(kept)
                if elsewhere(&kept) && kept.version == document.version && (before.is_some() || edited.is_none()) =>
            {
                let taken = Edited { base: document, cluster: kept.cluster, conflicts: kept.conflicts };
                self.kept.set_value(Some(taken.clone()));
                self.draft.edited.set(Some(taken));
            }
            None if before == Some(Seen::Ours) && edited == self.kept.get_value() => {
                self.kept.set_value(None);
                self.draft.edited.set(None);
            }
            _ => {}
        }
        Some(seen)
    }

    /// Tells the server what it does not have yet. What does not come through is told again with the next edit, or when the
    /// server is back.
    fn send(self) {
        let edited = self.draft.edited.get_untracked();
        if self.sending.get_value() || edited == self.kept.get_value() {
            return;
        }
        self.sending.set_value(true);
        spawn_local(async move {
            let page = self.page.get_value();
            let sent = match &edited {
                Some(edited) => api::stage(&edited.cluster, edited.base.version, &page).await,
                None => api::unstage().await,
            };
            self.sending.set_value(false);
            if sent {
                self.kept.set_value(edited);
                self.send();
            }
        });
    }
}
