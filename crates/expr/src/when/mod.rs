//! The condition of a step or task, as Argo reads it with Knetic/govaluate after substitution: bare words are
//! strings, the result must be a boolean.
//! Stages: `lexer` (text to tokens) → `syntax` (which token may follow which) → `parser` (tokens to a tree) →
//! `value` (the tree decided).
//! Deliberately stricter than govaluate in two corners where it drops part of the condition: an operand right
//! behind a closing parenthesis, and an operator right before one, are errors here.
//! Not here: the formats of dates with names of days or months, which are compared as strings.

mod lexer;
mod parser;
mod syntax;
mod time;
mod value;

use crate::{ExprError, MAX_CONDITION_BYTES, error::shortened};

/// Decides a condition; an empty one holds.
///
/// # Errors
/// [`ExprError::InvalidWhen`], [`ExprError::FailedWhen`], [`ExprError::NotBoolean`], [`ExprError::TooLong`].
pub fn when(condition: &str) -> Result<bool, ExprError> {
    if condition.is_empty() {
        return Ok(true);
    }
    if condition.len() > MAX_CONDITION_BYTES {
        return Err(ExprError::TooLong { limit: MAX_CONDITION_BYTES });
    }
    let invalid = |reason: String| ExprError::InvalidWhen { when: shortened(condition), reason };
    let tokens = lexer::tokens(condition).map_err(invalid)?;
    syntax::check(&tokens).map_err(invalid)?;
    let tree = parser::parse(tokens).map_err(invalid)?;
    let got = tree.decide().map_err(|reason| ExprError::FailedWhen { when: shortened(condition), reason })?;
    match got {
        value::Value::Bool(answer) => Ok(answer),
        other => Err(ExprError::NotBoolean { when: shortened(condition), got: other.to_string() }),
    }
}
