//! What can go wrong in this room, each with its code.
//! Invariant: no message holds a credential: URLs are shown without user, password and query.

use std::{error::Error, io, path::PathBuf};

use model::Code;

/// The artifact could not be reached, fetched or put.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// There is nothing at that place; the text contains Argo's.
    #[error("artifact not found: {0}")]
    NotFound(String),
    /// The driver, or a field of it, is one that this server does not know how to serve: it is refused by name.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// The address is one that workflows may not reach from the server.
    #[error("the address of `{host}` may not be reached from this server")]
    Unreachable {
        /// The host as written.
        host: String,
    },
    /// A Secret or a key of it that the artifact names is not there.
    #[error("secret `{name}` has no key `{key}`, or there is no such secret")]
    NoSecret {
        /// The Secret.
        name: String,
        /// The key.
        key: String,
    },
    /// The other side did not do what it was asked for.
    #[error("{what}: {reason}")]
    Failed {
        /// What was tried; URLs without anything secret.
        what: String,
        /// Why it failed.
        reason: String,
    },
    /// It is more than may be moved.
    #[error("the artifact has more than {limit} {what}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How much would be allowed.
        limit: u64,
    },
    /// A file could not be written or read.
    #[error("`{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is written about the artifact makes no sense.
    #[error("{0}")]
    BadArtifact(String),
}

impl DriverError {
    /// Returns the stable code; its page is `docs/errors/<code>.md`.
    pub const fn code(&self) -> Code {
        match self {
            Self::NotFound(_) => Code("DRV0001"),
            Self::Unsupported(_) => Code("DRV0002"),
            Self::Unreachable { .. } => Code("DRV0003"),
            Self::NoSecret { .. } => Code("DRV0004"),
            Self::Failed { .. } => Code("DRV0005"),
            Self::TooLarge { .. } => Code("DRV0006"),
            Self::Io { .. } => Code("DRV0007"),
            Self::BadArtifact(_) => Code("DRV0008"),
        }
    }
    /// Returns a function that says which file an error was about.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
    /// Returns an error of the other side.
    pub(crate) fn failed(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Failed { what: what.into(), reason: reason.into() }
    }
}

/// Returns why a request failed: the innermost causes, without the URL, which may hold secrets.
pub(crate) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
