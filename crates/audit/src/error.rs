//! What can go wrong with the log itself.

use model::Code;

/// The log could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the audit log cannot be written: {reason}")]
pub struct JournalError {
    /// Why.
    pub reason: String,
}

impl JournalError {
    /// Returns the stable code.
    pub const fn code(&self) -> Code {
        Code("AUD0001")
    }
}

/// A part of the log is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// A key is not one.
    #[error("the log's key cannot be read: {0}")]
    BadKey(String),
    /// A checkpoint is malformed.
    #[error("the checkpoint is malformed: {0}")]
    BadCheckpoint(String),
    /// A checkpoint is not signed by the log's key.
    #[error("the checkpoint is not signed by the log's key")]
    BadSignature,
    /// An entry cannot be read.
    #[error("the entry cannot be read: {0}")]
    BadEntry(String),
    /// An entry is too long; how many bytes it has.
    #[error("the entry has {0} bytes; 65535 are allowed")]
    TooLong(usize),
}

impl AuditError {
    /// Returns the stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::BadKey(_) => Code("AUD0002"),
            Self::BadCheckpoint(_) => Code("AUD0003"),
            Self::BadSignature => Code("AUD0004"),
            Self::BadEntry(_) => Code("AUD0005"),
            Self::TooLong(_) => Code("AUD0006"),
        }
    }
}
