//! Why a command could not be done: one enum, each variant with a code that has a page, and an exit code.
//! Not here: faults in what a person wrote (`model::Fault`), which bring their own codes and places.

use std::path::PathBuf;

use model::Code;

use crate::{
    client::answer::{Explained, Problem},
    exit::Exit,
    render::fault::Drawable,
};

/// A text that faults point into.
#[derive(Debug, Clone, Default)]
pub struct SourceText {
    /// The file's name as the person gave it.
    pub file: String,
    /// What it holds.
    pub text: String,
}

/// Why a command could not be done.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// What a person wrote is wrong; each fault has its own code.
    #[error("{} in what was given", plural(.faults.len(), "fault"))]
    Faults {
        /// The faults, at least one.
        faults: Vec<Drawable>,
        /// The texts they point into.
        sources: Vec<SourceText>,
    },
    /// A file or folder cannot be read or written.
    #[error("`{path}` cannot be {what}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// `read`, `written`.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Writing to the terminal or pipe failed.
    #[error("the output cannot be written")]
    Output(#[from] std::io::Error),
    /// No server answers.
    #[error("no server answers at `{server}`")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// No server is named anywhere.
    #[error("no server is named")]
    NoServer,
    /// There are no credentials for the server, or it does not take them (401).
    #[error("`{server}` does not know who is asking: {reason}")]
    NotLoggedIn {
        /// Its address.
        server: String,
        /// What it said.
        reason: String,
    },
    /// The server said no (403).
    #[error("{}", .0.message)]
    Refused(Box<Refused>),
    /// There is no such thing, or the caller may not know of it (404).
    #[error("{0}")]
    NotFound(String),
    /// It cannot be done in this state (409).
    #[error("{0}")]
    Conflict(String),
    /// The server found faults in the request (400, 422).
    #[error("{0}")]
    BadRequest(Box<Problem>),
    /// The server failed (500 and up).
    #[error("the server failed ({status}): {message}")]
    Server {
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The server's answer makes no sense to this program.
    #[error("`{server}` answered something that is not understood")]
    Answer {
        /// Its address.
        server: String,
        /// What does not fit.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The file of credentials makes no sense.
    #[error("`{path}` is not a file of credentials", path = .path.display())]
    Credentials {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Logging in failed.
    #[error("logging in failed: {0}")]
    LogIn(String),
    /// The audit log does not verify; what is wrong with which record, the first first.
    #[error("the audit log does not verify: {}", .0.first().map_or("it cannot be read", String::as_str))]
    Tampered(Vec<String>),
    /// This machine cannot give the isolation asked for.
    #[error("{0}")]
    NoIsolation(String),
    /// A text in one of Argo's languages gives nothing; the words are the language's.
    #[error(transparent)]
    Eval(#[from] expr::ExprError),
    /// Something of this machine failed while working without a server.
    #[error("{what}")]
    Local {
        /// What was being done.
        what: String,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A refusal as the server explained it.
#[derive(Debug, Clone)]
pub struct Refused {
    /// One line.
    pub message: String,
    /// The decision, when the server gave it.
    pub decision: Option<Explained>,
}

impl CliError {
    /// Returns the error's stable code.
    pub fn code(&self) -> Code {
        Code(match self {
            Self::Faults { .. } => "CLI0001",
            Self::File { .. } => "CLI0002",
            Self::Output(_) => "CLI0003",
            Self::Unreachable { .. } => "CLI0004",
            Self::NoServer => "CLI0005",
            Self::NotLoggedIn { .. } => "CLI0006",
            Self::Refused(_) => "CLI0007",
            Self::NotFound(_) => "CLI0008",
            Self::Conflict(_) => "CLI0009",
            Self::BadRequest(_) => "CLI0010",
            Self::Server { .. } => "CLI0011",
            Self::Answer { .. } => "CLI0012",
            Self::Usage(_) => "CLI0013",
            Self::Credentials { .. } => "CLI0014",
            Self::LogIn(_) => "CLI0015",
            Self::Tampered(_) => "CLI0016",
            Self::NoIsolation(_) => "CLI0017",
            Self::Local { .. } => "CLI0018",
            Self::Eval(error) => return Code(error.code()),
        })
    }

    /// Returns the exit code the program ends with.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::NoServer => Exit::USAGE,
            Self::NotLoggedIn { .. } | Self::Refused(_) => Exit::REFUSED,
            Self::NotFound(_) => Exit::NOT_FOUND,
            Self::Unreachable { .. } => Exit::UNREACHABLE,
            Self::Conflict(_) => Exit::CONFLICT,
            _ => Exit::FAILED,
        }
    }

    /// Returns what to do next, where that can be said.
    pub fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Unreachable { .. } => {
                "start one with `marque serve`, or name another with --server or MARQUE_SERVER".to_owned()
            }
            Self::NoServer => {
                "name one with --server or MARQUE_SERVER, or log in with `marque login SERVER`; \
                               without any server, `marque run FILE` runs a workflow on this machine"
                    .to_owned()
            }
            Self::NotLoggedIn { server, .. } => format!("log in with `marque login {server}`"),
            Self::NotFound(_) => {
                "check the name and the namespace (-n); what you may not see is not found either".to_owned()
            }
            Self::NoIsolation(_) => {
                "say `--isolation none` to run the steps as plain processes of your user, without a sandbox"
                    .to_owned()
            }
            Self::Credentials { .. } => "remove the file and log in again".to_owned(),
            Self::Tampered(_) => {
                "keep the folder as it is, and compare with a copy or a checkpoint kept elsewhere".to_owned()
            }
            _ => return None,
        })
    }

    /// Returns an error about a file that cannot be read.
    pub fn read(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::File { path: path.into(), what: "read", source }
    }

    /// Returns an error about a file that cannot be written.
    pub fn write(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::File { path: path.into(), what: "written", source }
    }

    /// Returns an error of something done on this machine.
    pub fn local(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Local { what: what.into(), source: source.into() }
    }
}

/// Returns `count` with its noun, in the plural when there is not exactly one.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
