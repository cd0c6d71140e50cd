//! Whether what is stored for an attempt is what the attempt says it would be.
//! Not here: whether the rows are those that were written (see `witness`): that is known already.

use audit::{Attempt, Entry};
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use crate::{
    StoreError,
    error::damaged,
    log::column,
    witness::{self, Lines, Witness},
};

/// Which table each action may write to, all of its rows.
const WRITES: [(&str, &[&str]); 15] = [
    ("submit", &["runs"]),
    ("advance", &["advances", "events"]),
    ("deleteRun", &["run_deletions"]),
    ("apply", &["objects"]),
    ("editTemplate", &["objects"]),
    ("deleteTemplate", &["objects"]),
    ("approve", &["approvals"]),
    ("logIn", &["sessions"]),
    ("expireRun", &["run_deletions"]),
    ("editObject", &["objects", "facts"]),
    ("deleteObject", &["objects", "facts"]),
    ("memoize", &["facts"]),
    ("deleteArchived", &["facts"]),
    ("advanceCron", &["facts"]),
    ("collectArtifacts", &["facts"]),
];

/// Returns what is wrong with the rows of the attempt `entry`, if anything.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(crate) fn broken(
    connection: &Connection,
    entry: u64,
    witness: &Witness,
) -> Result<Option<String>, StoreError> {
    let attempt = match attempt(connection, entry)? {
        Some(attempt) => attempt,
        // That it is no readable attempt is a fault of the log, found there.
        None => return Ok(None),
    };
    let action = attempt.action.as_str();
    let allowed = match action {
        "logOut" => &["session_ends"][..],
        _ => WRITES.iter().find(|(name, _)| *name == action).map_or(&[][..], |(_, tables)| tables),
    };
    for (table, count) in witness::tables().iter().zip(witness.each) {
        if count > 0 && !allowed.contains(table) {
            return Ok(Some(format!("the act `{action}` cannot have written to `{table}`")));
        }
    }
    let holds = match action {
        "submit" => submitted(connection, entry, &attempt)?,
        "advance" => advanced(connection, entry, &attempt)?,
        "apply" | "editTemplate" => applied(connection, entry, &attempt)?,
        "approve" => approved(connection, entry, &attempt)?,
        "editObject" | "deleteObject" | "memoize" | "advanceCron" | "deleteArchived" | "collectArtifacts" => {
            kept(connection, entry, &attempt)?
        }
        "deleteRun" | "expireRun" => {
            one(connection, "SELECT run FROM run_deletions WHERE entry = ?", entry, &attempt, &["run"])?
        }
        "deleteTemplate" => one(
            connection,
            "SELECT name FROM objects WHERE entry = ? AND deleted",
            entry,
            &attempt,
            &["name"],
        )?,
        "logIn" => one(connection, "SELECT id FROM sessions WHERE entry = ?", entry, &attempt, &["session"])?,
        "logOut" => one(
            connection,
            "SELECT session FROM session_ends WHERE entry = ?",
            entry,
            &attempt,
            &["session"],
        )?,
        _ => true,
    };
    Ok((!holds).then(|| format!("it is not what the attempt, entry {entry}, says it would be")))
}

/// Returns the attempt at `entry`, if it is one.
///
/// # Errors
/// [`StoreError::Sqlite`].
fn attempt(connection: &Connection, entry: u64) -> Result<Option<Attempt>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT body FROM log WHERE number = ?")?;
    let body: Option<Vec<u8>> = statement.query_row([column(entry)?], |row| row.get(0)).optional()?;
    Ok(match body.map(|body| Entry::from_body(&body)) {
        Some(Ok(Entry::Attempt(attempt))) => Some(*attempt),
        _ => None,
    })
}

fn detail<'a>(attempt: &'a Attempt, key: &str) -> Option<&'a str> {
    attempt.details.get(key).and_then(Value::as_str)
}

/// Whether the one row that `sql` gives has these details in its columns, in order.
fn one(
    connection: &Connection,
    sql: &str,
    entry: u64,
    attempt: &Attempt,
    keys: &[&str],
) -> Result<bool, StoreError> {
    let read =
        |row: &Row<'_>| (0..keys.len()).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<String>>>();
    let row = connection.prepare_cached(sql)?.query_row([column(entry)?], read).optional()?;
    let said: Option<Vec<&str>> = keys.iter().map(|key| detail(attempt, key)).collect();
    Ok(row.is_some() && row.as_deref().map(|row| row.iter().map(String::as_str).collect()) == said)
}

fn lines(connection: &Connection, sql: &str, entry: u64) -> Result<String, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([column(entry)?])?;
    let mut lines = Lines::default();
    while let Some(row) = rows.next()? {
        lines.take(row.get_ref(0)?.as_str().map_err(damaged)?);
    }
    Ok(lines.digest())
}

fn submitted(connection: &Connection, entry: u64, attempt: &Attempt) -> Result<bool, StoreError> {
    let body = lines(connection, "SELECT body FROM runs WHERE entry = ?", entry)?;
    let id = one(connection, "SELECT id FROM runs WHERE entry = ?", entry, attempt, &["run"])?;
    Ok(id && detail(attempt, "digest") == Some(&body))
}

fn advanced(connection: &Connection, entry: u64, attempt: &Attempt) -> Result<bool, StoreError> {
    let sql = "SELECT events.body FROM advances JOIN events ON events.run = advances.run
               AND events.number >= advances.first AND events.number < advances.first + advances.count
               WHERE advances.entry = ? ORDER BY events.number";
    let digest = lines(connection, sql, entry)?;
    let run = one(connection, "SELECT run FROM advances WHERE entry = ?", entry, attempt, &["run"])?;
    let sql = "SELECT first, count FROM advances WHERE entry = ?";
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let range = connection.prepare_cached(sql)?.query_row([column(entry)?], read).optional()?;
    let said = |key: &str| attempt.details.get(key).and_then(Value::as_i64);
    let range = range.is_some() && range == said("first").zip(said("count"));
    Ok(run && range && detail(attempt, "eventsDigest") == Some(&digest))
}

fn applied(connection: &Connection, entry: u64, attempt: &Attempt) -> Result<bool, StoreError> {
    let digest = lines(connection, "SELECT body FROM objects WHERE entry = ? ORDER BY number", entry)?;
    Ok(detail(attempt, "digest") == Some(&digest))
}

/// Whether what was kept, an object or a fact, is the one the attempt names.
fn kept(connection: &Connection, entry: u64, attempt: &Attempt) -> Result<bool, StoreError> {
    let sql = "SELECT kind, name, body FROM objects WHERE entry = ?1
               UNION ALL SELECT kind, name, body FROM facts WHERE entry = ?1";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([column(entry)?], read)?;
    for row in rows {
        let (kind, name, body): (String, String, Option<String>) = row?;
        let digest = body.as_deref().map(|body| witness::lines_digest([body])).unwrap_or_default();
        let said = [detail(attempt, "kind"), detail(attempt, "name"), detail(attempt, "digest")];
        if said != [Some(kind.as_str()), Some(name.as_str()), Some(digest.as_str())] {
            return Ok(false);
        }
    }
    Ok(true)
}

fn approved(connection: &Connection, entry: u64, attempt: &Attempt) -> Result<bool, StoreError> {
    let sql = "SELECT run, node, gate, digest FROM approvals WHERE entry = ?";
    let what = one(connection, sql, entry, attempt, &["run", "node", "gate", "digest"])?;
    let sql = "SELECT issuer, subject FROM approvals WHERE entry = ?";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let who: Option<(String, String)> =
        connection.prepare_cached(sql)?.query_row([column(entry)?], read).optional()?;
    let who = who.is_some_and(|(iss, sub)| iss == attempt.principal.iss && sub == attempt.principal.sub);
    Ok(what && who)
}
