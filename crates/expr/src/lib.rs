//! Template tags and small expression languages: what comes in is text and a way to look names up, what goes
//! out is text or a decision. Knows no workflow, node or run; who calls decides what a name means.
//!
//! Rooms: `tag` (`{{x}}` in text and JSON), `when` (the condition of steps and tasks), `depends` (the
//! condition of DAG tasks over other tasks' results).
//!
//! Not here: expression tags (`{{=…}}`, expr-lang) and what else is written in expr-lang: they are detected
//! and refused with [`ExprError::ExpressionTag`].
//!
//! Invariant: no input makes anything here panic, recurse deeper than [`MAX_DEPTH`] or write more than
//! [`MAX_OUTPUT_BYTES`].

mod depends;
mod error;
mod tag;
mod when;

pub use depends::{Continues, Depends, TaskResult};
pub use error::ExprError;
pub use tag::{Lookup, Tag, Unresolved, has_tags, pure_tag, substitute, substitute_json, tags};
pub use when::when;

/// The most a substitution may write, in bytes.
pub const MAX_OUTPUT_BYTES: usize = 16 * 1024 * 1024;
/// The longest condition (`when`, `depends`), in bytes.
pub const MAX_CONDITION_BYTES: usize = 256 * 1024;
/// The deepest nesting of parentheses in a condition, and of values in substituted JSON.
pub const MAX_DEPTH: usize = 64;
/// The largest compiled regular expression of a `when`, in bytes.
pub const MAX_REGEX_BYTES: usize = 1024 * 1024;
