//! Drafts are staged: kept here until they are applied or discarded, and shown to the other operators.

use std::sync::Arc;

use model::{Cluster, draft::Draft};
use serde::Deserialize;

use super::{ApplyError, Engine, Progress};
use crate::{clock, http::problem::chain, store::StoreError};

/// Longest name of a page, in characters.
const PAGE: usize = 64;

/// A draft to be kept.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Staged {
    pub cluster: Cluster,
    /// The version of the document that it is a draft of.
    pub version: u64,
    /// What the page calls itself, so that it can tell its own edits from those of the operator's other pages.
    #[serde(default)]
    pub page: String,
}

impl Engine {
    pub fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        self.store.drafts()
    }

    /// Keeps somebody's draft, carried over to the current version.
    pub fn stage(&self, staged: Staged, who: String) -> Result<(), ApplyError> {
        let Staged { cluster, version, page } = staged;
        let current = self.store.document()?.version;
        if version > current {
            return Err(ApplyError::Version { asked: version, current });
        }
        let page = page.chars().take(PAGE).collect();
        let draft = Draft { who, page, at: clock::now(), version, cluster, conflicts: Vec::new() };
        self.store.put_draft(&draft)?;
        self.tell_drafts();
        Ok(())
    }

    /// Forgets somebody's draft.
    pub fn unstage(&self, who: &str) -> Result<(), StoreError> {
        self.store.remove_draft(who)?;
        self.tell_drafts();
        Ok(())
    }

    /// After a new version: every draft is one of that.
    pub(super) fn carry_drafts(&self) {
        match self.store.carry_drafts() {
            Ok(()) => self.tell_drafts(),
            Err(error) => tracing::error!("carrying drafts over to a new version: {}", chain(&error)),
        }
    }

    fn tell_drafts(&self) {
        match self.store.drafts() {
            Ok(drafts) => drop(self.progress.send(Progress::Drafts(Arc::new(drafts)))),
            Err(error) => tracing::error!("{}", chain(&error)),
        }
    }
}
