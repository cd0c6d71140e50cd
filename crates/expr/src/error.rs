//! What can be wrong with tags and conditions, each with its code. Not here: where the text was written.

/// The text cannot be substituted or decided. Each variant has a page in `docs/errors`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// `{{` without `}}`.
    #[error("cannot find the end `}}}}` of a tag in `{text}`")]
    Unclosed {
        /// The text from the tag on, shortened.
        text: String,
    },
    /// An expression that has no value, or none that can be put into a text; the words are Argo's.
    #[error("failed to evaluate expression: {reason}")]
    ExpressionTag {
        /// What is wrong.
        reason: String,
    },
    /// A tag nobody has a value for; the words are Argo's.
    #[error("failed to resolve {{{{{tag}}}}}")]
    Unresolved {
        /// The tag's text.
        tag: String,
    },
    /// A tag whose output was not produced: its producer was skipped or omitted and has no default.
    #[error("failed to resolve {{{{{tag}}}}}: absent optional output")]
    Absent {
        /// The tag's text.
        tag: String,
    },
    /// The result of a substitution is over [`crate::MAX_OUTPUT_BYTES`].
    #[error("a text with its tags replaced is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// A condition or value is nested deeper than [`crate::MAX_DEPTH`].
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A `when` that cannot be read; the words are Argo's.
    #[error("Invalid 'when' expression '{when}': {reason}")]
    InvalidWhen {
        /// The condition.
        when: String,
        /// What is wrong.
        reason: String,
    },
    /// A `when` that can be read but not decided; the words (and the spelling) are Argo's.
    #[error("Failed to evaluate 'when' expresion '{when}': {reason}")]
    FailedWhen {
        /// The condition.
        when: String,
        /// What is wrong.
        reason: String,
    },
    /// A `when` that gives something else than true or false; the words are Argo's.
    #[error("Expected boolean evaluation for '{when}'. Got {got}")]
    NotBoolean {
        /// The condition.
        when: String,
        /// What it gave.
        got: String,
    },
    /// A `depends` that cannot be read.
    #[error("cannot read depends `{depends}`: {reason}")]
    InvalidDepends {
        /// The condition.
        depends: String,
        /// What is wrong.
        reason: String,
    },
    /// A `depends` with an unknown result; the words are Argo's.
    #[error("task result '{result}' for task '{task}' is invalid")]
    UnknownResult {
        /// The task.
        task: String,
        /// The result.
        result: String,
    },
    /// An expression that cannot be read, or whose names and types do not fit; the words are expr-lang's.
    #[error("{reason}")]
    InvalidExpression {
        /// What is wrong, with the place and the line.
        reason: String,
        /// The line, from 1.
        line: usize,
        /// The character in the line, from 1.
        column: usize,
    },
    /// An expression that can be read but not computed; the words are expr-lang's.
    #[error("{reason}")]
    FailedExpression {
        /// What is wrong, with the place and the line.
        reason: String,
    },
    /// An expression that gives something else than true or false; the words are Argo's.
    #[error("unable to cast expression result '{got}' to bool")]
    ExpressionNotBoolean {
        /// What it gave.
        got: String,
    },
    /// A jq filter or JSONPath that cannot be read.
    #[error("{reason}")]
    InvalidFilter {
        /// What is wrong.
        reason: String,
    },
    /// A jq filter or JSONPath that fails on the document.
    #[error("{reason}")]
    FailedFilter {
        /// What is wrong.
        reason: String,
    },
    /// A label or field selector that cannot be read.
    #[error("{reason}")]
    InvalidSelector {
        /// What is wrong.
        reason: String,
    },
}

impl ExprError {
    /// Returns the stable code; `docs/errors/<code>.md` explains it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unclosed { .. } => "EXP0001",
            Self::ExpressionTag { .. } => "EXP0002",
            Self::Unresolved { .. } => "EXP0003",
            Self::Absent { .. } => "EXP0004",
            Self::TooLong { .. } => "EXP0005",
            Self::TooDeep { .. } => "EXP0006",
            Self::InvalidWhen { .. } => "EXP0007",
            Self::FailedWhen { .. } => "EXP0008",
            Self::NotBoolean { .. } => "EXP0009",
            Self::InvalidDepends { .. } => "EXP0010",
            Self::UnknownResult { .. } => "EXP0011",
            Self::InvalidExpression { .. } => "EXP0012",
            Self::FailedExpression { .. } => "EXP0013",
            Self::ExpressionNotBoolean { .. } => "EXP0014",
            Self::InvalidFilter { .. } => "EXP0015",
            Self::FailedFilter { .. } => "EXP0016",
            Self::InvalidSelector { .. } => "EXP0017",
        }
    }
}

/// Returns the first 120 characters of `text`.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(120).collect()
}
