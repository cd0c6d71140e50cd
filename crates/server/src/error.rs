//! What can go wrong at this edge, each with a code that never changes, and the one function that picks the status of
//! an answer. Not here: how an answer is spelled (see `answer`).

use axum::http::StatusCode;
use model::{Code, Fault};
use policy::Refusal;
use runner::RunnerError;
use store::StoreError;

/// The server could not start, or a request could not be answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The configuration could not be read.
    #[error("`{path}` cannot be read")]
    ConfigUnreadable {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The configuration does not make sense.
    #[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
    BadConfig(Vec<Fault>),
    /// The server's parts could not be put together.
    #[error("the server cannot start: {reason}")]
    Assembly {
        /// Which part, and why.
        reason: String,
    },
    /// The listener failed.
    #[error("the listener failed")]
    Listener(#[source] std::io::Error),
    /// Nobody vouches for the caller. Says nothing more: what was wrong is in the record.
    #[error("token not valid")]
    Unauthenticated,
    /// Whoever could vouch for the caller cannot be asked now.
    #[error("who is asking cannot be found out now")]
    NobodyToAsk,
    /// The attempt could not be recorded, so nothing was done.
    #[error("nothing was done, because it could not be recorded")]
    Unrecorded,
    /// It is not allowed.
    #[error("{}", crate::answer::refusal_text(.0))]
    Refused(Box<Refusal>),
    /// It is not allowed in a namespace the caller may not look into; existing or not, the answer is the same.
    #[error(
        "starting runs in namespace `{namespace}` is not allowed; ask an owner of its root scope or of the component's scope"
    )]
    Closed {
        /// The namespace, as the caller named it.
        namespace: String,
    },
    /// There is no such thing, or the caller may not know of it.
    #[error("{what} \"{name}\" not found")]
    NotFound {
        /// The kind of thing, as `workflows.argoproj.io`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// What was sent does not make sense; the faults say where.
    #[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Faults(Vec<Fault>),
    /// The request does not make sense.
    #[error("{0}")]
    BadRequest(String),
    /// The body is larger than the limit.
    #[error("the body is larger than {limit} bytes")]
    BodyTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The body is not JSON.
    #[error("the body is `{0}`, not `application/json`")]
    NotJson(String),
    /// The thing exists already.
    #[error("{what} \"{name}\" already exists")]
    Exists {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It cannot be done in this state.
    #[error("{0}")]
    Conflict(String),
    /// This part of Argo's API is not served.
    #[error("{0} is not implemented")]
    NotImplemented(String),
    /// The path is served, but not with this method.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// There is nothing at this path.
    #[error("not found")]
    NoSuchPath,
    /// Too many failed logins.
    #[error("too many attempts; wait {seconds} seconds")]
    Throttled {
        /// Seconds to wait.
        seconds: u64,
    },
    /// The login was refused. Says nothing more, so that nobody learns who has an account.
    #[error("user or password is wrong")]
    LoginRefused,
    /// Not every binding could handle an event; the words are Argo's.
    #[error("failed to dispatch event: [{0}]")]
    Undispatched(String),
    /// The request took too long.
    #[error("the request took longer than {seconds} seconds")]
    TooSlow {
        /// The limit, in seconds.
        seconds: u64,
    },
    /// Too many requests at once.
    #[error("the server is busy")]
    Busy,
    /// Something failed that is not the caller's business; the log has it.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ServerError {
    /// Returns the error's stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::ConfigUnreadable { .. } => Code("SRV0001"),
            Self::BadConfig(faults) => faults.first().map_or(Code("SRV0002"), |fault| fault.code),
            Self::Assembly { .. } => Code("SRV0003"),
            Self::Listener(_) => Code("SRV0004"),
            Self::Unauthenticated => Code("SRV0101"),
            Self::Unrecorded => Code("SRV0102"),
            Self::Refused(_) => Code("SRV0103"),
            Self::NotFound { .. } => Code("SRV0104"),
            Self::Faults(_) => Code("SRV0105"),
            Self::BadRequest(_) => Code("SRV0106"),
            Self::BodyTooLarge { .. } => Code("SRV0107"),
            Self::NotJson(_) => Code("SRV0108"),
            Self::Exists { .. } => Code("SRV0109"),
            Self::Conflict(_) => Code("SRV0110"),
            Self::NotImplemented(_) => Code("SRV0111"),
            Self::MethodNotAllowed => Code("SRV0112"),
            Self::NoSuchPath => Code("SRV0113"),
            Self::Throttled { .. } => Code("SRV0114"),
            Self::LoginRefused => Code("SRV0115"),
            Self::TooSlow { .. } => Code("SRV0116"),
            Self::Busy => Code("SRV0117"),
            Self::Internal(_) => Code("SRV0118"),
            Self::NobodyToAsk => Code("SRV0119"),
            Self::Closed { .. } => Code("SRV0120"),
            Self::Undispatched(_) => Code("SRV0130"),
        }
    }

    /// Returns the status of the answer: 401 for whom nobody vouches, 404 where the caller may not know that the
    /// thing exists, 403 for every other refusal.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::LoginRefused => StatusCode::UNAUTHORIZED,
            Self::Refused(refusal) if !refusal.may_know => StatusCode::NOT_FOUND,
            Self::Refused(_) | Self::Closed { .. } => StatusCode::FORBIDDEN,
            Self::NotFound { .. } | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::Faults(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::BadRequest(_) | Self::BadConfig(_) => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Exists { .. } | Self::Conflict(_) => StatusCode::CONFLICT,
            Self::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::TooSlow { .. } | Self::Busy | Self::Unrecorded | Self::NobodyToAsk => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::ConfigUnreadable { .. }
            | Self::Assembly { .. }
            | Self::Listener(_)
            | Self::Undispatched(_)
            | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the error that hides `error`, which goes to the log alone.
    pub(crate) fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// Returns the error with the name of the thing that was asked for, so that a hidden thing and a missing one
    /// are answered alike.
    pub(crate) fn about(self, what: &'static str, name: &str) -> Self {
        match self {
            Self::Refused(refusal) if !refusal.may_know => Self::NotFound { what, name: name.to_owned() },
            Self::NotFound { .. } => Self::NotFound { what, name: name.to_owned() },
            Self::Exists { .. } => Self::Exists { what, name: name.to_owned() },
            other => other,
        }
    }
}

impl From<RunnerError> for ServerError {
    fn from(error: RunnerError) -> Self {
        match error {
            RunnerError::Refused(refusal) => Self::Refused(refusal),
            RunnerError::Unrecorded(_) => Self::Unrecorded,
            RunnerError::Faults(faults) => Self::Faults(faults),
            RunnerError::NotFound { what, name } => Self::NotFound { what, name },
            RunnerError::Conflict(why) => Self::Conflict(why),
            RunnerError::Operate(error) => Self::Conflict(error.to_string()),
            RunnerError::Undispatched(why) => Self::Undispatched(why),
            RunnerError::Store(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<StoreError> for ServerError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists(name) => Self::Exists { what: "object", name },
            StoreError::NotFound(name) => Self::NotFound { what: "object", name },
            StoreError::Stale => Self::Conflict(error.to_string()),
            other => Self::internal(other),
        }
    }
}

impl<E: Into<Self>> From<audit::ActError<E>> for ServerError {
    fn from(error: audit::ActError<E>) -> Self {
        match error {
            audit::ActError::Refused(refusal) => Self::Refused(refusal),
            audit::ActError::Unrecorded(_) => Self::Unrecorded,
            audit::ActError::Failed(error) => error.into(),
        }
    }
}
