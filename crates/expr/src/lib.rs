//! Template tags and small expression languages: what comes in is text and a way to look names up, what goes
//! out is text or a decision. Knows no workflow, node or run; who calls decides what a name means.
//!
//! Rooms: `tag` (`{{x}}` and `{{=x}}` in text and JSON), `lang` (expr-lang, with Argo's functions), `sprig` (the
//! functions of that name), `jq`, `jsonpath` and `selector` (documents, labels and fields), `when` (the
//! condition of steps and tasks), `depends` (the condition of DAG tasks over other tasks' results), `pattern` (Go's regular expressions).
//!
//! Invariant: no input makes anything here panic, recurse deeper than [`MAX_DEPTH`] or write more than
//! [`MAX_OUTPUT_BYTES`].

mod depends;
mod error;
mod jq;
mod jsonpath;
pub mod lang;
mod pattern;
pub mod selector;
mod sprig;
mod tag;
mod when;

pub use depends::{Continues, Depends, TaskResult};
pub use error::ExprError;
pub use jq::jq;
pub use jsonpath::jsonpath;
pub use tag::{
    Lookup, Names, Tag, Unresolved, has_tags, pure_tag, substitute, substitute_json, substitute_json_with,
    substitute_with, tags,
};
pub use when::{Words, when, when_with};

/// The most a substitution may write, in bytes.
pub const MAX_OUTPUT_BYTES: usize = 16 * 1024 * 1024;
/// The longest condition (`when`, `depends`), in bytes.
pub const MAX_CONDITION_BYTES: usize = 256 * 1024;
/// The deepest nesting of parentheses in a condition, and of values in substituted JSON.
pub const MAX_DEPTH: usize = 64;
/// The largest compiled regular expression, in bytes.
pub const MAX_REGEX_BYTES: usize = 1024 * 1024;
