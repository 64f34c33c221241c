//! The journal: what a change will do and how far it has come, on disk before it is done.
//!
//! A change that is found unfinished at start was interrupted; how many of its steps may have had an effect is `begun`.
//! Server and revert process may both want to end a change: whoever moves its state first, does.

use model::{
    Cluster,
    plan::{Change, ChangeState, Plan},
    proof::Proof,
    wire::Sealed,
};
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, doing};

/// A change to be begun.
#[derive(Debug, Clone)]
pub struct NewChange {
    pub who: String,
    pub why: String,
    pub plan: Plan,
    /// The document that it leads to.
    pub draft: Cluster,
    pub again: Again,
}

/// How a version that is an older one again came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Again {
    /// The version that it is again.
    pub restores: Option<u64>,
    /// The version that it takes back, if it is an undo.
    pub undoes: Option<u64>,
}

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Outcome {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_over: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
}

impl From<&Change> for Outcome {
    fn from(change: &Change) -> Self {
        let Change { error, left_over, proofs, .. } = change.clone();
        Self { error, left_over, proofs }
    }
}

/// A change as the journal has it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Entry {
    pub id: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    pub who: String,
    pub why: String,
    pub state: ChangeState,
    /// So many steps may have had an effect.
    pub begun: usize,
    pub plan: Plan,
    pub outcome: Outcome,
    /// The version that it made.
    pub version: Option<u64>,
}

impl Entry {
    /// What takes back the steps that were begun, newest first.
    pub fn undo(&self) -> &[model::step::Step] {
        let steps = self.plan.undo.len();
        &self.plan.undo[steps - self.begun.min(steps)..]
    }

    /// The change as it is shown.
    pub fn change(&self) -> Change {
        let Outcome { error, left_over, proofs } = self.outcome.clone();
        Change {
            id: self.id,
            who: self.who.clone(),
            why: self.why.clone(),
            state: self.state,
            steps: Sealed::of(&self.plan.steps),
            done: self.begun.min(self.plan.steps.len()),
            error,
            left_over,
            proofs,
            version: self.version,
            confirm_by: None,
        }
    }
}

const COLUMNS: &str = "id, at, who, why, state, begun, plan, outcome, version";

impl Store {
    /// Notes a change before its first step, and gives it its number. So many of its steps may begin at once.
    pub fn begin(&self, change: &NewChange, begun: usize, at: u64) -> Result<u64, StoreError> {
        let connection = self.lock();
        connection
            .execute(
                "INSERT INTO change (at, who, why, state, begun, plan, draft, restores, undoes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    at,
                    change.who,
                    change.why,
                    word(ChangeState::Applying),
                    begun,
                    json(&change.plan),
                    change.draft.to_toml(),
                    change.again.restores,
                    change.again.undoes
                ],
            )
            .map_err(StoreError::Unwritten)?;
        Ok(connection.last_insert_rowid().unsigned_abs())
    }

    /// Notes that so many steps begin or have begun. `false`: somebody else takes the change back.
    pub fn begin_step(&self, id: u64, begun: usize) -> Result<bool, StoreError> {
        let moved = self.lock().execute(
            "UPDATE change SET begun = ?2 WHERE id = ?1 AND state = ?3",
            params![id, begun, word(ChangeState::Applying)],
        );
        moved.map(|rows| rows == 1).map_err(StoreError::Unwritten)
    }

    /// Moves a change from one of these states to another. `false`: it was in none of them.
    pub fn turn(&self, id: u64, from: &[ChangeState], to: ChangeState) -> Result<bool, StoreError> {
        // Words of ours, without quotes in them.
        let from = from.iter().map(|state| format!("'{}'", word(*state))).collect::<Vec<_>>().join(", ");
        let query = format!("UPDATE change SET state = ?2 WHERE id = ?1 AND state IN ({from})");
        let moved = self.lock().execute(&query, params![id, word(to)]).map_err(StoreError::Unwritten)?;
        Ok(moved == 1)
    }

    /// Ends a change well, from one of the states on the way there: its document becomes the newest version, unless it is
    /// that already. In one transaction. `None`: somebody else takes the change back.
    pub fn commit(&self, id: u64, proofs: &[Proof], at: u64) -> Result<Option<u64>, StoreError> {
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(StoreError::Unwritten)?;
        let state: String = transaction
            .query_row("SELECT state FROM change WHERE id = ?1", [id], |row| row.get(0))
            .map_err(doing("reading"))?;
        let open = [ChangeState::Applying, ChangeState::Verifying, ChangeState::AwaitingConfirmation];
        if !open.map(word).contains(&state) {
            return Ok(None);
        }
        let same: Option<u64> = transaction
            .query_row(
                "SELECT version FROM version WHERE version = (SELECT max(version) FROM version)
                 AND cluster = (SELECT draft FROM change WHERE id = ?1)",
                [id],
                |row| row.get(0),
            )
            .optional()
            .map_err(doing("reading"))?;
        let version = match same {
            Some(version) => version,
            None => {
                transaction
                    .execute(
                        "INSERT INTO version (at, who, why, cluster, restores, undoes)
                         SELECT ?2, who, why, draft, restores, undoes FROM change WHERE id = ?1",
                        params![id, at],
                    )
                    .map_err(StoreError::Unwritten)?;
                transaction.last_insert_rowid().unsigned_abs()
            }
        };
        let outcome = Outcome { proofs: proofs.to_vec(), ..Outcome::default() };
        transaction
            .execute(
                "UPDATE change SET state = ?2, outcome = ?3, version = ?4 WHERE id = ?1",
                params![id, word(ChangeState::Committed), json(&outcome), version],
            )
            .map_err(StoreError::Unwritten)?;
        transaction.commit().map_err(StoreError::Unwritten)?;
        Ok(Some(version))
    }

    /// Ends a change that was taken back.
    pub fn rolled_back(&self, id: u64, outcome: &Outcome) -> Result<(), StoreError> {
        self.lock()
            .execute(
                "UPDATE change SET state = ?2, outcome = ?3 WHERE id = ?1",
                params![id, word(ChangeState::RolledBack), json(outcome)],
            )
            .map(drop)
            .map_err(StoreError::Unwritten)
    }

    pub fn change(&self, id: u64) -> Result<Option<Entry>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM change WHERE id = ?1");
        let row = self.lock().query_row(&query, [id], entry).optional().map_err(doing("reading"))?;
        row.transpose()
    }

    /// Changes that were begun and not ended, newest first.
    pub fn unfinished(&self) -> Result<Vec<Entry>, StoreError> {
        let ended = [ChangeState::Committed, ChangeState::RolledBack].map(word);
        self.entries("WHERE state NOT IN (?1, ?2) ORDER BY id DESC", params![ended[0], ended[1]])
    }

    /// The newest `limit` changes, newest first.
    pub fn changes(&self, limit: u32) -> Result<Vec<Entry>, StoreError> {
        self.entries("ORDER BY id DESC LIMIT ?1", params![limit])
    }

    fn entries(&self, rest: &str, params: &[&dyn rusqlite::ToSql]) -> Result<Vec<Entry>, StoreError> {
        let connection = self.lock();
        let mut query =
            connection.prepare(&format!("SELECT {COLUMNS} FROM change {rest}")).map_err(doing("reading"))?;
        let rows = query.query_map(params, entry).map_err(doing("reading"))?;
        rows.map(|row| row.map_err(doing("reading"))?).collect()
    }

    /// When this host or guest was last put back after a start.
    pub fn started(&self, what: &str) -> Result<Option<String>, StoreError> {
        self.lock()
            .query_row("SELECT boot FROM started WHERE what = ?1", [what], |row| row.get(0))
            .optional()
            .map_err(doing("reading"))
    }

    pub fn set_started(&self, what: &str, boot: &str) -> Result<(), StoreError> {
        self.lock()
            .execute("INSERT OR REPLACE INTO started (what, boot) VALUES (?1, ?2)", [what, boot])
            .map(drop)
            .map_err(StoreError::Unwritten)
    }
}

fn entry(row: &Row) -> rusqlite::Result<Result<Entry, StoreError>> {
    let id: u64 = row.get(0)?;
    let (state, plan, outcome): (String, String, Option<String>) = (row.get(4)?, row.get(6)?, row.get(7)?);
    let (at, who, why) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let (begun, version) = (row.get(5)?, row.get(8)?);
    let read = || {
        Ok(Entry {
            id,
            at,
            who,
            why,
            state: serde_json::from_value(state.into())?,
            begun,
            plan: serde_json::from_str(&plan)?,
            outcome: outcome.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default(),
            version,
        })
    };
    Ok(read().map_err(|source| StoreError::Journal { id, source }))
}

fn word(state: ChangeState) -> String {
    serde_json::to_value(state).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
