//! The language of `{{=…}}`, retry and hook expressions, `valueFrom.expression` and the like: expr-lang v1.17 with
//! the functions Argo adds (`asInt`, `asFloat`, `jsonpath`, `toJson`, `sprig.*`).
//! Stages: `token` → `parse` → `check` (types, as far as they are known) → `eval`.
//!
//! Deliberately absent: patching, custom operators, methods of Go structs; functions that reach out of the
//! process (DNS, environment, key generation) are named in their errors. Where Go's order of map keys is random,
//! keys are sorted here.

mod argo;
mod ast;
mod builtin;
mod check;
mod env;
mod eval;
mod names;
mod operate;
mod parse;
pub(crate) mod print;
pub(crate) mod time;
mod token;
mod types;
mod value;

use std::collections::BTreeSet;

pub(crate) use builtin::{from_json, parse_float, rounded, split};
pub use env::Env;
pub(crate) use eval::Machine;
pub(crate) use operate::{as_float, same};
pub use time::Instant;
pub use value::{Function, Value};

use crate::{ExprError, error::shortened};

/// The longest expression, in bytes.
pub const MAX_EXPRESSION_BYTES: usize = 256 * 1024;
/// The deepest nesting of parentheses and the like in an expression.
pub const MAX_EXPRESSION_DEPTH: usize = 64;
/// The highest tree of an expression: so many operators may stand in a row.
pub const MAX_EXPRESSION_HEIGHT: usize = 256;
/// The most parts an expression may have; Go's limit.
pub const MAX_NODES: usize = 10_000;
/// The most steps an evaluation may take.
pub const MAX_STEPS: usize = 2_000_000;
/// The most memory an evaluation may use, in items of lists and bytes of repeated text; Go's limit.
pub const MAX_MEMORY: usize = 1_000_000;
/// The deepest nesting of a value.
pub const MAX_VALUE_DEPTH: usize = 256;

/// The variables that get their values later than the workflow's own.
/// Source: Argo `util/template/expression_template.go`, `variablesToCheck`.
const LATE_BOUND: &[&str] = &[
    "item",
    "retries",
    "lastRetry.exitCode",
    "lastRetry.status",
    "lastRetry.duration",
    "lastRetry.message",
    "workflow.status",
    "workflow.failures",
];

/// What is wrong and at which character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) message: String,
}

/// A parsed expression. It can be kept and evaluated many times.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    source: String,
    tree: ast::Node,
    /// The builtins it calls: a variable so called makes it mean something else.
    called: Vec<String>,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`ExprError::InvalidExpression`] in expr-lang's words, with the place.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        Self::parse_with(source, &|_| false)
    }

    fn parse_with(source: &str, overridden: &dyn Fn(&str) -> bool) -> Result<Self, ExprError> {
        let mut called = Vec::new();
        match parse::parse(source, overridden, &mut called) {
            Ok(tree) => Ok(Self { source: source.to_owned(), tree, called }),
            Err(fault) => Err(invalid(source, &fault)),
        }
    }

    /// Reads an expression in which the variables of `env` override functions, as Go compiles it, and checks it.
    ///
    /// # Errors
    /// [`ExprError::InvalidExpression`]: also unknown names and types that do not fit.
    pub fn compile(source: &str, env: &Env) -> Result<Self, ExprError> {
        let expression = Self::parse_with(source, &|name| env.get(name).is_some())?;
        check::check(&expression.tree, env).map_err(|fault| invalid(source, &fault))?;
        Ok(expression)
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Computes the value.
    ///
    /// # Errors
    /// [`ExprError::InvalidExpression`] for what Go finds when it compiles (unknown names, types that do not
    /// fit), [`ExprError::FailedExpression`] for what it finds at run time and for the limits.
    pub fn evaluate(&self, env: &Env) -> Result<Value, ExprError> {
        if self.called.iter().any(|name| env.has_variable(name)) {
            let again = Self::parse_with(&self.source, &|name| env.get(name).is_some())?;
            return again.evaluate_checked(env);
        }
        self.evaluate_checked(env)
    }

    fn evaluate_checked(&self, env: &Env) -> Result<Value, ExprError> {
        check::check(&self.tree, env).map_err(|fault| invalid(&self.source, &fault))?;
        eval::run(&self.tree, env)
            .map_err(|fault| ExprError::FailedExpression { reason: located(&self.source, &fault) })
    }

    /// Computes the value, which must be true or false (Argo `util/expr/argoexpr`).
    ///
    /// # Errors
    /// As [`Expression::evaluate`], in Argo's words, and [`ExprError::ExpressionNotBoolean`].
    pub fn evaluate_bool(&self, env: &Env) -> Result<bool, ExprError> {
        let value = self.evaluate(env).map_err(|error| match error {
            ExprError::FailedExpression { reason } => ExprError::FailedExpression {
                reason: format!("unable to evaluate expression '{}': {reason}", shortened(&self.source)),
            },
            other => other,
        })?;
        match value {
            Value::Bool(answer) => Ok(answer),
            other => Err(ExprError::ExpressionNotBoolean { got: shortened(&print::plain(&other)) }),
        }
    }

    /// Returns the names it needs: variables and paths of members (`a`, `a.b`), without members guarded by `??`
    /// or `?.`. Source: Argo's `getIdentifiers`.
    pub fn identifiers(&self) -> Vec<String> {
        names::required(&self.tree)
    }

    /// Returns the first parts of all names in it, functions included: what an environment must offer.
    pub fn roots(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        names::roots(&self.tree, &mut found);
        found
    }

    /// Returns the names it needs that `env` does not have. Source: Argo's `missingVarsInEnv`.
    pub fn missing(&self, env: &Env) -> Vec<String> {
        self.identifiers().into_iter().filter(|name| !env.has(name)).collect()
    }

    /// Returns the first variable in it that gets its value only later (for each item, for each attempt, or at the
    /// end of the workflow) and isn't in `env`. Source: Argo's `anyVarNotInEnv`.
    pub fn late_bound_missing(&self, env: &Env) -> Option<&'static str> {
        let tokens: Vec<String> = token::tokens(&self.source).0.iter().map(token::Token::shown).collect();
        let holds = |name: &str| {
            let name: Vec<String> = token::tokens(name).0.iter().map(token::Token::shown).collect();
            // the last one is the end
            let name = name.split_last().map_or(&[][..], |(_, rest)| rest);
            tokens.windows(name.len()).any(|window| window == name)
        };
        LATE_BOUND.iter().copied().find(|name| self.source.contains(name) && holds(name) && !env.has(name))
    }
}

impl Value {
    /// Returns the value as compact JSON, as Go writes it: keys sorted, `<`, `>`, `&` escaped.
    ///
    /// # Errors
    /// [`ExprError::FailedExpression`] for functions, infinities and maps with other keys than strings.
    pub fn to_json_text(&self) -> Result<String, ExprError> {
        print::json(self, print::Style::Compact).map_err(|reason| ExprError::FailedExpression { reason })
    }

    /// Returns what stands in place of a tag with this value: a text as it is, so also a time; anything else as JSON.
    ///
    /// # Errors
    /// As [`Value::to_json_text`].
    pub fn to_tag_text(&self) -> Result<String, ExprError> {
        if let Self::Text(text) = self {
            return Ok(text.to_string());
        }
        let json = self.to_json_text()?;
        let bare = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        Ok(bare.map(str::to_owned).unwrap_or(json))
    }

    /// Returns the value as JSON.
    ///
    /// # Errors
    /// As [`Value::to_json_text`].
    pub fn to_json(&self) -> Result<serde_json::Value, ExprError> {
        serde_json::from_str(&self.to_json_text()?)
            .map_err(|error| ExprError::FailedExpression { reason: error.to_string() })
    }
}

impl std::fmt::Display for Value {
    /// Go's `%v`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&print::plain(self))
    }
}

/// Evaluates an expression that must be true or false.
///
/// # Errors
/// As [`Expression::evaluate_bool`].
pub fn evaluate_bool(source: &str, env: &Env) -> Result<bool, ExprError> {
    Expression::compile(source, env)?.evaluate_bool(env)
}

/// Evaluates an expression.
///
/// # Errors
/// As [`Expression::evaluate`].
pub fn evaluate(source: &str, env: &Env) -> Result<Value, ExprError> {
    Expression::compile(source, env)?.evaluate(env)
}

fn invalid(source: &str, fault: &Fault) -> ExprError {
    let (line, column, _) = place(source, fault.at);
    ExprError::InvalidExpression { reason: located(source, fault), line, column }
}

/// The line and column (from 1) of a character, and its line's text.
fn place(source: &str, at: usize) -> (usize, usize, &str) {
    let mut line: usize = 1;
    let mut column: usize = 0;
    let mut start = 0;
    for (offset, one) in source.char_indices().take(at) {
        if one == '\n' {
            line = line.saturating_add(1);
            column = 0;
            start = offset.saturating_add(1);
        } else {
            column = column.saturating_add(1);
        }
    }
    let text = source.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    (line, column.saturating_add(1), text)
}

/// The message with its place and the line, as expr-lang shows it.
fn located(source: &str, fault: &Fault) -> String {
    let (line, column, text) = place(source, fault.at);
    let message = &fault.message;
    if text.is_empty() || text.len() > 1_000 {
        return format!("{message} ({line}:{column})");
    }
    let dots = ".".repeat(column.saturating_sub(1));
    format!("{message} ({line}:{column})\n | {text}\n | {dots}^")
}
