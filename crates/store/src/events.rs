//! Events: what happened to a run, in order, numbered from 0 without gaps. They are the truth about it.

use audit::Audited;
use engine::Event;
use model::{RunId, argo::WorkflowPhase};
use policy::AdvanceRun;
use rusqlite::params;

use crate::{
    Store, StoreError, StoredRun,
    error::damaged,
    log::column,
    runs,
    stored::{event_from_text, event_to_text},
    witness::lines_digest,
};

/// Returns the digest by which `AdvanceRun` pins the events that will be stored: SHA-256 over their stored forms, a line
/// each, hexadecimal.
pub fn events_digest(events: &[Event]) -> String {
    // Events without JSON form get no digest, and are refused when they are to be stored.
    texts(events).map(|texts| digest(&texts)).unwrap_or_default()
}

fn texts(events: &[Event]) -> Result<Vec<String>, StoreError> {
    events.iter().map(event_to_text).collect()
}

fn digest(texts: &[String]) -> String {
    lines_digest(texts.iter().map(String::as_str))
}

impl Store {
    /// Appends events to a run, with the phase they lead to. The numbers in the proof must follow on what is stored, and
    /// its digest must be [`events_digest`] of these events. No events change nothing.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the numbers do not follow on; [`StoreError::NotWhatWasRecorded`].
    pub async fn append_events(
        &self,
        go: &Audited<AdvanceRun>,
        events: &[Event],
        phase: WorkflowPhase,
    ) -> Result<(), StoreError> {
        let (entry, id, first) = (go.entry(), go.action().run.id, column(go.action().first)?);
        let texts = texts(events)?;
        if go.action().count != texts.len() as u64 || go.action().events_digest != digest(&texts) {
            return Err(StoreError::NotWhatWasRecorded(format!("events of `{}`", go.action().run.name)));
        }
        if texts.is_empty() {
            return Ok(());
        }
        self.change(move |tx| {
            let stored = runs::event_count(tx, id)?;
            if stored != first {
                return Err(damaged(format!(
                    "event {first} of {id} does not follow on the {stored} that are stored"
                )));
            }
            let run = id.to_string();
            let count = column(texts.len() as u64)?;
            let sql = "INSERT INTO advances(entry, run, first, count, phase) VALUES(?, ?, ?, ?, ?)";
            let values = params![column(entry)?, run, first, count, phase.as_str()];
            tx.connection.prepare_cached(sql)?.execute(values)?;
            let mut insert =
                tx.connection.prepare_cached("INSERT INTO events(run, number, body) VALUES(?, ?, ?)")?;
            for (number, text) in (first..).zip(&texts) {
                insert.execute(params![run, number, text])?;
            }
            let sql = "UPDATE run_state SET events = ?, phase = ? WHERE id = ?";
            tx.connection.prepare_cached(sql)?.execute(params![first + count, phase.as_str(), run])?;
            tx.seal(entry)
        })
        .await
    }

    /// Returns the run with its events, for the runner to replay.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Damaged`] if an event is missing or cannot be read.
    pub async fn replay(&self, run: RunId) -> Result<(StoredRun, Vec<Event>), StoreError> {
        self.read(move |connection| {
            let stored = runs::load(connection, run)?;
            let mut statement =
                connection.prepare_cached("SELECT number, body FROM events WHERE run = ? ORDER BY number")?;
            let mut rows = statement.query([run.to_string()])?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                let (number, body): (i64, String) = (row.get(0)?, row.get(1)?);
                if number != column(events.len() as u64)? {
                    return Err(damaged(format!("event {} of {run} is missing", events.len())));
                }
                events.push(
                    event_from_text(&body)
                        .map_err(|error| damaged(format!("event {number} of {run}: {error}")))?,
                );
            }
            if events.len() as u64 != stored.events {
                return Err(damaged(format!(
                    "{run} has {} events instead of {}",
                    events.len(),
                    stored.events
                )));
            }
            Ok((stored, events))
        })
        .await
    }
}
