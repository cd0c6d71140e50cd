//! What can go wrong with the database.

use model::Code;

/// The database could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said no.
    #[error("the database failed")]
    Sqlite(#[source] rusqlite::Error),
    /// The writer thread has ended.
    #[error("the database is closed")]
    Closed,
    /// The name is taken.
    #[error("`{0}` exists already")]
    Exists(String),
    /// There is no such thing.
    #[error("`{0}` does not exist")]
    NotFound(String),
    /// What is stored does not make sense.
    #[error("what is stored is damaged: {0}")]
    Damaged(String),
    /// The catalog changed under the plan.
    #[error("the objects changed since the plan was made; apply again")]
    Stale,
    /// What is to be written is not what was allowed and recorded.
    #[error("what is to be written is not what was recorded: {0}")]
    NotWhatWasRecorded(String),
    /// The batch this change was in could not be made durable; nothing of it was written.
    #[error("nothing was written: {0}")]
    NotWritten(String),
    /// The folder or its files cannot be used.
    #[error("the folder of the database cannot be used")]
    Folder(#[source] std::io::Error),
    /// Another process has the database open for writing.
    #[error("another process uses this database")]
    InUse,
    /// The database was written by a newer release.
    #[error("the database has version {found}; this release knows versions up to {known}")]
    Newer {
        /// Its version.
        found: i64,
        /// The newest version this release knows.
        known: i64,
    },
    /// The log or its key is not what it must be.
    #[error(transparent)]
    Audit(audit::AuditError),
}

impl StoreError {
    /// Returns the stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::Sqlite(_) => Code("STO0001"),
            Self::Closed => Code("STO0002"),
            Self::Exists(_) => Code("STO0003"),
            Self::NotFound(_) => Code("STO0004"),
            Self::Damaged(_) => Code("STO0005"),
            Self::Stale => Code("STO0006"),
            Self::NotWhatWasRecorded(_) => Code("STO0007"),
            Self::NotWritten(_) => Code("STO0008"),
            Self::Folder(_) => Code("STO0009"),
            Self::InUse => Code("STO0010"),
            Self::Newer { .. } => Code("STO0011"),
            Self::Audit(error) => error.code(),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}
impl From<audit::AuditError> for StoreError {
    fn from(error: audit::AuditError) -> Self {
        Self::Audit(error)
    }
}
impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Returns the error for stored text that cannot be read back, without repeating the text.
pub(crate) fn damaged(what: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(what.to_string())
}
