//! What people do to a run beyond starting it, as plain decisions: which nodes are meant, what a retry runs again, what
//! a resubmit is. Source: Argo `workflow/util/util.go`.
//! Not here: whether they may (see `policy`), carrying it out (see `runner`).

mod parents;
mod resubmit;
mod retry;
mod selector;

use std::collections::BTreeMap;

use model::argo::Workflow;

pub use resubmit::{Resubmitted, resubmit};
pub use retry::{RetryOptions, retry};
pub use selector::{NodeSelector, suspended};

/// Why something cannot be done to a run; the words are Argo's where it has any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperateError {
    /// A run that has not ended, or not badly, cannot be retried.
    #[error("Cannot retry a workflow in phase {phase}")]
    NotRetryable {
        /// The phase.
        phase: &'static str,
    },
    /// A run that Succeeded is retried only in part.
    #[error("To retry a succeeded workflow, set the options restartSuccessful and nodeFieldSelector")]
    NothingSelected,
    /// Only a run that ended badly is resubmitted memoized.
    #[error("workflow must be Failed/Error to resubmit in memoized mode")]
    NotMemoizable,
    /// A node field selector cannot be read.
    #[error("node field selector `{text}`: {reason}")]
    BadSelector {
        /// The selector.
        text: String,
        /// Why.
        reason: String,
    },
    /// No suspend node that waits is meant.
    #[error(
        "currently, set only targets suspend nodes: no suspend nodes matching nodeFieldSelector: {selector}"
    )]
    NothingMatches {
        /// The selector.
        selector: String,
    },
}

impl OperateError {
    /// Returns the stable code; `docs/errors/<code>.md` explains it.
    pub const fn code(&self) -> model::Code {
        model::Code(match self {
            Self::NotRetryable { .. } => "ENG0008",
            Self::NothingSelected => "ENG0009",
            Self::NotMemoizable => "ENG0010",
            Self::BadSelector { .. } => "ENG0011",
            Self::NothingMatches { .. } => "ENG0012",
        })
    }
}

/// Puts arguments in the place of the workflow's own; one it does not have is added, as Argo does.
pub(crate) fn override_parameters(workflow: &mut Workflow, given: &BTreeMap<String, String>) {
    let parameters = &mut workflow.spec.arguments.parameters;
    for (name, value) in given {
        match parameters.iter_mut().find(|parameter| parameter.name == *name) {
            Some(known) => {
                known.value = Some(value.as_str().into());
                known.value_from = None;
            }
            None => parameters.push(model::argo::Parameter {
                name: name.clone(),
                value: Some(value.as_str().into()),
                ..model::argo::Parameter::default()
            }),
        }
    }
}

/// Takes back what ended the run from outside.
pub(crate) fn not_ended_by_hand(workflow: &mut Workflow) {
    workflow.spec.shutdown = String::new();
    if workflow.spec.active_deadline_seconds == Some(0) {
        workflow.spec.active_deadline_seconds = None;
    }
}
