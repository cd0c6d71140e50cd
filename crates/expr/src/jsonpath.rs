//! JSONPath in both spellings that Argo meets: RFC 9535 (`$.a[0]`), and kubectl's templates (`{.items[*].metadata.name}`).
//! Source: Kubernetes `client-go/util/jsonpath`; a template's values stand side by side with spaces, as kubectl prints
//! them. Not here: `range` … `end` within templates, which only format (they are refused by name).

use serde_json::Value;
use serde_json_path::JsonPath;

use crate::{ExprError, MAX_CONDITION_BYTES, MAX_OUTPUT_BYTES, error::shortened};

/// Returns what a path or template gives of `document`: a single value as it is, several as a JSON list (`$…`), or with
/// spaces between them (`{…}`).
///
/// # Errors
/// [`ExprError::InvalidFilter`], [`ExprError::FailedFilter`] if a name is not there, [`ExprError::TooLong`].
pub fn jsonpath(path: &str, document: &Value) -> Result<String, ExprError> {
    if path.len() > MAX_CONDITION_BYTES {
        return Err(ExprError::TooLong { limit: MAX_CONDITION_BYTES });
    }
    if !path.contains('{') {
        let found = query(path, document)?;
        let singular = parse(path)?.1;
        return Ok(match found.as_slice() {
            [one] if singular => shown(one),
            [] if singular => return Err(not_found(path)),
            all => Value::Array(all.iter().map(|value| (*value).clone()).collect()).to_string(),
        });
    }
    let mut out = String::new();
    let mut rest = path;
    while let Some((text, after)) = rest.split_once('{') {
        out.push_str(text);
        let (inner, next) = closed(after).ok_or_else(|| invalid(path, "unclosed action"))?;
        rest = next;
        if let Some(text) = quoted(inner) {
            out.push_str(&text);
            continue;
        }
        let found = query(inner, document)?;
        if found.is_empty() && parse(inner)?.1 {
            return Err(not_found(inner));
        }
        out.push_str(&found.into_iter().map(shown).collect::<Vec<_>>().join(" "));
        if out.len() > MAX_OUTPUT_BYTES {
            return Err(ExprError::TooLong { limit: MAX_OUTPUT_BYTES });
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Returns the text up to the closing brace, outside of quotes, and what follows it.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, one) in text.char_indices() {
        match (quote, one) {
            (None, '}') => return Some((text.get(..at)?, text.get(at.saturating_add(1)..)?)),
            (None, '"' | '\'') => quote = Some(one),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    None
}

fn quoted(inner: &str) -> Option<String> {
    let inner = inner.trim();
    let text = inner.strip_prefix('"')?.strip_suffix('"')?;
    Some(text.replace("\\n", "\n").replace("\\t", "\t"))
}

/// Returns the path as RFC 9535 spells it, and whether it names at most one value.
fn parse(path: &str) -> Result<(JsonPath, bool), ExprError> {
    let trimmed = path.trim();
    for word in ["range", "end"] {
        if trimmed == word || trimmed.starts_with(&format!("{word} ")) {
            return Err(invalid(path, &format!("`{word}` is not supported")));
        }
    }
    let rooted = match trimmed.strip_prefix('@').unwrap_or(trimmed) {
        "" | "." => "$".to_owned(),
        root if root.starts_with('$') => root.to_owned(),
        root if root.starts_with(['.', '[']) => format!("${root}"),
        other => format!("$.{other}"),
    };
    let plain = unescaped(&rooted);
    let parsed = JsonPath::parse(&plain).map_err(|error| invalid(path, &error.to_string()))?;
    let singular = !["*", "..", "?", ":", ","].iter().any(|sign| outside_quotes(&plain, sign));
    Ok((parsed, singular))
}

/// kubectl writes `.metadata.labels.app\.kubernetes\.io/name`, and names with `-` and `/`; RFC 9535 wants brackets.
fn unescaped(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(start) = rest.find('.') {
        let (before, after) = rest.split_at(start);
        out.push_str(before);
        let after = after.get(1..).unwrap_or_default();
        let (name, end) = member(after);
        if name.is_empty() || before.contains(['\'', '"', '?', '(']) {
            out.push('.');
            rest = after;
            continue;
        }
        let simple = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if simple {
            out.push('.');
            out.push_str(&name);
        } else {
            out.push_str(&format!("[{}]", Value::from(name)));
        }
        rest = after.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Returns a member's name with its escapes undone, and its length in the text.
fn member(text: &str) -> (String, usize) {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, one)) = chars.next() {
        match one {
            '\\' => name.extend(chars.next().map(|(_, escaped)| escaped)),
            '.' | '[' | '*' | ' ' | ')' | '=' | '<' | '>' | '!' | '&' | '|' | ']' | ',' => return (name, at),
            other => name.push(other),
        }
    }
    (name, text.len())
}

fn outside_quotes(path: &str, sign: &str) -> bool {
    let mut quote: Option<char> = None;
    let mut plain = String::new();
    for one in path.chars() {
        match quote {
            Some(open) if open == one => quote = None,
            Some(_) => {}
            None if one == '"' || one == '\'' => quote = Some(one),
            None => plain.push(one),
        }
    }
    plain.contains(sign)
}

fn query<'a>(path: &str, document: &'a Value) -> Result<Vec<&'a Value>, ExprError> {
    Ok(parse(path)?.0.query(document).all())
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn invalid(path: &str, why: &str) -> ExprError {
    ExprError::InvalidFilter {
        reason: format!("`{}` is not a JSONPath: {}", shortened(path), shortened(why)),
    }
}

fn not_found(path: &str) -> ExprError {
    ExprError::FailedFilter { reason: format!("{} is not found", shortened(path.trim())) }
}
