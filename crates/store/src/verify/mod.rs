//! Whether a database is as it was written: takes the file and the log's public key, gives a report or the faults, each
//! naming its record. Reads only, in one snapshot, also while a server writes; and a copy of the file alone.
//!
//! In this order: the file's structure, the log, what is stored against the log, what is derived against what is stored.
//! What no fault is found for: bytes that belong to no record (unused space within and after pages, counters of the file's
//! header that SQLite keeps for itself, keys of inner pages that still lead to the right rows).
//! Invariant: memory does not grow with what is stored, but for a few bits an entry.

mod claims;
mod file;
mod orphans;

use std::path::Path;

use audit::{
    Entry, LogPublicKey, Report, Stored, VerifyFault,
    merkle::Frontier,
    verify::{Found, FoundCheckpoint, Verifier, name_of},
};
use model::Code;
use rusqlite::Connection;

use crate::{
    StoreError,
    log::number,
    schema,
    witness::{self, TABLES},
};

/// The file cannot be read as a database of ours.
pub const UNREADABLE_FILE: Code = Code("STO0201");
/// The database's structure is damaged.
pub const BROKEN_STRUCTURE: Code = Code("STO0202");
/// What is stored is not what was recorded.
pub const CHANGED_ROWS: Code = Code("STO0203");
/// Something is stored that no entry of the log vouches for.
pub const UNRECORDED: Code = Code("STO0204");
/// What is derived does not follow from what is stored.
pub const WRONGLY_DERIVED: Code = Code("STO0205");

/// Checks the database in the folder `path`, or the file `path`.
///
/// # Errors
/// The first faults, each naming its record.
pub fn verify_folder(path: &Path, public_key: &LogPublicKey) -> Result<Report, Vec<VerifyFault>> {
    let mut verifier = Verifier::new(public_key);
    let opened = match file::open(path) {
        Ok(opened) => opened,
        Err(problem) => {
            verifier.fault(VerifyFault::new(UNREADABLE_FILE, "the database", problem));
            return verifier.finish();
        }
    };
    let connection = &opened.connection;
    let mut check = Check { connection, verifier: &mut verifier, sealed: Vec::new(), each: [0; TABLES] };
    check.all();
    let result = verifier.finish();
    if result.is_err() && opened.disturbed() {
        let problem = "a server began to write to it while it was verified; verify it again";
        return Err(vec![VerifyFault::new(UNREADABLE_FILE, "the database", problem)]);
    }
    result
}

struct Check<'a, 'k> {
    connection: &'a Connection,
    verifier: &'a mut Verifier<'k>,
    /// The attempts whose rows were found to be as recorded, a bit each.
    sealed: Vec<u64>,
    /// How many rows of each table these are.
    each: [u64; TABLES],
}

type Step<'a, 'k> = fn(&mut Check<'a, 'k>) -> Result<(), StoreError>;

impl Check<'_, '_> {
    fn all(&mut self) {
        let steps: [(&str, Step<'_, '_>); 5] = [
            ("the database's tables", Self::tables),
            ("the database's structure", Self::structure),
            ("the log", Self::log),
            ("what is stored", Self::stored),
            ("what is derived", Self::derived),
        ];
        for (what, step) in steps {
            if let Err(error) = step(self) {
                let cause =
                    std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                self.fault(BROKEN_STRUCTURE, what, format!("it cannot be read: {error}{cause}"));
            }
        }
    }

    fn fault(&mut self, code: Code, record: impl Into<String>, problem: impl Into<String>) {
        self.verifier.fault(VerifyFault::new(code, record, problem));
    }

    fn tables(&mut self) -> Result<(), StoreError> {
        if let Some(problem) = file::wrong_tables(self.connection)? {
            self.fault(UNREADABLE_FILE, "the database", problem);
        }
        Ok(())
    }

    fn structure(&mut self) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare("PRAGMA integrity_check(10)")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let message: String = row.get(0)?;
            if message != "ok" {
                self.fault(BROKEN_STRUCTURE, "the database's structure", message.trim().replace('\n', ", "));
            }
        }
        Ok(())
    }

    fn log(&mut self) -> Result<(), StoreError> {
        let connection = self.connection;
        let mut entries = connection.prepare("SELECT number, leaf, body FROM log ORDER BY number")?;
        let mut entries = entries.query([])?;
        let mut checkpoints =
            connection.prepare("SELECT size, note, frontier FROM checkpoints ORDER BY size")?;
        let mut checkpoints = checkpoints.query([])?;
        let mut next = found_checkpoint(&mut checkpoints)?;
        loop {
            while let Some((checkpoint, frontier)) =
                next.take_if(|(found, _)| found.size <= self.verifier.size())
            {
                self.checkpoint(&checkpoint, &frontier);
                next = found_checkpoint(&mut checkpoints)?;
            }
            let Some(row) = entries.next()? else { break };
            let number = row.get::<_, i64>(0).ok().and_then(number).unwrap_or(u64::MAX);
            let found = Found { number, leaf: row.get(1)?, body: row.get(2)? };
            let entry = self.verifier.entry(&found);
            if let Some(Entry::Stored(stored)) = entry {
                self.stored_for(&name_of(number, &found.body), &stored)?;
            }
        }
        while let Some((checkpoint, frontier)) = next {
            self.checkpoint(&checkpoint, &frontier);
            next = found_checkpoint(&mut checkpoints)?;
        }
        Ok(())
    }

    fn checkpoint(&mut self, found: &FoundCheckpoint, frontier: &[u8]) {
        let Some(checkpoint) = self.verifier.checkpoint(found) else { return };
        let kept = Frontier::from_bytes(checkpoint.size, frontier);
        if kept.as_ref() != Some(self.verifier.frontier()) {
            let name = format!("checkpoint of {} entries", found.size);
            self.fault(WRONGLY_DERIVED, name, "the hashes kept beside it are not those of the entries");
        }
    }

    fn stored_for(&mut self, name: &str, stored: &Stored) -> Result<(), StoreError> {
        let attempt = stored.attempt;
        let rows = match witness::of(self.connection, attempt) {
            Ok(rows) => rows,
            Err(error) => {
                let what = orphans::described(self.connection, attempt);
                self.fault(
                    CHANGED_ROWS,
                    what,
                    format!("it cannot be read ({error}), but {name} vouches for it"),
                );
                return Ok(());
            }
        };
        if self.is_sealed(attempt) {
            self.fault(
                CHANGED_ROWS,
                name,
                format!("entry {attempt} has a record of what was stored already"),
            );
            return Ok(());
        }
        self.seal(attempt);
        for (sum, count) in self.each.iter_mut().zip(rows.each) {
            *sum += count;
        }
        let claim = claims::broken(self.connection, attempt, &rows)?;
        if rows.rows != stored.rows {
            let what = orphans::described(self.connection, attempt);
            let problem = format!("{} rows are stored, but {name} says {}", rows.rows, stored.rows);
            self.fault(CHANGED_ROWS, what, problem);
        } else if rows.digest != stored.digest {
            let what = orphans::described(self.connection, attempt);
            self.fault(CHANGED_ROWS, what, format!("it was changed after it was stored; {name} says so"));
        } else if let Some(problem) = claim {
            self.fault(CHANGED_ROWS, orphans::described(self.connection, attempt), problem);
        }
        Ok(())
    }

    fn stored(&mut self) -> Result<(), StoreError> {
        for (table, sealed) in witness::tables().into_iter().zip(self.each) {
            if table == "facts" && sealed == 0 && !self.connection.table_exists(None, table)? {
                continue; // a database of version 2 or older
            }
            let count: i64 =
                self.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
            if number(count) == Some(sealed) {
                continue;
            }
            let mut named = false;
            for (record, entry) in orphans::rows(self.connection, table)? {
                if entry.and_then(number).is_none_or(|entry| !self.is_sealed(entry)) {
                    named = true;
                    self.fault(UNRECORDED, record, "it is stored, but no entry of the log vouches for it");
                }
            }
            if !named {
                let problem = format!("{count} rows are stored, but the log vouches for {sealed}");
                self.fault(UNRECORDED, format!("the table `{table}`"), problem);
            }
        }
        let sql = "SELECT count(*), coalesce(max(number), 0), coalesce(min(number), 1) FROM objects";
        let numbers = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        };
        let (count, last, first) = self.connection.query_row(sql, [], numbers)?;
        if count != last || first != 1 {
            self.fault(CHANGED_ROWS, "the objects", "they are not numbered from 1 without gaps");
        }
        Ok(())
    }

    fn derived(&mut self) -> Result<(), StoreError> {
        for run in schema::stale_runs(self.connection)? {
            let problem = "its phase, name, deletion or number of events does not follow from its events; \
                           the server makes them anew when it starts";
            self.fault(WRONGLY_DERIVED, format!("run `{}`", run.escape_debug()), problem);
        }
        Ok(())
    }

    fn seal(&mut self, entry: u64) {
        let Ok(word) = usize::try_from(entry / 64) else { return };
        // An attempt is always in the log, so this grows with the log and not with what a forged entry says.
        if entry < self.verifier.size() && self.sealed.len() <= word {
            self.sealed.resize(word + 1, 0);
        }
        if let Some(bits) = self.sealed.get_mut(word) {
            *bits |= 1 << (entry % 64);
        }
    }

    fn is_sealed(&self, entry: u64) -> bool {
        let word = usize::try_from(entry / 64).ok().and_then(|word| self.sealed.get(word));
        word.is_some_and(|bits| bits & (1 << (entry % 64)) != 0)
    }
}

fn found_checkpoint(rows: &mut rusqlite::Rows<'_>) -> Result<Option<(FoundCheckpoint, Vec<u8>)>, StoreError> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let size = row.get::<_, i64>(0).ok().and_then(number).unwrap_or(u64::MAX);
    Ok(Some((FoundCheckpoint { size, note: row.get(1)? }, row.get(2)?)))
}
