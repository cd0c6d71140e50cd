//! Why something could not be done. Not here: how an edge shows it.

use backend::BackendError;
use model::{Code, Fault};
use policy::Refusal;
use store::StoreError;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// Not allowed.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// Not recordable, so not done.
    #[error("nothing was done, because it could not be recorded")]
    Unrecorded(#[source] audit::JournalError),
    /// What was asked for does not make sense.
    #[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Faults(Vec<Fault>),
    /// There is no such thing, or the caller may not know of it.
    #[error("{what} `{name}` not found")]
    NotFound {
        /// The kind of thing, as `workflows.argoproj.io`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It cannot be done in this state.
    #[error("{0}")]
    Conflict(String),
    /// It cannot be done to this run.
    #[error(transparent)]
    Operate(#[from] engine::operate::OperateError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// An artifact was not fetched or put.
    #[error(transparent)]
    Artifact(driver::DriverError),
    /// An artifact was not packed or unpacked.
    #[error(transparent)]
    Packing(artifact::ArtifactError),
    /// Not every binding could handle an event; the words are Argo's.
    #[error("failed to dispatch event: [{0}]")]
    Undispatched(String),
    /// There are no random bytes to be had.
    #[error(transparent)]
    Randomness(#[from] crate::random::NoRandomness),
}

impl RunnerError {
    /// Returns the error's stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(_) => Code("RUN0001"),
            Self::Unrecorded(_) => Code("RUN0002"),
            Self::Faults(faults) => faults.first().map_or(Code("RUN0003"), |fault| fault.code),
            Self::NotFound { .. } => Code("RUN0004"),
            Self::Conflict(_) => Code("RUN0005"),
            Self::Operate(error) => error.code(),
            Self::Store(_) => Code("RUN0006"),
            Self::Backend(_) => Code("RUN0007"),
            Self::Artifact(error) => error.code(),
            Self::Packing(error) => error.code(),
            Self::Randomness(_) => Code("RUN0008"),
            Self::Undispatched(_) => Code("RUN0020"),
        }
    }
    /// Returns the error for a refusal: not found where the caller may not even know of the thing.
    pub(crate) fn refused(refusal: Box<Refusal>, what: &'static str, name: impl ToString) -> Self {
        if refusal.may_know {
            Self::Refused(refusal)
        } else {
            Self::NotFound { what, name: name.to_string() }
        }
    }
    /// Returns the error for an act on something called `name`.
    pub(crate) fn from_act<E: Into<Self>>(
        error: audit::ActError<E>,
        what: &'static str,
        name: impl ToString,
    ) -> Self {
        match error {
            audit::ActError::Refused(refusal) => Self::refused(refusal, what, name),
            audit::ActError::Unrecorded(error) => Self::Unrecorded(error),
            audit::ActError::Failed(error) => error.into(),
        }
    }
}
