//! What an archive may unfold to, by name and unit.
//! Not here: limits of what a pod gives (`backend::limits`).

/// The most bytes that one archive's files have together once unpacked.
pub const UNPACKED_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// The most entries of one archive, whatever their kind.
pub const ARCHIVE_ENTRIES: u32 = 100_000;
/// The most folders of an archive inside one another.
pub const ARCHIVE_DEPTH: usize = 64;
/// The longest name of an entry or target of a link in bytes.
pub const ARCHIVE_NAME_BYTES: usize = 4096;

/// The most bytes that are read to find out what is in a ZIP archive: its index is kept in memory.
pub const ZIP_INDEX_BYTES: u64 = 64 * 1024 * 1024;

/// What an archive may unfold to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Entries.
    pub entries: u32,
    /// Folders inside one another.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: UNPACKED_BYTES, entries: ARCHIVE_ENTRIES, depth: ARCHIVE_DEPTH }
    }
}
