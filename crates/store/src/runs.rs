//! Runs: kept once, never changed; phase, deletion and number of events are derived from what follows.
//! Not here: events (see `events`).

use audit::Audited;
use jiff::Timestamp;
use model::{
    ApplyId, NamespacedName, RunId,
    argo::{Workflow, WorkflowPhase},
    lower::Binding,
};
use policy::{DeleteRun, ExpireRun, ListRuns, Permit, RunFacts, SubmitRun, ViewRun};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    Store, StoreError,
    error::damaged,
    log::{Tx, column, number},
    stored::{facts_from_text, run_from_text, run_to_text},
    witness::lines_digest,
};

/// A run as it is stored, without its events.
#[derive(Debug, Clone)]
pub struct StoredRun {
    /// What decisions need.
    pub facts: RunFacts,
    /// Who submitted it, as the issuer described them then.
    pub submitter: identity::Principal,
    /// What it is bound to.
    pub binding: Binding,
    /// The effective workflow, with metadata (name, uid, labels, creationTimestamp), and of its status only what was
    /// chosen as it was submitted: the artifact repository.
    pub workflow: Workflow,
    /// The apply whose objects it is pinned to, if any.
    pub revision: Option<ApplyId>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// The last known phase (derived).
    pub phase: WorkflowPhase,
    /// Whether it has been deleted (kept for the record).
    pub deleted: bool,
    /// How many events are stored: the resource version.
    pub events: u64,
}

const SELECT: &str = "SELECT runs.body, run_state.phase, run_state.deleted, run_state.events FROM run_state JOIN runs USING(id)";

/// Returns the digest by which `SubmitRun` pins the run that will be stored: SHA-256 over its stored form, hexadecimal.
/// Whether it is deleted and how many events it has do not count; the phase is the one it begins with.
pub fn run_digest(run: &StoredRun) -> String {
    // A run without JSON form gets no digest, and is refused when it is to be stored.
    run_to_text(run).map(|text| lines_digest([text.as_str()])).unwrap_or_default()
}

impl Store {
    /// Keeps a new run; its id is in the proof, and its digest is [`run_digest`]. The name must be free in its namespace.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::NotWhatWasRecorded`].
    pub async fn create_run(&self, go: &Audited<SubmitRun>, run: StoredRun) -> Result<(), StoreError> {
        let entry = go.entry();
        let body = run_to_text(&run)?;
        if go.action().id != run.facts.id || go.action().digest != lines_digest([body.as_str()]) {
            return Err(StoreError::NotWhatWasRecorded(format!("run `{}`", run.facts.name)));
        }
        self.change(move |tx| {
            let id = run.facts.id.to_string();
            let name = &run.facts.name;
            let sql = "INSERT INTO runs(entry, id, body) VALUES(?, ?, ?)";
            let run_row = tx.connection.prepare_cached(sql)?.execute(params![column(entry)?, id, body]);
            run_row.map_err(|error| taken(error, &id))?;
            let sql = "INSERT INTO run_state(id, entry, namespace, name, phase, deleted, events)
                       VALUES(?, ?, ?, ?, ?, 0, 0)";
            let state = params![id, column(entry)?, name.namespace, name.name, run.phase.as_str()];
            let state = tx.connection.prepare_cached(sql)?.execute(state);
            state.map_err(|error| taken(error, &name.to_string()))?;
            tx.seal(entry)
        })
        .await
    }

    /// Marks a run as deleted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is none or it is deleted already.
    pub async fn delete_run(&self, go: &Audited<DeleteRun>) -> Result<(), StoreError> {
        self.mark_deleted(go.entry(), go.action().run.clone()).await
    }

    /// Marks a run whose time is over as deleted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is none or it is deleted already.
    pub async fn expire_run(&self, go: &Audited<ExpireRun>) -> Result<(), StoreError> {
        self.mark_deleted(go.entry(), go.action().run.clone()).await
    }

    async fn mark_deleted(&self, entry: u64, facts: RunFacts) -> Result<(), StoreError> {
        self.change(move |tx| {
            let id = facts.id.to_string();
            let sql = "UPDATE run_state SET deleted = 1 WHERE id = ? AND deleted = 0";
            if tx.connection.prepare_cached(sql)?.execute([&id])? != 1 {
                return Err(StoreError::NotFound(facts.name.to_string()));
            }
            let sql = "INSERT INTO run_deletions(entry, run) VALUES(?, ?)";
            tx.connection.prepare_cached(sql)?.execute(params![column(entry)?, id])?;
            tx.seal(entry)
        })
        .await
    }

    /// Returns what a decision must know about the run with this name: the newest that is not deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run_facts(&self, name: &NamespacedName) -> Result<Option<RunFacts>, StoreError> {
        let name = name.clone();
        self.read(move |connection| {
            let sql =
                format!("{SELECT} WHERE run_state.namespace = ? AND run_state.name = ? AND deleted = 0");
            let mut statement = connection.prepare_cached(&sql)?;
            let row = statement.query_row([name.namespace, name.name], columns).optional()?;
            row.map(|(body, ..)| facts_from_text(&body)).transpose()
        })
        .await
    }

    /// Returns what a decision must know about the run with this id, deleted or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run_facts_by_id(&self, run: RunId) -> Result<Option<RunFacts>, StoreError> {
        self.read(move |connection| match load(connection, run) {
            Ok(run) => Ok(Some(run.facts)),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Returns what decisions must know about the runs of a namespace (all namespaces when it is empty) that are not
    /// deleted, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn runs_facts(&self, go: &Permit<ListRuns>) -> Result<Vec<RunFacts>, StoreError> {
        let namespace = go.action().namespace.clone();
        self.read(move |connection| {
            let filter =
                "(?1 = '' OR run_state.namespace = ?1) AND deleted = 0 ORDER BY run_state.entry DESC";
            list_facts(connection, filter, &namespace)
        })
        .await
    }

    /// Returns what decisions must know about the runs of a namespace (all namespaces when it is empty) that have ended,
    /// deleted or not, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ended_runs_facts(&self, go: &Permit<ListRuns>) -> Result<Vec<RunFacts>, StoreError> {
        let namespace = go.action().namespace.clone();
        self.read(move |connection| {
            let filter = "(?1 = '' OR run_state.namespace = ?1) AND phase IN ('Succeeded', 'Failed', 'Error')
                          ORDER BY run_state.entry DESC";
            list_facts(connection, filter, &namespace)
        })
        .await
    }

    /// Returns what a decision must know about the run with this id, deleted or not, if it has ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ended_run_facts(&self, run: RunId) -> Result<Option<RunFacts>, StoreError> {
        self.read(move |connection| match load(connection, run) {
            Ok(run) => Ok(run.phase.is_completed().then_some(run.facts)),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Returns a run.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn run(&self, go: &Permit<ViewRun>) -> Result<StoredRun, StoreError> {
        let id = go.action().run.id;
        self.read(move |connection| load(connection, id)).await
    }

    /// Returns the runs that have ended and are not deleted, oldest first, for the runner to delete in time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn kept_ended_runs(&self) -> Result<Vec<StoredRun>, StoreError> {
        self.read(|connection| {
            let filter = "deleted = 0 AND phase IN ('Succeeded', 'Failed', 'Error') ORDER BY run_state.entry";
            list(connection, filter, &[])
        })
        .await
    }

    /// Returns the runs that have not ended, oldest first, for the runner to take up again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unfinished_runs(&self) -> Result<Vec<StoredRun>, StoreError> {
        self.read(|connection| {
            let filter =
                "deleted = 0 AND phase NOT IN ('Succeeded', 'Failed', 'Error') ORDER BY run_state.entry";
            list(connection, filter, &[])
        })
        .await
    }
}

fn taken(error: rusqlite::Error, name: &str) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => StoreError::Exists(name.to_owned()),
        _ => StoreError::Sqlite(error),
    }
}

type Columns = (String, String, bool, i64);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn stored_run((body, phase, deleted, events): Columns) -> Result<StoredRun, StoreError> {
    let run = run_from_text(&body)?;
    let phase = phase_from_text(&phase)?;
    let events = number(events).ok_or_else(|| damaged("a run's number of events"))?;
    Ok(StoredRun { phase, deleted, events, ..run })
}

fn list(
    connection: &Connection,
    filter: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<StoredRun>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE {filter}"))?;
    let mut rows = statement.query(values)?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(stored_run(columns(row)?)?);
    }
    Ok(runs)
}

fn list_facts(connection: &Connection, filter: &str, namespace: &str) -> Result<Vec<RunFacts>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE {filter}"))?;
    let mut rows = statement.query([namespace])?;
    let mut facts = Vec::new();
    while let Some(row) = rows.next()? {
        facts.push(facts_from_text(&columns(row)?.0)?);
    }
    Ok(facts)
}

/// Returns a run by its id.
///
/// # Errors
/// [`StoreError::NotFound`].
pub(crate) fn load(connection: &Connection, id: RunId) -> Result<StoredRun, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE runs.id = ?"))?;
    let row = statement.query_row([id.to_string()], columns).optional()?;
    stored_run(row.ok_or_else(|| StoreError::NotFound(id.to_string()))?)
}

/// Returns how many events a run has.
///
/// # Errors
/// [`StoreError::NotFound`].
pub(crate) fn event_count(tx: &Tx<'_>, id: RunId) -> Result<i64, StoreError> {
    let mut statement = tx.connection.prepare_cached("SELECT events FROM run_state WHERE id = ?")?;
    let events = statement.query_row([id.to_string()], |row| row.get(0)).optional()?;
    events.ok_or_else(|| StoreError::NotFound(id.to_string()))
}

fn phase_from_text(text: &str) -> Result<WorkflowPhase, StoreError> {
    Ok(serde_json::from_value(serde_json::Value::String(text.to_owned()))?)
}
