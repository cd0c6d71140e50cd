//! The tables, and how an older database becomes a newer one.
//! Not here: what is in the rows (see the file of each noun).
//! Invariant: the tables that hold truth only grow (triggers refuse anything else), and each of their rows names the entry of
//! the log that allowed it; `run_state` is derived from them and may be rebuilt at any time.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use crate::StoreError;

/// Marks the file as ours: `MARQ`.
pub(crate) const APPLICATION_ID: i64 = 0x4d41_5251;
const BUSY: Duration = Duration::from_secs(5);

const TABLES: &str = "
CREATE TABLE log(number INTEGER PRIMARY KEY, leaf BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE checkpoints(size INTEGER PRIMARY KEY, frontier BLOB NOT NULL, note TEXT NOT NULL) STRICT;
CREATE TABLE objects(
  number INTEGER PRIMARY KEY, entry INTEGER NOT NULL, apply_id TEXT NOT NULL,
  kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
  body TEXT, places TEXT, digest TEXT NOT NULL,
  created_at TEXT NOT NULL, author TEXT NOT NULL, deleted INTEGER NOT NULL) STRICT;
CREATE INDEX objects_by_name ON objects(kind, namespace, name, number);
CREATE INDEX objects_by_entry ON objects(entry);
CREATE TABLE runs(entry INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;
CREATE TABLE advances(
  entry INTEGER PRIMARY KEY, run TEXT NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
  phase TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX advances_by_run ON advances(run, first);
CREATE TABLE events(
  run TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY(run, number)) STRICT, WITHOUT ROWID;
CREATE TABLE run_deletions(entry INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE approvals(
  entry INTEGER PRIMARY KEY, run TEXT NOT NULL, node TEXT NOT NULL, gate TEXT NOT NULL, digest TEXT NOT NULL,
  issuer TEXT NOT NULL, subject TEXT NOT NULL, name TEXT, at TEXT NOT NULL, reason TEXT) STRICT;
CREATE INDEX approvals_by_gate ON approvals(run, node);
CREATE TABLE sessions(
  entry INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, token BLOB NOT NULL UNIQUE,
  expires_at TEXT NOT NULL, principal TEXT NOT NULL) STRICT;
CREATE TABLE session_ends(entry INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE run_state(
  id TEXT NOT NULL PRIMARY KEY, entry INTEGER NOT NULL UNIQUE, namespace TEXT NOT NULL, name TEXT NOT NULL,
  phase TEXT NOT NULL, deleted INTEGER NOT NULL, events INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX run_state_by_name ON run_state(namespace, name) WHERE deleted = 0;
PRAGMA application_id = 0x4d415251;
";

const FACTS: &str = "
CREATE TABLE facts(
  number INTEGER PRIMARY KEY, entry INTEGER NOT NULL,
  kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT) STRICT;
CREATE INDEX facts_by_name ON facts(kind, namespace, name, number);
CREATE INDEX facts_by_entry ON facts(entry);
CREATE TRIGGER facts_no_update BEFORE UPDATE ON facts BEGIN SELECT RAISE(ABORT, 'it only grows'); END;
CREATE TRIGGER facts_no_delete BEFORE DELETE ON facts BEGIN SELECT RAISE(ABORT, 'it only grows'); END;
";

/// The tables of version 1 that hold truth.
const TRUTH_1: [&str; 10] = [
    "log",
    "checkpoints",
    "objects",
    "runs",
    "advances",
    "events",
    "run_deletions",
    "approvals",
    "sessions",
    "session_ends",
];

/// What `run_state` must hold, from truth alone.
pub(crate) const DERIVED: &str = "
SELECT runs.id, runs.entry,
  json_extract(runs.body, '$.facts.namespace') AS namespace,
  json_extract(runs.body, '$.facts.name') AS name,
  coalesce((SELECT phase FROM advances WHERE run = runs.id ORDER BY first DESC LIMIT 1),
           json_extract(runs.body, '$.phase')) AS phase,
  EXISTS(SELECT 1 FROM run_deletions WHERE run = runs.id) AS deleted,
  coalesce((SELECT first + count FROM advances WHERE run = runs.id ORDER BY first DESC LIMIT 1), 0) AS events
FROM runs";

fn append_only() -> String {
    let mut sql = String::new();
    for table in TRUTH_1 {
        for verb in ["UPDATE", "DELETE"] {
            let name = format!("{table}_no_{}", verb.to_lowercase());
            sql += &format!(
                "CREATE TRIGGER {name} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'it only grows'); END;\n"
            );
        }
    }
    sql
}

/// Returns the steps from an empty file to the newest version; step `n` makes version `n + 1`. A released step never changes.
pub(crate) fn migrations() -> [String; 3] {
    [TABLES.to_owned(), append_only(), FACTS.to_owned()]
}

/// The newest version.
pub(crate) fn newest() -> i64 {
    i64::try_from(migrations().len()).unwrap_or(i64::MAX)
}

/// Sets what every connection needs.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(crate) fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY)?;
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Makes the database durable (WAL, every commit synced) and brings it to the newest version.
///
/// # Errors
/// [`StoreError::Newer`], [`StoreError::Damaged`] if the file is not ours, [`StoreError::Sqlite`].
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::Damaged(format!(
            "the database cannot keep a write-ahead log (mode `{mode}`)"
        )));
    }
    connection.execute_batch("PRAGMA synchronous = FULL;")?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let id: i64 = transaction.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if found > newest() {
        return Err(StoreError::Newer { found, known: newest() });
    }
    let known: Option<i64> =
        transaction.query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |row| row.get(0)).optional()?;
    if (id != APPLICATION_ID || found < 1) && known.is_some() {
        return Err(StoreError::Damaged("the file is another program's database".to_owned()));
    }
    for (version, step) in (0_i64..).zip(migrations()) {
        if version >= found {
            transaction.execute_batch(&step)?;
        }
    }
    transaction.pragma_update(None, "user_version", newest())?;
    transaction.commit()?;
    Ok(())
}

/// Returns the runs whose derived columns differ from truth, the first few.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(crate) fn stale_runs(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let kept = "SELECT id, entry, namespace, name, phase, deleted, events FROM run_state";
    let sql = format!(
        "SELECT id FROM (SELECT * FROM ({kept}) EXCEPT SELECT * FROM ({DERIVED}))
         UNION SELECT id FROM (SELECT * FROM ({DERIVED}) EXCEPT SELECT * FROM ({kept})) LIMIT 10"
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Makes the derived columns anew.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(crate) fn derive(connection: &Connection) -> Result<(), StoreError> {
    let insert = "INSERT INTO run_state(id, entry, namespace, name, phase, deleted, events)";
    connection.execute_batch(&format!("DELETE FROM run_state; {insert} {DERIVED};"))?;
    Ok(())
}
