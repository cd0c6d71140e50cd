//! Cedar expressions in Cedar's own JSON form. Policies are built as values, never as text, so nothing that
//! somebody wrote in a manifest can be read as policy.
//! Not here: what the policies say (see `compile`).

use model::oam::{Subject, Via};
use serde_json::{Value, json};

use crate::names::{Kind, entity_json, user_id, via_id};

/// Returns `principal`.
pub(crate) fn principal() -> Value {
    json!({ "Var": "principal" })
}

/// Returns `context.NAME`.
pub(crate) fn context(name: &str) -> Value {
    attribute(json!({ "Var": "context" }), name)
}

/// Returns `context.session.NAME`.
pub(crate) fn session(name: &str) -> Value {
    attribute(context("session"), name)
}

/// Returns `resource.NAME`.
pub(crate) fn resource(name: &str) -> Value {
    attribute(json!({ "Var": "resource" }), name)
}

/// Returns `of.NAME`.
pub(crate) fn attribute(of: Value, name: &str) -> Value {
    json!({ ".": { "left": of, "attr": name } })
}

/// Returns `of has NAME`.
pub(crate) fn has(of: Value, name: &str) -> Value {
    json!({ "has": { "left": of, "attr": name } })
}

/// Returns the literal.
pub(crate) fn literal(value: impl Into<Value>) -> Value {
    json!({ "Value": value.into() })
}

/// Returns the entity literal.
pub(crate) fn entity(kind: Kind, id: &str) -> Value {
    json!({ "Value": { "__entity": entity_json(kind, id) } })
}

/// Returns the path as a literal.
pub(crate) fn via(via: Via) -> Value {
    entity(Kind::Via, via_id(via))
}

/// Returns `[a, b, …]`; strict validation refuses an empty one, so callers never ask for it.
pub(crate) fn set(elements: Vec<Value>) -> Value {
    json!({ "Set": elements })
}

/// Returns the set of these strings.
pub(crate) fn strings<S: AsRef<str>>(texts: &[S]) -> Value {
    set(texts.iter().map(|text| literal(text.as_ref())).collect())
}

/// Returns `left OP right`, where `OP` is a binary operator or a method of one argument.
pub(crate) fn binary(operator: &str, left: Value, right: Value) -> Value {
    json!({ operator: { "left": left, "right": right } })
}

/// Returns `left == right`.
pub(crate) fn equal(left: Value, right: Value) -> Value {
    binary("==", left, right)
}

/// Returns `!expression`.
pub(crate) fn not(expression: Value) -> Value {
    json!({ "!": { "arg": expression } })
}

/// Returns `expression.isEmpty()`.
pub(crate) fn is_empty(expression: Value) -> Value {
    json!({ "isEmpty": { "arg": expression } })
}

/// Returns `principal is KIND`.
pub(crate) fn principal_is(kind: Kind) -> Value {
    json!({ "is": { "left": principal(), "entity_type": kind.name() } })
}

/// Returns `a || b || …`; `false` when there is none.
pub(crate) fn any(expressions: Vec<Value>) -> Value {
    balanced("||", expressions).unwrap_or_else(|| literal(false))
}

/// Returns `a && b && …`; `true` when there is none.
pub(crate) fn all(expressions: Vec<Value>) -> Value {
    balanced("&&", expressions).unwrap_or_else(|| literal(true))
}

/// Joins the expressions as a balanced tree: a chain would be as deep as it is long, and its length is somebody
/// else's choice.
fn balanced(operator: &str, mut expressions: Vec<Value>) -> Option<Value> {
    while expressions.len() > 1 {
        let mut rest = expressions.into_iter();
        let mut joined = Vec::new();
        while let Some(left) = rest.next() {
            joined.push(match rest.next() {
                Some(right) => binary(operator, left, right),
                None => left,
            });
        }
        expressions = joined;
    }
    expressions.pop()
}

/// Returns whether the principal is one of `subjects`; `false` when there is none.
pub(crate) fn is_one_of<'a>(subjects: impl IntoIterator<Item = &'a Subject>) -> Value {
    let (mut groups, mut users, mut workloads) = (Vec::new(), Vec::new(), Vec::new());
    for subject in subjects {
        match subject {
            Subject::Group(name) => groups.push(entity(Kind::Group, name)),
            Subject::User { issuer, subject } => users.push(entity(Kind::User, &user_id(issuer, subject))),
            Subject::Workload(name) => workloads.push(entity(Kind::Workload, name)),
        }
    }
    let lists = [groups, users, workloads];
    any(lists
        .into_iter()
        .filter(|list| !list.is_empty())
        .map(|list| binary("in", principal(), set(list)))
        .collect())
}
