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

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fs, path::Path};

    use serde_json::{Value, json};

    use super::referred_to;

    fn names(text: &str) -> HashSet<String> {
        let mut names = HashSet::new();
        referred_to(&json!({"args": ["x", text]}), &mut names);
        names
    }

    #[test]
    fn a_result_is_referred_to_with_dots_or_brackets() {
        for text in [
            "{{steps.a-b.outputs.result}}",
            "{{=tasks['a-b'].outputs.result}}",
            "steps[\"a-b\"].outputs.result",
        ] {
            assert_eq!(names(text), HashSet::from(["a-b".to_owned()]), "{text}");
        }
        for text in [
            "{{steps.a.outputs.results}}",
            "{{inputs.a.outputs.result}}",
            "steps.outputs.result",
            ".outputs.result",
        ] {
            assert!(names(text).len() <= usize::from(text.contains("results")), "{text}");
        }
    }

    /// Argo's patterns of references: what they find is found.
    #[test]
    fn what_argos_patterns_find_is_a_reference() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo/expressions/cases.json");
        let Ok(text) = fs::read_to_string(&path) else {
            println!("the corpus is absent: {} cannot be read", path.display());
            return;
        };
        let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
        for case in cases.iter().filter(|case| case["engine"] == "result_reference_regex") {
            for pattern in case["expected"].as_array().unwrap() {
                let pattern = pattern.as_str().unwrap();
                for quote in ["'", "\""] {
                    let text = pattern.replace("['\\\"]", quote).replace('\\', "");
                    let name = case["name"].as_str().unwrap().to_owned();
                    assert_eq!(names(&text), HashSet::from([name]), "{text}");
                }
            }
        }
    }
}
