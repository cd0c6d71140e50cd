//! The condition of a step or task, as Argo reads it with Knetic/govaluate after substitution; the result must be
//! a boolean. A condition is read twice, once with bare words as names and once as strings, as Argo does.
//! Stages: `lexer` (text to tokens) → `syntax` (which token may follow which) → `parser` (tokens to a tree) →
//! `value` (the tree decided).
//! Deliberately stricter than govaluate in two corners where it drops part of the condition: an operand right
//! behind a closing parenthesis, and an operator right before one, are errors here.
//! Not here: functions and parameters, of which Argo gives none.

mod lexer;
mod number;
mod parser;
mod syntax;
mod time;
mod value;

use crate::{ExprError, MAX_CONDITION_BYTES, error::shortened};

/// What a bare word of a condition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// A string, as in the `when` of steps and tasks.
    AreStrings,
    /// A parameter, of which there are none, as in the `when` of a CronWorkflow.
    AreNames,
}

/// Decides the condition of a step or task; an empty one holds.
///
/// # Errors
/// As [`when_with`].
pub fn when(condition: &str) -> Result<bool, ExprError> {
    when_with(condition, Words::AreStrings)
}

/// Decides a condition; an empty one holds.
///
/// # Errors
/// [`ExprError::InvalidWhen`], [`ExprError::FailedWhen`], [`ExprError::NotBoolean`], [`ExprError::TooLong`].
pub fn when_with(condition: &str, words: Words) -> Result<bool, ExprError> {
    if condition.is_empty() {
        return Ok(true);
    }
    if condition.len() > MAX_CONDITION_BYTES {
        return Err(ExprError::TooLong { limit: MAX_CONDITION_BYTES });
    }
    let invalid = |reason: String| ExprError::InvalidWhen { when: shortened(condition), reason };
    let mut tokens = lexer::tokens(condition).map_err(invalid)?;
    syntax::check(&tokens).map_err(invalid)?;
    if words == Words::AreStrings {
        syntax::words_are_strings(&mut tokens);
        syntax::check(&tokens).map_err(invalid)?;
    }
    let tree = parser::parse(tokens).map_err(invalid)?;
    let got = tree.decide().map_err(|reason| ExprError::FailedWhen { when: shortened(condition), reason })?;
    match got {
        value::Value::Bool(answer) => Ok(answer),
        other => Err(ExprError::NotBoolean { when: shortened(condition), got: other.to_string() }),
    }
}
