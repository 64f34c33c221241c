//! Drafts of operators, as they left them.

use model::{
    Cluster,
    draft::{Draft, carry, edits},
};
use rusqlite::{Row, params};

use super::{Store, StoreError, doing};

/// A draft that nobody has touched for so long is forgotten, as sessions are.
const KEPT: u64 = 7 * 24 * 3600 * 1000;

impl Store {
    /// Every draft, by whose it is. One that this program cannot read is none.
    pub fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        let connection = self.lock();
        let mut query = connection
            .prepare("SELECT who, page, at, version, cluster, conflicts FROM draft ORDER BY who")
            .map_err(doing("reading"))?;
        let rows = query.query_map([], draft).map_err(doing("reading"))?;
        rows.filter_map(|row| row.map_err(doing("reading")).transpose()).collect()
    }

    /// Keeps a draft in the place of its owner's last one. One that edits nothing is none.
    pub fn put_draft(&self, draft: &Draft) -> Result<(), StoreError> {
        let old = self.drafts()?.into_iter().find(|old| old.who == draft.who);
        let mut draft = self.carried(draft.clone())?;
        let edited = edits(&self.document()?.cluster, &draft.cluster);
        if edited.is_empty() {
            return self.remove_draft(&draft.who);
        }
        draft.conflicts.extend(old.into_iter().flat_map(|old| old.conflicts));
        draft.conflicts.retain(|entry| edited.iter().any(|(edited, _)| edited == entry));
        draft.conflicts.sort();
        draft.conflicts.dedup();
        let connection = self.lock();
        connection
            .execute("DELETE FROM draft WHERE at < ?1", [draft.at.saturating_sub(KEPT)])
            .map_err(doing("writing"))?;
        connection
            .execute(
                "INSERT OR REPLACE INTO draft (who, page, at, version, cluster, conflicts) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    draft.who,
                    draft.page,
                    draft.at,
                    draft.version,
                    draft.cluster.to_toml(),
                    // A list of names has no value that JSON lacks.
                    serde_json::to_string(&draft.conflicts).unwrap_or_default()
                ],
            )
            .map(drop)
            .map_err(doing("writing"))
    }

    pub fn remove_draft(&self, who: &str) -> Result<(), StoreError> {
        self.lock().execute("DELETE FROM draft WHERE who = ?1", [who]).map(drop).map_err(doing("writing"))
    }

    /// Carries all drafts over to the current version.
    pub fn carry_drafts(&self) -> Result<(), StoreError> {
        self.drafts()?.iter().try_for_each(|draft| self.put_draft(draft))
    }

    /// A draft of the current version with the same edits. A version that was never there is the empty document.
    fn carried(&self, mut draft: Draft) -> Result<Draft, StoreError> {
        let document = self.document()?;
        if draft.version != document.version {
            let base = self.version(draft.version)?.unwrap_or_default().cluster;
            let (cluster, conflicts) = carry(&base, &document.cluster, &draft.cluster);
            draft.cluster = cluster;
            draft.conflicts.extend(conflicts);
            draft.version = document.version;
        }
        Ok(draft)
    }
}

fn draft(row: &Row<'_>) -> rusqlite::Result<Option<Draft>> {
    let (who, page, at, version): (String, String, u64, u64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    let (cluster, conflicts): (String, String) = (row.get(4)?, row.get(5)?);
    let read = || {
        let cluster = Cluster::from_toml(&cluster).ok()?;
        let conflicts = serde_json::from_str(&conflicts).ok()?;
        Some(Draft { who, page, at, version, cluster, conflicts })
    };
    Ok(read())
}
