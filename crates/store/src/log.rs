//! The log as the writer keeps it: the frontier in memory, what is signed, what is due.
//! Not here: hashing and signing (`audit`).
//! Invariant: the frontier always has the entries of the transaction under way; a rollback puts it back.

use audit::{Entry, LogKey, Stored, merkle::Frontier};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{StoreError, error::damaged, witness};

/// After how many unsigned entries a checkpoint is due.
const CHECKPOINT_ENTRIES: u64 = 256;
/// After how long, by the entries' own times, a checkpoint is due.
const CHECKPOINT_AGE: SignedDuration = SignedDuration::from_secs(1);

/// Where the log stands.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    frontier: Frontier,
    signed: Option<u64>,
    signed_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
}

/// The log and its key.
#[derive(Debug)]
pub(crate) struct Log {
    key: LogKey,
    head: Head,
}

impl Log {
    /// Reads where the log stands: the last checkpoint, checked, and the entries after it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the last checkpoint does not hold or an entry after it is damaged.
    pub(crate) fn load(connection: &Connection, key: LogKey) -> Result<Self, StoreError> {
        let sql = "SELECT size, frontier, note FROM checkpoints ORDER BY size DESC LIMIT 1";
        let last = connection
            .query_row(sql, [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, String>(2)?))
            })
            .optional()?;
        let mut head = Head { frontier: Frontier::default(), signed: None, signed_at: None, last_at: None };
        if let Some((size, frontier, note)) = last {
            let checkpoint = audit::Checkpoint::open(&note, key.public())?;
            let frontier = Frontier::from_bytes(checkpoint.size, &frontier);
            let fits = |frontier: &Frontier| {
                frontier.root() == checkpoint.root && number(size) == Some(frontier.size())
            };
            head.frontier = frontier.filter(fits).ok_or_else(|| damaged("the last checkpoint's frontier"))?;
            head.signed = Some(checkpoint.size);
        }
        let mut statement =
            connection.prepare("SELECT number, leaf, body FROM log WHERE number >= ? ORDER BY number")?;
        let mut rows = statement.query([column(head.frontier.size())?])?;
        while let Some(row) = rows.next()? {
            let (found, leaf, body): (i64, Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let hash = audit::merkle::leaf_hash(&body);
            if number(found) != Some(head.frontier.size()) || leaf != hash {
                return Err(damaged(audit::verify::name_of(number(found).unwrap_or_default(), &body)));
            }
            head.frontier.push(hash);
        }
        Ok(Self { key, head })
    }

    /// Returns where the log stands, to go back to.
    pub(crate) const fn head(&self) -> &Head {
        &self.head
    }
    /// Goes back to where the log stood.
    pub(crate) fn back_to(&mut self, head: Head) {
        self.head = head;
    }
    /// Returns the number of entries.
    pub(crate) const fn size(&self) -> u64 {
        self.head.frontier.size()
    }
    /// Whether some entry is not yet signed, or nothing ever was.
    pub(crate) fn unsigned(&self) -> bool {
        self.head.signed != Some(self.size())
    }
    /// Whether a checkpoint must be written now.
    pub(crate) fn due(&self) -> bool {
        let count = self.size() - self.head.signed.unwrap_or_default();
        let old = match (self.head.signed_at, self.head.last_at) {
            (Some(signed), Some(last)) => last.duration_since(signed).abs() >= CHECKPOINT_AGE,
            _ => true,
        };
        self.unsigned() && (count >= CHECKPOINT_ENTRIES || old)
    }

    /// Adds an entry; returns its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn append(&mut self, connection: &Connection, entry: &Entry) -> Result<u64, StoreError> {
        let body = entry.to_body()?;
        let leaf = audit::merkle::leaf_hash(&body);
        let number = self.size();
        let mut statement =
            connection.prepare_cached("INSERT INTO log(number, leaf, body) VALUES(?, ?, ?)")?;
        statement.execute(params![column(number)?, leaf, body])?;
        self.head.frontier.push(leaf);
        self.head.last_at = entry.at().or(self.head.last_at);
        Ok(number)
    }

    /// Signs the head and keeps the checkpoint.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn sign(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let size = self.size();
        let note = self.key.sign(size, self.head.frontier.root());
        let mut statement =
            connection.prepare_cached("INSERT INTO checkpoints(size, frontier, note) VALUES(?, ?, ?)")?;
        statement.execute(params![column(size)?, self.head.frontier.to_bytes(), note])?;
        self.head.signed = Some(size);
        self.head.signed_at = self.head.last_at;
        Ok(())
    }
}

/// One change under way: the connection inside its savepoint, and the log.
#[derive(Debug)]
pub(crate) struct Tx<'a> {
    /// The connection.
    pub(crate) connection: &'a Connection,
    /// The log.
    pub(crate) log: &'a mut Log,
}

impl Tx<'_> {
    /// Writes down in the log what was stored for the attempt `entry`: the last step of every change.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn seal(&mut self, entry: u64) -> Result<(), StoreError> {
        let witness = witness::of(self.connection, entry)?;
        if witness.rows > 0 {
            let stored = Entry::Stored(Stored::new(entry, witness.rows, witness.digest));
            self.log.append(self.connection, &stored)?;
        }
        Ok(())
    }
}

/// Returns a number as SQLite keeps it.
///
/// # Errors
/// [`StoreError::Damaged`] beyond 2^63.
pub(crate) fn column(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| damaged("a number is too large"))
}

/// Returns a number as it was kept.
pub(crate) fn number(column: i64) -> Option<u64> {
    u64::try_from(column).ok()
}
