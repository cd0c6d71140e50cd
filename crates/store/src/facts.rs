//! Small facts by name, of which the newest counts: memoized outputs, synchronization limits, how far schedules have come.
//! Not here: what they mean (see `runner`). Invariant: a fact is written only by the act whose attempt names its digest.

use audit::Audited;
use policy::KeepsFact;
use rusqlite::{OptionalExtension, params};

use crate::{Store, StoreError, log::column, witness::lines_digest};

/// A fact that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// What is kept.
    pub body: String,
}

/// Returns the digest by which an act names what it keeps.
pub fn fact_digest(body: &str) -> String {
    lines_digest([body])
}

impl Store {
    /// Keeps a fact, or forgets it if there is no body. The proof's digest must be the body's, or empty.
    ///
    /// # Errors
    /// [`StoreError::NotWhatWasRecorded`].
    pub async fn keep_fact<A: KeepsFact>(
        &self,
        go: &Audited<A>,
        body: Option<String>,
    ) -> Result<(), StoreError> {
        let (entry, fact) = (go.entry(), go.action().fact());
        if fact.digest != body.as_deref().map(fact_digest).unwrap_or_default() {
            return Err(StoreError::NotWhatWasRecorded(format!(
                "{} `{}/{}`",
                fact.kind, fact.namespace, fact.name
            )));
        }
        self.change(move |tx| {
            let sql = "INSERT INTO facts(number, entry, kind, namespace, name, body)
                       VALUES((SELECT coalesce(max(number), 0) + 1 FROM facts), ?, ?, ?, ?, ?)";
            let values = params![column(entry)?, fact.kind, fact.namespace, fact.name, body];
            tx.connection.prepare_cached(sql)?.execute(values)?;
            tx.seal(entry)
        })
        .await
    }

    /// Returns what is kept under this name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fact(
        &self,
        kind: &'static str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<String>, StoreError> {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.read(move |connection| {
            let sql = "SELECT body FROM facts WHERE kind = ? AND namespace = ? AND name = ?
                       ORDER BY number DESC LIMIT 1";
            let mut statement = connection.prepare_cached(sql)?;
            let found: Option<Option<String>> =
                statement.query_row(params![kind, namespace, name], |row| row.get(0)).optional()?;
            Ok(found.flatten())
        })
        .await
    }

    /// Returns every fact of a kind that is kept, by namespace and name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn facts(&self, kind: &'static str) -> Result<Vec<Fact>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT namespace, name, body FROM facts AS one WHERE kind = ? AND body IS NOT NULL AND number =
                         (SELECT max(number) FROM facts
                          WHERE kind = one.kind AND namespace = one.namespace AND name = one.name)
                       ORDER BY namespace, name";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([kind], |row| {
                Ok(Fact { namespace: row.get(0)?, name: row.get(1)?, body: row.get(2)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}
