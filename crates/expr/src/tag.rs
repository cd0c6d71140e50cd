//! Tags `{{x}}` and `{{=expression}}` in text: spaces trimmed, the innermost first, one level of nesting a pass.
//! Source: Argo `util/template/{simple_template,expression_template}.go` over valyala/fasttemplate. Substituting the
//! strings of a JSON value is the same as substituting its text and escaping each value.
//! Not here: what a name means; the language of expressions (see `lang`).

use serde_json::Value;

use crate::{
    ExprError, MAX_DEPTH, MAX_OUTPUT_BYTES,
    error::shortened,
    lang::{Env, Expression, Value as Computed},
};

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// This text.
    Text(String),
    /// An output that was not produced and has no default.
    Absent,
    /// Nothing known.
    Unknown,
}

impl From<Option<String>> for Lookup {
    fn from(found: Option<String>) -> Self {
        found.map_or(Self::Unknown, Self::Text)
    }
}

/// Knows what tags stand for.
pub trait Names {
    /// Returns what a simple tag's name stands for.
    fn lookup(&mut self, name: &str) -> Lookup;
    /// Returns what expressions may look at; without it expression tags stay as they are.
    fn env(&mut self) -> Option<&Env>;
}

/// Simple names alone.
struct Simple<'a>(&'a mut dyn FnMut(&str) -> Lookup);

impl Names for Simple<'_> {
    fn lookup(&mut self, name: &str) -> Lookup {
        (self.0)(name)
    }
    fn env(&mut self) -> Option<&Env> {
        None
    }
}

/// What happens to a tag whose name is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unresolved<'a> {
    /// It stays as it is written.
    Keep,
    /// It is an error.
    Refuse,
    /// It is an error if the part of its name before the first dot is one of these, else it stays.
    RefuseRoots(&'a [&'a str]),
}

impl Unresolved<'_> {
    fn refuses(self, name: &str) -> bool {
        match self {
            Self::Keep => false,
            Self::Refuse => true,
            Self::RefuseRoots(roots) => {
                let root = name.split(['.', '[']).next().unwrap_or(name);
                roots.contains(&root)
            }
        }
    }
}

/// One tag of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag<'a> {
    /// `{{name}}`, trimmed.
    Simple(&'a str),
    /// `{{=expression}}`, as written after the `=`.
    Expression(&'a str),
}

/// Whether there may be a tag in `text`.
pub fn has_tags(text: &str) -> bool {
    text.contains(OPEN)
}

/// Returns the name of the tag if `text` is one simple tag and nothing else.
pub fn pure_tag(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    (!inner.contains(OPEN) && !inner.contains(CLOSE) && !inner.starts_with('=')).then(|| inner.trim())
}

/// Returns the tags of `text` in order, the innermost where they are nested.
///
/// # Errors
/// [`ExprError::Unclosed`] for `{{` without `}}`.
pub fn tags(text: &str) -> Result<Vec<Tag<'_>>, ExprError> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(OPEN) {
        let Some((tag, next)) = after.split_once(CLOSE) else {
            return Err(ExprError::Unclosed { text: shortened(after) });
        };
        found.push(match tag.strip_prefix('=') {
            Some(expression) => Tag::Expression(expression),
            None => Tag::Simple(innermost(tag).1.trim()),
        });
        rest = next;
    }
    Ok(found)
}

/// Splits a tag that holds further openings before its innermost one.
fn innermost(tag: &str) -> (Option<&str>, &str) {
    tag.rsplit_once(OPEN).map_or((None, tag), |(before, inner)| (Some(before), inner))
}

/// Returns `text` with each simple tag replaced by what `lookup` knows, expression tags left as they are; one pass, values are not looked through again.
///
/// # Errors
/// [`ExprError::Unresolved`] and [`ExprError::Unclosed`] as
/// `unresolved` says; [`ExprError::Absent`] for an absent output; [`ExprError::TooLong`].
pub fn substitute(
    text: &str,
    lookup: &mut dyn FnMut(&str) -> Lookup,
    unresolved: Unresolved<'_>,
) -> Result<String, ExprError> {
    substitute_with(text, &mut Simple(lookup), unresolved)
}

/// As [`substitute`], and expression tags are replaced by their values: a text as it is, anything else as JSON.
///
/// # Errors
/// As [`substitute`], and [`ExprError::ExpressionTag`] for an expression that can't be read, or has no value and
/// `unresolved` lets it not stay.
pub fn substitute_with(
    text: &str,
    names: &mut dyn Names,
    unresolved: Unresolved<'_>,
) -> Result<String, ExprError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        out.push_str(before);
        let Some((tag, next)) = after.split_once(CLOSE) else {
            if unresolved == Unresolved::Refuse {
                return Err(ExprError::Unclosed { text: shortened(after) });
            }
            out.push_str(OPEN);
            rest = after;
            continue;
        };
        one(tag, &mut out, names, unresolved)?;
        if out.len() > MAX_OUTPUT_BYTES {
            return Err(ExprError::TooLong { limit: MAX_OUTPUT_BYTES });
        }
        rest = next;
    }
    out.push_str(rest);
    if out.len() > MAX_OUTPUT_BYTES {
        return Err(ExprError::TooLong { limit: MAX_OUTPUT_BYTES });
    }
    Ok(out)
}

fn one(
    tag: &str,
    out: &mut String,
    names: &mut dyn Names,
    unresolved: Unresolved<'_>,
) -> Result<(), ExprError> {
    if let Some(expression) = tag.strip_prefix('=') {
        match names.env().map(|env| expression_text(expression, env, unresolved)).transpose()? {
            Some(Some(text)) => out.push_str(&text),
            None | Some(None) => {
                out.push_str(OPEN);
                out.push_str(tag);
                out.push_str(CLOSE);
            }
        }
        return Ok(());
    }
    let whole = tag.trim();
    match names.lookup(whole) {
        Lookup::Text(value) => {
            out.push_str(&value);
            return Ok(());
        }
        Lookup::Absent => return Err(ExprError::Absent { tag: whole.to_owned() }),
        Lookup::Unknown => {}
    }
    let (outer, inner) = innermost(tag);
    let name = inner.trim();
    // only behind other text and written without spaces, as Argo has it
    if let Some(outer) = outer.filter(|outer| !outer.is_empty() && name == inner) {
        match names.lookup(name) {
            Lookup::Text(value) => {
                out.push_str(OPEN);
                out.push_str(outer);
                out.push_str(&value);
                return Ok(());
            }
            Lookup::Absent => return Err(ExprError::Absent { tag: name.to_owned() }),
            Lookup::Unknown => {}
        }
    }
    if unresolved.refuses(name) {
        // as it is written, spaces too: Argo's words
        return Err(ExprError::Unresolved { tag: shortened(inner) });
    }
    out.push_str(OPEN);
    out.push_str(tag);
    out.push_str(CLOSE);
    Ok(())
}

/// Returns an expression's value as text; `None` if it has none yet and `unresolved` lets the tag stay. Names that
/// are missing and may be are nil, but for those that get their values later.
/// Source: Argo `expression_template.go` expressionReplaceStrict, expressionReplaceCore.
fn expression_text(
    expression: &str,
    env: &Env,
    unresolved: Unresolved<'_>,
) -> Result<Option<String>, ExprError> {
    let refused = |reason: String| ExprError::ExpressionTag { reason };
    let parsed = Expression::parse(expression).map_err(|error| refused(error.to_string()))?;
    let missing = parsed.missing(env);
    if let Some(name) = missing.iter().find(|name| unresolved.refuses(name)) {
        return Err(refused(format!("{name} is missing")));
    }
    let may_stay = unresolved == Unresolved::Keep || !missing.is_empty();
    if may_stay && parsed.late_bound_missing(env).is_some() {
        return Ok(None);
    }
    let text = match parsed.evaluate(env) {
        Ok(Computed::Nil) => Err(format!("\"{}\"", shortened(expression))),
        Ok(value) => value.to_tag_text().map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match text {
        Ok(text) => Ok(Some(text)),
        Err(_) if may_stay => Ok(None),
        Err(reason) => Err(refused(reason)),
    }
}

/// Replaces the tags in every string and key of `value`.
///
/// # Errors
/// As [`substitute`], and [`ExprError::TooDeep`].
pub fn substitute_json(
    value: &mut Value,
    lookup: &mut dyn FnMut(&str) -> Lookup,
    unresolved: Unresolved<'_>,
) -> Result<(), ExprError> {
    substitute_json_with(value, &mut Simple(lookup), unresolved)
}

/// Replaces the tags in every string and key of `value`, expression tags too.
///
/// # Errors
/// As [`substitute_with`], and [`ExprError::TooDeep`].
pub fn substitute_json_with(
    value: &mut Value,
    names: &mut dyn Names,
    unresolved: Unresolved<'_>,
) -> Result<(), ExprError> {
    // The limit is over that of manifests, so that a checked manifest never meets it.
    walk(value, names, unresolved, MAX_DEPTH.saturating_mul(2))
}

fn walk(
    value: &mut Value,
    names: &mut dyn Names,
    unresolved: Unresolved<'_>,
    depth_left: usize,
) -> Result<(), ExprError> {
    let Some(left) = depth_left.checked_sub(1) else {
        return Err(ExprError::TooDeep { limit: MAX_DEPTH.saturating_mul(2) });
    };
    match value {
        Value::String(text) if has_tags(text) => *text = substitute_with(text, names, unresolved)?,
        Value::Array(items) => {
            for item in items {
                walk(item, names, unresolved, left)?;
            }
        }
        Value::Object(fields) => {
            if fields.keys().any(|key| has_tags(key)) {
                for (key, value) in std::mem::take(fields) {
                    fields.insert(substitute_with(&key, names, unresolved)?, value);
                }
            }
            for field in fields.values_mut() {
                walk(field, names, unresolved, left)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}
