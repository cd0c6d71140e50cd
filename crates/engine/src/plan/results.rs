//! Which results a template refers to: standard output is collected only for those.
//! Source: Argo `workflow/controller/operator.go` hasOutputResultRef.

use std::collections::HashSet;

use serde_json::Value;

/// Adds the names of the steps and tasks whose `outputs.result` is mentioned anywhere in `json`.
pub(super) fn referred_to(json: &Value, names: &mut HashSet<String>) {
    let mut open = vec![json];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => mentions(text, names),
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => open.extend(fields.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn mentions(text: &str, names: &mut HashSet<String>) {
    let mut before_end = 0;
    while let Some(at) = text.get(before_end..).and_then(|rest| rest.find(".outputs.result")) {
        let end = before_end.saturating_add(at);
        if let Some(name) = text.get(..end).and_then(name_at_end) {
            names.insert(name.to_owned());
        }
        before_end = end.saturating_add(1);
    }
}

/// Returns `x` of a text that ends in `steps.x`, `tasks.x`, `steps['x']` or `tasks["x"]`.
fn name_at_end(text: &str) -> Option<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if let Some(quoted) = text.strip_suffix(']') {
        let inner = quoted.strip_suffix(['\'', '"'])?;
        let name = inner.get(inner.trim_end_matches(is_name).len()..)?;
        let head = inner.strip_suffix(name)?.strip_suffix(['\'', '"'])?.strip_suffix('[')?;
        return (head.ends_with("steps") || head.ends_with("tasks")).then_some(name);
    }
    let name = text.get(text.trim_end_matches(is_name).len()..)?;
    let head = text.strip_suffix(name)?.strip_suffix('.')?;
    (head.ends_with("steps") || head.ends_with("tasks")).then_some(name)
}
