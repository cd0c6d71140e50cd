//! What moving an artifact may take, by name and unit.
//! Not here: what an archive may unfold to (`artifact::limits`).

use std::time::Duration;

/// The most bytes of one artifact, its files together.
pub const MOVED_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// The most files of one artifact, and the most keys that are listed.
pub const MOVED_FILES: u64 = 100_000;
/// The most redirects that are followed; Go's.
pub const REDIRECTS: usize = 10;
/// How long connecting may take.
pub const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long the other side may be silent.
pub const SILENT_TIME: Duration = Duration::from_secs(60);
/// How often a request is repeated that an object store could not answer.
pub const RETRIES: usize = 3;
/// How long moving one artifact may take.
pub const MOVE_TIME: Duration = Duration::from_secs(60 * 60);
/// The most bytes of an answer that is read into memory: a token, an error.
pub const ANSWER_BYTES: usize = 64 * 1024;
/// The most bytes of the answer to a request that a workflow makes; they become a result.
pub const BODY_BYTES: usize = 1024 * 1024;
/// The most submodules of a git repository inside one another.
pub const SUBMODULE_DEPTH: usize = 8;

/// What moving one artifact may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes, all files together.
    pub bytes: u64,
    /// Files.
    pub files: u64,
    /// Time.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: MOVED_BYTES, files: MOVED_FILES, time: MOVE_TIME }
    }
}

/// How much of what is allowed is left.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    bytes: u64,
    files: u64,
}

impl Budget {
    pub(crate) const fn of(limits: Limits) -> Self {
        Self { limits, bytes: 0, files: 0 }
    }
    /// Takes so many bytes.
    pub(crate) fn bytes(&mut self, more: usize) -> Result<(), crate::DriverError> {
        self.bytes = self.bytes.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
        let limit = self.limits.bytes;
        if self.bytes > limit {
            return Err(crate::DriverError::TooLarge { what: "bytes", limit });
        }
        Ok(())
    }
    /// Takes one file.
    pub(crate) fn file(&mut self) -> Result<(), crate::DriverError> {
        self.files = self.files.saturating_add(1);
        let limit = self.limits.files;
        if self.files > limit {
            return Err(crate::DriverError::TooLarge { what: "files", limit });
        }
        Ok(())
    }
}
