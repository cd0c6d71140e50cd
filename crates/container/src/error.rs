//! What can go wrong with images and engines. Not here: how a container's own command failed.

use std::{io, path::PathBuf};

use model::Code;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// There is neither an engine nor a runtime.
    #[error(
        "no container engine or runtime was found: looked for {looked}; start Docker or `podman system service`, install `runc` or `crun`, or use `--isolation namespaces`"
    )]
    NoEngine {
        /// Where was looked.
        looked: String,
    },
    /// The engine does not answer, or refuses.
    #[error("the container engine at `{address}`: {reason}")]
    Engine {
        /// Where it is.
        address: String,
        /// What it said.
        reason: String,
    },
    /// The image is not there.
    #[error("failed to pull image `{image}`: {reason}")]
    Image {
        /// Which.
        image: String,
        /// Why.
        reason: String,
    },
    /// The image is there and must not be used.
    #[error("image `{image}` is damaged: {reason}")]
    Damaged {
        /// Which.
        image: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What is asked for can't be.
    #[error("{0}")]
    Unsupported(String),
    /// A file could not be written or read.
    #[error("`{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ContainerError {
    /// Returns the stable code; its page is `docs/errors/<code>.md`.
    pub const fn code(&self) -> Code {
        match self {
            Self::NoEngine { .. } => Code("CTR0001"),
            Self::Engine { .. } => Code("CTR0002"),
            Self::Image { .. } => Code("CTR0003"),
            Self::Damaged { .. } => Code("CTR0004"),
            Self::Unsupported(_) => Code("CTR0005"),
            Self::Io { .. } => Code("CTR0006"),
        }
    }
    /// Returns a function that says which file an error was about.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
