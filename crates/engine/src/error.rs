//! Why an event is not taken, each reason with its code. Not here: what makes a node fail; that is its message.

use expr::ExprError;

use crate::Run;

/// The event cannot be taken, or the workflow cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The event does not fit the phase the node is in.
    #[error("event `{event}` does not fit a node in phase `{phase}`")]
    DoesNotFit {
        /// The phase.
        phase: &'static str,
        /// The event.
        event: &'static str,
    },
    /// There is no such node.
    #[error("event `{event}` names the node `{node}`, which does not exist")]
    NoSuchNode {
        /// The node's id.
        node: String,
        /// The event.
        event: &'static str,
    },
    /// The node is of a type the event is not for.
    #[error("event `{event}` is not for the node `{node}`, which is not a {expected} node")]
    WrongNode {
        /// The node's id.
        node: String,
        /// The event.
        event: &'static str,
        /// The type the event is for.
        expected: &'static str,
    },
    /// The run has not started yet.
    #[error("event `{event}` comes before the run has started")]
    NotStarted {
        /// The event.
        event: &'static str,
    },
    /// A suspend node is resumed without a value it needs; the words are Argo's.
    #[error("raw output parameter '{parameter}' has not been set and does not have a default value")]
    NotSupplied {
        /// The parameter's name.
        parameter: String,
    },
    /// A suspend node is resumed with a parameter that nobody may supply.
    #[error("parameter `{parameter}` is not one that node `{node}` is to be supplied with")]
    NotAskedFor {
        /// The parameter's name.
        parameter: String,
        /// The node's id.
        node: String,
    },
    /// A suspend node is resumed with a value that is not among those allowed.
    #[error("the value given for `{parameter}` is not one of its `enum`")]
    NotInEnum {
        /// The parameter's name.
        parameter: String,
    },
}

impl StepError {
    /// Returns the stable code; `docs/errors/<code>.md` explains it.
    pub const fn code(&self) -> model::Code {
        model::Code(match self {
            Self::DoesNotFit { .. } => "ENG0001",
            Self::NoSuchNode { .. } => "ENG0002",
            Self::WrongNode { .. } => "ENG0003",
            Self::NotStarted { .. } => "ENG0004",
            Self::NotSupplied { .. } => "ENG0005",
            Self::NotAskedFor { .. } => "ENG0006",
            Self::NotInEnum { .. } => "ENG0007",
        })
    }
}

/// A WorkflowEventBinding makes no Workflow of an event; the words are Argo's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// The selector cannot be read or decided.
    #[error("failed to evaluate workflow template expression: {0}")]
    Selector(ExprError),
    /// A parameter's expression cannot be read.
    #[error("failed to compile workflow template parameter {name} expression: {reason}")]
    Unreadable {
        /// The parameter.
        name: String,
        /// What is wrong.
        reason: ExprError,
    },
    /// A parameter's expression cannot be computed.
    #[error("failed to evaluate workflow template parameter \"{name}\" expression: {reason}")]
    Uncomputed {
        /// The parameter.
        name: String,
        /// What is wrong.
        reason: ExprError,
    },
    /// A parameter's value has no JSON.
    #[error("failed to convert result to JSON \"{name}\" expression: {reason}")]
    NoJson {
        /// The parameter.
        name: String,
        /// What is wrong.
        reason: ExprError,
    },
    /// A parameter says not where its value comes from.
    #[error("malformed workflow template parameter \"{name}\": valueFrom is nil")]
    NoEvent {
        /// The parameter.
        name: String,
    },
    /// The expression of a name, label or annotation cannot be read or computed.
    #[error("failed to evaluate workflow {what} expression: {reason}")]
    Metadata {
        /// Of what, as `name` or `label "x"`.
        what: String,
        /// What is wrong.
        reason: ExprError,
    },
    /// The expression of a name, label or annotation gives no string.
    #[error("workflow {what} expression must evaluate to a string, not a {got}")]
    NotText {
        /// Of what.
        what: String,
        /// The Go type of what it gave.
        got: String,
    },
}

impl BindingError {
    /// Returns the stable code; `docs/errors/<code>.md` explains it.
    pub const fn code(&self) -> model::Code {
        model::Code(match self {
            Self::Selector(_) => "ENG0101",
            Self::Unreadable { .. } | Self::Uncomputed { .. } | Self::NoJson { .. } => "ENG0102",
            Self::NoEvent { .. } => "ENG0103",
            Self::Metadata { .. } | Self::NotText { .. } => "ENG0104",
        })
    }
}

/// An event that was not taken: nothing has changed.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Rejected {
    /// The run as it was.
    pub run: Run,
    /// Why.
    #[source]
    pub reason: StepError,
}
