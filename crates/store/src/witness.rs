//! What was stored for one attempt, as one digest: every column of every row, in every table of truth.
//! Invariant: two sets of rows have the same witness only if they are the same; every table and column is in it.

use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::{Connection, types::ValueRef};

use crate::{StoreError, log::column};

/// The tables and their rows of one attempt. The order is part of the digest.
const ROWS: [(&str, &str); 9] = [
    (
        "objects",
        "SELECT number, entry, apply_id, kind, namespace, name, body, places, digest, created_at, author, deleted
         FROM objects WHERE entry = ? ORDER BY number",
    ),
    ("runs", "SELECT entry, id, body FROM runs WHERE entry = ?"),
    ("advances", "SELECT entry, run, first, count, phase FROM advances WHERE entry = ?"),
    (
        "events",
        "SELECT events.run, events.number, events.body FROM advances JOIN events
         ON events.run = advances.run AND events.number >= advances.first
         AND events.number < advances.first + advances.count WHERE advances.entry = ? ORDER BY events.number",
    ),
    ("run_deletions", "SELECT entry, run FROM run_deletions WHERE entry = ?"),
    (
        "approvals",
        "SELECT entry, run, node, gate, digest, issuer, subject, name, at, reason FROM approvals WHERE entry = ?",
    ),
    ("sessions", "SELECT entry, id, token, expires_at, principal FROM sessions WHERE entry = ?"),
    ("session_ends", "SELECT entry, session FROM session_ends WHERE entry = ?"),
    ("facts", "SELECT number, entry, kind, namespace, name, body FROM facts WHERE entry = ? ORDER BY number"),
];

/// How many tables there are.
pub(crate) const TABLES: usize = ROWS.len();

/// Returns the tables' names, in order.
pub(crate) fn tables() -> [&'static str; TABLES] {
    ROWS.map(|(table, _)| table)
}

/// What was stored for one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Witness {
    /// How many rows in all.
    pub(crate) rows: u64,
    /// How many rows in each table.
    pub(crate) each: [u64; TABLES],
    /// SHA-256 over them, hexadecimal.
    pub(crate) digest: String,
}

/// Returns the witness of what is stored for the attempt `entry`.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(crate) fn of(connection: &Connection, entry: u64) -> Result<Witness, StoreError> {
    let mut context = Context::new(&SHA256);
    let mut each = [0; TABLES];
    for ((table, sql), count) in ROWS.iter().zip(&mut each) {
        let mut statement = match connection.prepare_cached(sql) {
            // a database of version 2 or older, looked at before it is migrated
            Err(_) if *table == "facts" && !connection.table_exists(None, "facts")? => continue,
            statement => statement?,
        };
        let columns = statement.column_count();
        let mut rows = statement.query([column(entry)?])?;
        while let Some(row) = rows.next()? {
            *count += 1;
            take(&mut context, b't', table.as_bytes());
            for at in 0..columns {
                match row.get_ref(at)? {
                    ValueRef::Null => take(&mut context, b'n', &[]),
                    ValueRef::Integer(value) => take(&mut context, b'i', &value.to_be_bytes()),
                    ValueRef::Real(value) => take(&mut context, b'r', &value.to_be_bytes()),
                    ValueRef::Text(value) => take(&mut context, b's', value),
                    ValueRef::Blob(value) => take(&mut context, b'b', value),
                }
            }
        }
    }
    Ok(Witness { rows: each.iter().sum(), each, digest: hex(context.finish().as_ref()) })
}

fn take(context: &mut Context, kind: u8, bytes: &[u8]) {
    context.update(&[kind]);
    context.update(&(bytes.len() as u64).to_be_bytes());
    context.update(bytes);
}

/// The SHA-256 over texts, a line each.
pub(crate) struct Lines(Context);

impl Default for Lines {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Lines {
    /// Takes the next text.
    pub(crate) fn take(&mut self, text: &str) {
        self.0.update(text.as_bytes());
        self.0.update(b"\n");
    }
    /// Returns the digest, hexadecimal.
    pub(crate) fn digest(self) -> String {
        hex(self.0.finish().as_ref())
    }
}

/// Returns the SHA-256 over `texts`, a line each, hexadecimal.
pub(crate) fn lines_digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut lines = Lines::default();
    texts.into_iter().for_each(|text| lines.take(text));
    lines.digest()
}

/// Returns `bytes` in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
