//! The log as others see it: appending entries, reading them back, heads and proofs.
//! Not here: how entries become durable (see `writer`), what they mean (`audit`).

use audit::{
    Entry, Journal, JournalError,
    merkle::{self, Hash},
};
use policy::{Permit, ViewAudit};
use rusqlite::{Connection, OptionalExtension};

use crate::{
    Store, StoreError,
    error::damaged,
    log::{column, number},
    writer::Request,
};

/// The most entries that are returned at once.
pub const MAX_ENTRIES: u64 = 10_000;

/// One entry of the audit log as it is stored.
#[derive(Debug, Clone)]
pub struct StoredEntry {
    /// Its number, counted from 0.
    pub number: u64,
    /// The bytes that are hashed.
    pub body: Vec<u8>,
    /// The leaf hash stored with it.
    pub leaf: [u8; 32],
}

/// The proof that one entry is in the log that a checkpoint signs.
#[derive(Debug, Clone)]
pub struct EntryProof {
    /// The entry.
    pub entry: StoredEntry,
    /// The size of the tree the proof is for: that of the checkpoint.
    pub size: u64,
    /// The hashes beside the way to the root, the lowest first.
    pub path: Vec<Hash>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
}

impl Store {
    /// Returns entries of the audit log from `first` on, `limit` at most (and never more than [`MAX_ENTRIES`]).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn entries(
        &self,
        go: &Permit<ViewAudit>,
        first: u64,
        limit: u64,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let _ = go.action();
        self.read(move |connection| {
            let sql = "SELECT number, leaf, body FROM log WHERE number >= ? ORDER BY number LIMIT ?";
            let mut statement = connection.prepare_cached(sql)?;
            let limit = column(limit.min(MAX_ENTRIES))?;
            let Ok(first) = column(first) else { return Ok(Vec::new()) };
            let mut rows = statement.query([first, limit])?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                entries.push(entry(row)?);
            }
            Ok(entries)
        })
        .await
    }

    /// Returns the last checkpoint: its size and the signed note. None before the first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn checkpoint(&self, go: &Permit<ViewAudit>) -> Result<Option<(u64, String)>, StoreError> {
        let _ = go.action();
        self.read(last_checkpoint).await
    }

    /// Returns the proof that entry `number` is in the log as it was last signed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such entry or it is not yet signed.
    pub async fn entry_proof(&self, go: &Permit<ViewAudit>, number: u64) -> Result<EntryProof, StoreError> {
        let _ = go.action();
        self.read(move |connection| {
            let missing = || StoreError::NotFound(format!("signed entry {number}"));
            let (size, checkpoint) = last_checkpoint(connection)?.ok_or_else(missing)?;
            if number >= size {
                return Err(missing());
            }
            let sql = "SELECT number, leaf, body FROM log WHERE number = ?";
            let entry = connection.query_row(sql, [column(number)?], |row| Ok(entry(row)))??;
            let path = merkle::inclusion_proof(&mut |at| leaf(connection, at), number, size)?;
            Ok(EntryProof { entry, size, path, checkpoint })
        })
        .await
    }

    /// Returns the proof that the log of `old` entries is the beginning of the log as it was last signed, with that
    /// checkpoint's size and note.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if nothing is signed yet or `old` is larger.
    pub async fn growth_proof(
        &self,
        go: &Permit<ViewAudit>,
        old: u64,
    ) -> Result<(Vec<Hash>, u64, String), StoreError> {
        let _ = go.action();
        self.read(move |connection| {
            let missing = || StoreError::NotFound(format!("checkpoint of {old} entries or more"));
            let (size, note) =
                last_checkpoint(connection)?.filter(|(size, _)| *size >= old).ok_or_else(missing)?;
            let path = merkle::consistency_proof(&mut |at| leaf(connection, at), old, size)?;
            Ok((path, size, note))
        })
        .await
    }
}

fn entry(row: &rusqlite::Row<'_>) -> Result<StoredEntry, StoreError> {
    let number = number(row.get(0)?).ok_or_else(|| damaged("an entry's number"))?;
    let leaf: Vec<u8> = row.get(1)?;
    let leaf = Hash::try_from(leaf).map_err(|_| damaged(format!("the hash of entry {number}")))?;
    Ok(StoredEntry { number, body: row.get(2)?, leaf })
}

fn leaf(connection: &Connection, number: u64) -> Result<Hash, StoreError> {
    let mut statement = connection.prepare_cached("SELECT leaf FROM log WHERE number = ?")?;
    let leaf: Vec<u8> = statement.query_row([column(number)?], |row| row.get(0))?;
    Hash::try_from(leaf).map_err(|_| damaged(format!("the hash of entry {number}")))
}

fn last_checkpoint(connection: &Connection) -> Result<Option<(u64, String)>, StoreError> {
    let sql = "SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1";
    let last: Option<(i64, String)> =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    last.map(|(size, note)| Ok((number(size).ok_or_else(|| damaged("a checkpoint's size"))?, note)))
        .transpose()
}

impl Journal for Store {
    async fn append(&self, entry: Entry) -> Result<u64, JournalError> {
        let number = self.change(move |tx| tx.log.append(tx.connection, &entry)).await;
        number.map_err(|error| JournalError { reason: error.to_string() })
    }
    fn enqueue(&self, entry: Entry) {
        if self.send(Request::Enqueue(Box::new(entry))).is_err() {
            tracing::error!("an entry of the audit log is lost: the database is closed");
        }
    }
}
