//! What can be wrong with rules, each with its stable code. A refusal is not an error: see [`crate::Refusal`].

use model::{Code, Place, fault::Fault};

/// Rules that cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// A built-in file does not parse.
    #[error("the built-in {what} is broken: {reason}")]
    BuiltIn {
        /// Which.
        what: &'static str,
        /// Cedar's words.
        reason: String,
    },
    /// A compiled policy is not one for Cedar.
    #[error("rule `{id}` cannot be made a policy: {reason}")]
    Rejected {
        /// The rule.
        id: String,
        /// Cedar's words.
        reason: String,
    },
    /// A policy does not validate against the schema.
    #[error("rule `{id}` does not validate against the schema: {reason}")]
    Invalid {
        /// The rule.
        id: String,
        /// Cedar's words.
        reason: String,
    },
    /// A condition nobody knows.
    #[error("unknown condition `{name}` in an access policy")]
    UnknownCondition {
        /// As written.
        name: String,
    },
    /// A condition's value makes no sense.
    #[error("condition `{name}` needs {wanted}")]
    BadCondition {
        /// The condition.
        name: String,
        /// What it takes.
        wanted: String,
    },
    /// A condition asks for a fact that the act never carries, so the rule would always or never fire.
    #[error("condition `{name}` cannot be known for `{action}`")]
    UnknowableFact {
        /// The condition.
        name: String,
        /// The rule's action.
        action: &'static str,
    },
}

impl CompileError {
    /// Returns the stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::BuiltIn { .. } => Code("POL0001"),
            Self::Rejected { .. } => Code("POL0002"),
            Self::Invalid { .. } => Code("POL0003"),
            Self::UnknownCondition { .. } => Code("POL0004"),
            Self::BadCondition { .. } => Code("POL0005"),
            Self::UnknowableFact { .. } => Code("POL0006"),
        }
    }

    /// Returns the fault to show to whoever wrote the manifest at `place`.
    pub(crate) fn at(&self, place: Option<Place>) -> Fault {
        let fault = Fault::new(self.code(), self.to_string()).at(place);
        match self {
            Self::UnknownCondition { .. } => {
                fault.help("conditions are `mfa`, `maxAuthAgeSeconds`, `ticket` and `params`")
            }
            Self::UnknowableFact { .. } => {
                fault.help("write a rule of its own for the actions that carry this fact")
            }
            _ => fault,
        }
    }
}
