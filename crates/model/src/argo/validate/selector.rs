//! Label selectors as objects. Source: Kubernetes `metav1.LabelSelectorAsSelector`, `labels.NewRequirement`.

use serde_json::Value;

/// Returns what is wrong with a selector of `matchLabels` and `matchExpressions`.
pub(super) fn wrong(selector: &Value) -> Option<String> {
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    for (key, value) in labels {
        if let Some(why) = wrong_key(key).or_else(|| wrong_value(value.as_str().unwrap_or_default())) {
            return Some(why);
        }
    }
    let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    expressions.into_iter().find_map(wrong_expression)
}

fn wrong_expression(expression: &Value) -> Option<String> {
    let text = |field: &str| expression.get(field).and_then(Value::as_str).unwrap_or_default();
    let values: Vec<&str> = expression
        .get("values")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let wrong = match text("operator") {
        "In" | "NotIn" if values.is_empty() => Some(
            "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty".to_owned(),
        ),
        "Exists" | "DoesNotExist" if !values.is_empty() => Some(format!(
            "values: Invalid value: {values:?}: values set must be empty for exists and does not exist"
        )),
        "In" | "NotIn" | "Exists" | "DoesNotExist" => None,
        other => return Some(format!("{other:?} is not a valid label selector operator")),
    };
    wrong_key(text("key")).or(wrong).or_else(|| values.into_iter().find_map(wrong_value))
}

fn wrong_key(key: &str) -> Option<String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let valid = is_label(name) && !name.is_empty() && prefix.is_none_or(is_subdomain);
    (!valid).then(|| format!("key: Invalid value: {key:?}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"))
}

fn wrong_value(value: &str) -> Option<String> {
    (!is_label(value)).then(|| format!("values: Invalid value: {value:?}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"))
}

fn is_label(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && ends(text.chars().next())
        && ends(text.chars().last())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn is_subdomain(text: &str) -> bool {
    crate::name::check_subdomain("", text).is_ok()
}
