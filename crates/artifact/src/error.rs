//! What can go wrong in this room, each with its code.
//! Invariant: no message holds a credential; names that an archive holds are shown as they are.

use std::{io, path::PathBuf};

use model::Code;

/// The artifact could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// A file could not be written or read.
    #[error("`{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The archive is not what it is said to be, or is damaged.
    #[error("the archive can't be read: {0}")]
    BadArchive(String),
    /// An entry would lie outside the artifact; the text contains Argo's.
    #[error("illegal file path: {0}")]
    IllegalPath(String),
    /// A link would lead out of the artifact; the text contains Argo's.
    #[error("illegal symlink target: {name} -> {target}")]
    IllegalLink {
        /// The link's name in the archive.
        name: String,
        /// Where it leads.
        target: String,
    },
    /// The archive unfolds to more than is allowed.
    #[error("the archive has more than {limit} {what}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How much would be allowed.
        limit: u64,
    },
    /// It cannot be packed.
    #[error("{0}")]
    Unpackable(String),
}

impl ArtifactError {
    /// Returns the stable code; its page is `docs/errors/<code>.md`.
    pub const fn code(&self) -> Code {
        match self {
            Self::Io { .. } => Code("ART0001"),
            Self::BadArchive(_) => Code("ART0002"),
            Self::IllegalPath(_) => Code("ART0003"),
            Self::IllegalLink { .. } => Code("ART0004"),
            Self::TooLarge { .. } => Code("ART0005"),
            Self::Unpackable(_) => Code("ART0006"),
        }
    }
    /// Returns a function that says which file an error was about.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
