//! What can go wrong in this room, each with its code.
//! Not here: how a pod ended (`engine::PodEnd`); a pod that fails is no error of the backend.

use std::{io, path::PathBuf};

use model::Code;

/// The pod could not be run.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// Namespaces are not to be had here.
    #[error(
        "this machine does not allow namespaces ({reason}); use `--isolation none` to run without a sandbox"
    )]
    NoNamespaces {
        /// What the kernel said.
        reason: String,
    },
    /// A file could not be written or read.
    #[error("`{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The pod cannot be run as it is.
    #[error("{0}")]
    Unsupported(String),
    /// A name or key would lead out of its folder.
    #[error("`{name}` cannot be the name of a file here")]
    BadName {
        /// Which.
        name: String,
    },
    /// The pod was waited for before it was started.
    #[error("the pod of node `{node}` was never started")]
    NotStarted {
        /// Whose.
        node: String,
    },
    /// Containers can't be run here.
    #[error(transparent)]
    Container(#[from] container::ContainerError),
    /// There is no such artifact.
    #[error("there is no artifact `{key}`")]
    NoArtifact {
        /// Which.
        key: String,
    },
}

impl BackendError {
    /// Returns the stable code; its page is `docs/errors/<code>.md`.
    pub const fn code(&self) -> Code {
        match self {
            Self::NoNamespaces { .. } => Code("BCK0001"),
            Self::Io { .. } => Code("BCK0002"),
            Self::Unsupported(_) => Code("BCK0003"),
            Self::BadName { .. } => Code("BCK0004"),
            Self::NotStarted { .. } => Code("BCK0005"),
            Self::Container(error) => error.code(),
            Self::NoArtifact { .. } => Code("BCK0006"),
        }
    }
    /// Returns a function that says which file an error was about.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
