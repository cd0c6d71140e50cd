//! `depends`: a condition over the results of other tasks, with `&&`, `||`, `!` and parentheses.
//! Source: Argo `workflow/common/ancestry.go`, `docs/enhanced-depends-logic.md`.
//! Not here: which tasks exist.

use crate::{ExprError, MAX_CONDITION_BYTES, MAX_DEPTH, error::shortened};

/// A result of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskResult {
    /// It ended well.
    Succeeded,
    /// It failed.
    Failed,
    /// It met an error.
    Errored,
    /// Its `when` was false.
    Skipped,
    /// Its own `depends` was false.
    Omitted,
    /// It is a daemon and ready.
    Daemoned,
    /// One of its items at least succeeded.
    AnySucceeded,
    /// Every one of its items failed.
    AllFailed,
}

impl TaskResult {
    /// Returns the result called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            "Errored" => Self::Errored,
            "Skipped" => Self::Skipped,
            "Omitted" => Self::Omitted,
            "Daemoned" => Self::Daemoned,
            "AnySucceeded" => Self::AnySucceeded,
            "AllFailed" => Self::AllFailed,
            _ => return None,
        })
    }
}

/// Which failures of a task a bare mention of it accepts (its `continueOn`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Continues {
    /// `Errored`.
    pub on_error: bool,
    /// `Failed`.
    pub on_failed: bool,
}

/// A condition over the results of tasks; `T` names a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Depends<T> {
    /// The task has this result.
    Is(T, TaskResult),
    /// The opposite.
    Not(Box<Self>),
    /// All of these.
    All(Vec<Self>),
    /// One of these at least.
    Any(Vec<Self>),
}

impl Depends<String> {
    /// Reads a `depends`; a bare task name stands for succeeded, skipped or daemoned, and for the failures
    /// that `continues` tells of the task.
    ///
    /// # Errors
    /// [`ExprError::InvalidDepends`], [`ExprError::UnknownResult`], [`ExprError::TooDeep`].
    pub fn parse(text: &str, continues: &dyn Fn(&str) -> Continues) -> Result<Self, ExprError> {
        if text.len() > MAX_CONDITION_BYTES {
            return Err(ExprError::TooLong { limit: MAX_CONDITION_BYTES });
        }
        let mut parser = Parser { text, rest: text, continues, depth: 0 };
        let found = parser.any()?;
        match parser.peek() {
            None => Ok(found),
            Some(other) => Err(parser.invalid(format!("unexpected `{other}`"))),
        }
    }

    /// Returns the condition of plain `dependencies`: each of them, as a bare mention.
    pub fn of_dependencies(names: &[String], continues: &dyn Fn(&str) -> Continues) -> Self {
        Self::All(names.iter().map(|name| bare(name, continues(name))).collect())
    }
}

impl<T> Depends<T> {
    /// Decides the condition, asking `has` for each result.
    pub fn holds(&self, has: &mut dyn FnMut(&T, TaskResult) -> bool) -> bool {
        match self {
            Self::Is(task, result) => has(task, *result),
            Self::Not(inner) => !inner.holds(has),
            Self::All(parts) => parts.iter().all(|part| part.holds(has)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(has)),
        }
    }

    /// Calls `visit` with each task and result mentioned.
    pub fn visit(&self, visit: &mut dyn FnMut(&T, TaskResult)) {
        match self {
            Self::Is(task, result) => visit(task, *result),
            Self::Not(inner) => inner.visit(visit),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.visit(visit)),
        }
    }

    /// Returns the same condition with other names for the tasks; `None` if `rename` has none for one of them.
    pub fn try_map<U>(&self, rename: &mut dyn FnMut(&T) -> Option<U>) -> Option<Depends<U>> {
        Some(match self {
            Self::Is(task, result) => Depends::Is(rename(task)?, *result),
            Self::Not(inner) => Depends::Not(Box::new(inner.try_map(rename)?)),
            Self::All(parts) => {
                Depends::All(parts.iter().map(|part| part.try_map(rename)).collect::<Option<_>>()?)
            }
            Self::Any(parts) => {
                Depends::Any(parts.iter().map(|part| part.try_map(rename)).collect::<Option<_>>()?)
            }
        })
    }
}

fn bare(task: &str, continues: Continues) -> Depends<String> {
    let mut accepted = vec![TaskResult::Succeeded, TaskResult::Skipped, TaskResult::Daemoned];
    if continues.on_error {
        accepted.push(TaskResult::Errored);
    }
    if continues.on_failed {
        accepted.push(TaskResult::Failed);
    }
    Depends::Any(accepted.into_iter().map(|result| Depends::Is(task.to_owned(), result)).collect())
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    continues: &'a dyn Fn(&str) -> Continues,
    depth: usize,
}

impl Parser<'_> {
    fn invalid(&self, reason: impl Into<String>) -> ExprError {
        ExprError::InvalidDepends { depends: shortened(self.text), reason: reason.into() }
    }

    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, symbol: &str) -> bool {
        self.peek();
        match self.rest.strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn any(&mut self) -> Result<Depends<String>, ExprError> {
        let first = self.all()?;
        let mut parts = vec![first];
        while self.take("||") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Depends::Any))
    }

    fn all(&mut self) -> Result<Depends<String>, ExprError> {
        let first = self.unary()?;
        let mut parts = vec![first];
        while self.take("&&") {
            parts.push(self.unary()?);
        }
        Ok(one_or(parts, Depends::All))
    }

    fn unary(&mut self) -> Result<Depends<String>, ExprError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(ExprError::TooDeep { limit: MAX_DEPTH });
        }
        let found = if self.take("!") {
            Depends::Not(Box::new(self.unary()?))
        } else if self.take("(") {
            let inner = self.any()?;
            if !self.take(")") {
                return Err(self.invalid("a `)` is missing"));
            }
            inner
        } else {
            self.task()?
        };
        self.depth = self.depth.saturating_sub(1);
        Ok(found)
    }

    fn task(&mut self) -> Result<Depends<String>, ExprError> {
        let Some(next) = self.peek() else { return Err(self.invalid("a task is missing at the end")) };
        let name = self.word();
        if name.is_empty() {
            return Err(self.invalid(format!("unexpected `{next}`")));
        }
        let Some(rest) = self.rest.strip_prefix('.') else { return Ok(bare(name, (self.continues)(name))) };
        self.rest = rest;
        let result = self.word();
        match TaskResult::from_name(result) {
            Some(result) => Ok(Depends::Is(name.to_owned(), result)),
            None => Err(ExprError::UnknownResult { task: shortened(name), result: shortened(result) }),
        }
    }
}

impl<'a> Parser<'a> {
    fn word(&mut self) -> &'a str {
        let rest: &'a str = self.rest;
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).unwrap_or(rest.len());
        let (word, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        self.rest = rest;
        word
    }
}

fn one_or(
    mut parts: Vec<Depends<String>>,
    wrap: fn(Vec<Depends<String>>) -> Depends<String>,
) -> Depends<String> {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            wrap(parts)
        }
    }
}
