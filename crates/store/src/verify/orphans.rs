//! What rows are called in faults, and which rows there are.

use rusqlite::{Connection, Row, types::ValueRef};

use crate::{StoreError, log::column};

/// The most rows that one fault names.
const MAX_NAMED: usize = 3;
/// The most rows of one table that are looked at for being unrecorded.
const MAX_ROWS: usize = 1_000_000;

/// Each table: how its rows are called, and where they say which attempt they belong to.
const NAMES: [(&str, &str, &str); 9] = [
    ("runs", "'run `' || id || '`'", "FROM runs"),
    ("advances", "'event ' || first || ' of run `' || run || '`'", "FROM advances"),
    ("objects", "'object `' || kind || '/' || namespace || '/' || name || '`, revision ' || number", "FROM objects"),
    ("approvals", "'approval of `' || node || '` of run `' || run || '` by `' || subject || '`'", "FROM approvals"),
    ("run_deletions", "'deletion of run `' || run || '`'", "FROM run_deletions"),
    ("sessions", "'session `' || id || '`'", "FROM sessions"),
    ("facts", "kind || ' `' || namespace || '/' || name || '`, revision ' || number", "FROM facts"),
    ("session_ends", "'end of session `' || session || '`'", "FROM session_ends"),
    (
        "events",
        "'event ' || number || ' of run `' || run || '`'",
        "FROM (SELECT events.run, events.number, (SELECT max(entry) FROM advances WHERE advances.run = events.run
           AND events.number >= advances.first AND events.number < advances.first + advances.count) AS entry FROM events)",
    ),
];

/// Returns what is stored for the attempt `entry`, by name.
pub(crate) fn described(connection: &Connection, entry: u64) -> String {
    let mut names = Vec::new();
    for (table, name, from) in NAMES {
        if table == "events" {
            continue;
        }
        let sql = format!("SELECT {name} {from} WHERE entry = ? LIMIT {MAX_NAMED}");
        let found = connection.prepare(&sql).and_then(|mut statement| {
            let rows = statement.query_map([column(entry).unwrap_or(-1)], text)?;
            rows.collect::<rusqlite::Result<Vec<String>>>()
        });
        // A table that cannot be read is a fault of its own.
        names.extend(found.unwrap_or_default());
    }
    if names.is_empty() { format!("what entry {entry} stored") } else { names.join(", ") }
}

/// Returns every row of a table: its name, and the attempt it belongs to.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(crate) fn rows(connection: &Connection, table: &str) -> Result<Vec<(String, Option<i64>)>, StoreError> {
    let Some((_, name, from)) = NAMES.iter().find(|(name, ..)| *name == table) else { return Ok(Vec::new()) };
    if table == "facts" && !connection.table_exists(None, table)? {
        return Ok(Vec::new()); // a database of version 2 or older
    }
    let mut statement = connection.prepare(&format!("SELECT {name}, entry {from} LIMIT {MAX_ROWS}"))?;
    let rows = statement.query_map([], |row| Ok((text(row)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn text(row: &Row<'_>) -> rusqlite::Result<String> {
    let text = match row.get_ref(0)? {
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => "a row without a name".to_owned(),
    };
    Ok(text.escape_debug().to_string())
}
