//! What Argo's tests expect of an object: a path into it and an operation. Not here: getting the object.

use serde_json::Value;

/// The word for the workflow's own name in paths and selections.
const OWN_NAME: &str = "<workflow name>";

/// Returns what is wrong with `subject`, an object of named parts such as `status` or `node`; `name` is its workflow's.
pub(super) fn checked(checks: &Value, subject: &Value, name: &str) -> Result<(), String> {
    for check in checks.as_array().into_iter().flatten() {
        let path = check["path"].as_str().unwrap_or_default().replace(OWN_NAME, name);
        let found = at(subject, &path);
        let op = check["op"].as_str().unwrap_or_default();
        let wanted = &check["value"];
        if !holds(op, found, wanted)? {
            let shown: String = found.unwrap_or(&Value::Null).to_string().chars().take(300).collect();
            return Err(format!("`{path}` is {shown}, not {op} {wanted}"));
        }
    }
    Ok(())
}

fn holds(op: &str, found: Option<&Value>, wanted: &Value) -> Result<bool, String> {
    let text = found.and_then(Value::as_str).unwrap_or_default();
    let said = wanted.as_str().unwrap_or_default();
    let length = found.map_or(Some(0), length);
    Ok(match op {
        "equal" => equal(found, wanted),
        "not_equal" => !equal(found, wanted),
        "present" => found.is_some(),
        "absent" => found.is_none(),
        "empty" => length == Some(0),
        "not_empty" => length != Some(0),
        "length" => length.is_some_and(|length| wanted.as_u64() == u64::try_from(length).ok()),
        "true" => found == Some(&Value::Bool(true)),
        "false" => found.is_none_or(|found| *found == Value::Bool(false)),
        "contains" => text.contains(said),
        "not_contains" => !text.contains(said),
        "matches" => regex::Regex::new(said).map_err(|error| error.to_string())?.is_match(text),
        _ => return Err(format!("the operation `{op}` is not known")),
    })
}

/// What is not written has its type's zero value, as in Go.
fn equal(found: Option<&Value>, wanted: &Value) -> bool {
    match found {
        Some(found) => found == wanted,
        None => wanted.is_null() || *wanted == "" || *wanted == 0 || *wanted == false,
    }
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Null => Some(0),
        Value::String(text) => Some(text.len()),
        Value::Array(items) => Some(items.len()),
        Value::Object(fields) => Some(fields.len()),
        _ => None,
    }
}

/// Returns the part at `a.b[0]["c"].findByDisplayName(d).e`.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let path = path.trim_start_matches('.');
    if path.is_empty() {
        return Some(value).filter(|value| !value.is_null());
    }
    if let Some(rest) = path.strip_prefix("[\"") {
        let (key, rest) = rest.split_once("\"]")?;
        return at(value.get(key)?, rest);
    }
    if let Some(rest) = path.strip_prefix('[') {
        let (index, rest) = rest.split_once(']')?;
        return at(value.get(index.parse::<usize>().ok()?)?, rest);
    }
    if let Some(rest) = path.strip_prefix("findByDisplayName(") {
        let (shown, rest) = rest.split_at(closing(rest)?);
        let mut nodes = value.as_object()?.values();
        let node = nodes.find(|node| node["displayName"] == shown)?;
        return at(node, rest.get(1..)?);
    }
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (key, rest) = path.split_at(end);
    at(value.get(key)?, rest)
}

/// Returns where the parenthesis closes that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1_i32;
    text.char_indices().find_map(|(at, letter)| {
        match letter {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        (open == 0).then_some(at)
    })
}

/// Returns the first node that fits `select`: a name or a part of it, a display name, a type, a phase.
pub(super) fn selected<'a>(workflow: &'a Value, select: &Value, name: &str) -> Option<&'a Value> {
    let mut nodes = workflow["status"]["nodes"].as_object()?.values();
    let text = |value: &Value| value.as_str().unwrap_or_default().replace(OWN_NAME, name);
    nodes.find(|node| {
        let wanted = select.as_object().into_iter().flatten();
        wanted.into_iter().all(|(field, wanted)| match &wanted["contains"] {
            Value::String(part) => node[field].as_str().is_some_and(|found| found.contains(part)),
            _ => node[field] == text(wanted),
        })
    })
}

#[test]
fn paths_lead_to_parts_and_what_is_absent_has_the_zero_value() {
    let subject = serde_json::json!({"status": {
        "phase": "Failed",
        "nodes": {"a": {"displayName": "print(0:res:1)", "children": ["b"]}, "b": {"displayName": "[0]"}},
    }});
    let part = |path: &str| at(&subject, path).cloned();
    assert_eq!(part("status.nodes.findByDisplayName(print(0:res:1)).children[0]"), Some("b".into()));
    assert_eq!(part("status.nodes.findByDisplayName([0]).displayName"), Some("[0]".into()));
    assert_eq!(part("status.nodes[\"a\"].displayName"), Some("print(0:res:1)".into()));
    assert_eq!(part("status.nodes.findByDisplayName(c)"), None);
    let check = |op: &str, path: &str, value: Value| {
        checked(&serde_json::json!([{"op": op, "path": path, "value": value}]), &subject, "n")
    };
    assert_eq!(check("equal", "status.message", "".into()), Ok(()));
    assert_eq!(check("length", "status.nodes", 2.into()), Ok(()));
    assert!(check("matches", "status.phase", "^S".into()).is_err());
    let second = serde_json::json!({"displayName": {"contains": "0"}, "children": null});
    assert_eq!(selected(&subject, &second, "n"), None);
}
