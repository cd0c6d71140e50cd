//! Label selectors (`a=b,c in (d,e),!f`), field selectors (`metadata.name=x`), and the conditions of resources, which are
//! selectors over gjson paths. Source: `k8s.io/apimachinery/pkg/labels/selector.go`, `pkg/fields/selector.go`, Argo
//! `workflow/executor/resource.go` matchConditions. Not here: what they are matched against.

use serde_json::Value;

use crate::{ExprError, error::shortened};

/// One requirement of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    Exists(String),
    Absent(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Above(String, i64),
    Below(String, i64),
}

/// A label selector; the empty one matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

/// The most requirements of one selector.
const MAX_REQUIREMENTS: usize = 100;
/// The longest key of a label, with its prefix.
const MAX_KEY: usize = 317;

impl LabelSelector {
    /// Reads a selector.
    ///
    /// # Errors
    /// [`ExprError::InvalidSelector`].
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        Self::read(text, &|key| {
            key.len() <= MAX_KEY && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        })
    }

    /// Reads a selector whose keys are paths, as the conditions of resources have them.
    fn of_paths(text: &str) -> Result<Self, ExprError> {
        Self::read(text, &|key| !key.contains(char::is_whitespace))
    }

    fn read(text: &str, fits: &dyn Fn(&str) -> bool) -> Result<Self, ExprError> {
        let parts = split(text);
        if parts.len() > MAX_REQUIREMENTS {
            return Err(bad("label", text));
        }
        let read = |part: &str| requirement(part, fits).ok_or_else(|| bad("label", text));
        Ok(Self(parts.into_iter().map(read).collect::<Result<_, _>>()?))
    }

    /// Whether an object with these labels is chosen.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|requirement| requirement.holds(&|key| label(key).map(str::to_owned)))
    }
}

impl Requirement {
    fn holds(&self, label: &dyn Fn(&str) -> Option<String>) -> bool {
        let number = |key: &str| label(key).and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::Exists(key) => label(key).is_some(),
            Self::Absent(key) => label(key).is_none(),
            Self::In(key, values) => label(key).is_some_and(|value| values.contains(&value)),
            Self::NotIn(key, values) => label(key).is_none_or(|value| !values.contains(&value)),
            Self::Above(key, than) => number(key).is_some_and(|value| value > *than),
            Self::Below(key, than) => number(key).is_some_and(|value| value < *than),
        }
    }

    /// Spells the requirement as Go prints it in Argo's messages.
    fn shown(&self) -> String {
        match self {
            Self::Exists(key) => format!("{{{key} exists []}}"),
            Self::Absent(key) => format!("{{{key} ! []}}"),
            Self::In(key, values) => format!("{{{key} == [{}]}}", values.join(" ")),
            Self::NotIn(key, values) => format!("{{{key} != [{}]}}", values.join(" ")),
            Self::Above(key, than) => format!("{{{key} gt [{than}]}}"),
            Self::Below(key, than) => format!("{{{key} lt [{than}]}}"),
        }
    }
}

/// Splits at commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let parts = text.split(|c: char| {
        match c {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn requirement(part: &str, fits: &dyn Fn(&str) -> bool) -> Option<Requirement> {
    let key = |text: &str| {
        let text = text.trim();
        (!text.is_empty() && fits(text)).then(|| text.to_owned())
    };
    if let Some((left, right)) = part.split_once("!=") {
        return Some(Requirement::NotIn(key(left)?, vec![right.trim().to_owned()]));
    }
    if let Some((left, right)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some(Requirement::In(key(left)?, vec![right.trim().to_owned()]));
    }
    if let Some(absent) = part.strip_prefix('!') {
        return key(absent).map(Requirement::Absent);
    }
    if let Some((left, right)) = part.split_once('>') {
        return Some(Requirement::Above(key(left)?, right.trim().parse().ok()?));
    }
    if let Some((left, right)) = part.split_once('<') {
        return Some(Requirement::Below(key(left)?, right.trim().parse().ok()?));
    }
    let Some((head, list)) = part.split_once('(') else { return key(part).map(Requirement::Exists) };
    let values = list.strip_suffix(')')?.split(',').map(|value| value.trim().to_owned()).collect();
    let (left, word) = head.trim().split_once(char::is_whitespace)?;
    match word.trim() {
        "in" => Some(Requirement::In(key(left)?, values)),
        "notin" => Some(Requirement::NotIn(key(left)?, values)),
        _ => None,
    }
}

fn bad(kind: &str, text: &str) -> ExprError {
    ExprError::InvalidSelector {
        reason: format!("{kind} selector `{}` cannot be read", shortened(text).escape_debug()),
    }
}

/// One term of a field selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldTerm {
    /// The field, as `metadata.name`.
    pub field: String,
    /// The value.
    pub value: String,
    /// Whether it must differ.
    pub not: bool,
}

/// Reads a field selector.
///
/// # Errors
/// [`ExprError::InvalidSelector`].
pub fn field_selector(text: &str) -> Result<Vec<FieldTerm>, ExprError> {
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > MAX_REQUIREMENTS {
        return Err(bad("field", text));
    }
    let term = |part: &str| {
        let (field, value, not) = match part.split_once("!=") {
            Some((field, value)) => (field, value, true),
            None => part.split_once("==").or_else(|| part.split_once('=')).map(|(f, v)| (f, v, false))?,
        };
        Some(FieldTerm { field: field.trim().to_owned(), value: value.trim().to_owned(), not })
    };
    parts.into_iter().map(|part| term(part).ok_or_else(|| bad("field", text))).collect()
}

/// What the conditions of a resource say of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceState {
    /// Its success condition holds, or there is none.
    Success,
    /// Its failure condition holds; the message is Argo's.
    Failure(String),
    /// Neither: it is to be looked at again; the message is Argo's.
    Pending(String),
}

/// Decides the conditions of a resource over `object`: failure is looked at first, and one of its requirements is enough;
/// success needs all of its.
///
/// # Errors
/// [`ExprError::InvalidSelector`].
pub fn resource_state(object: &Value, success: &str, failure: &str) -> Result<ResourceState, ExprError> {
    let (success, failure) = (LabelSelector::of_paths(success)?, LabelSelector::of_paths(failure)?);
    let value = |path: &str| gjson(object, path);
    for requirement in &failure.0 {
        if requirement.holds(&value) {
            let message = format!("failure condition '{}' evaluated true", requirement.shown());
            return Ok(ResourceState::Failure(message));
        }
    }
    let met = success.0.iter().filter(|requirement| requirement.holds(&value)).count();
    if met >= success.0.len() {
        return Ok(ResourceState::Success);
    }
    Ok(ResourceState::Pending(
        "Neither success condition nor the failure condition has been matched. Retrying...".to_owned(),
    ))
}

/// Returns the value at a gjson path (`status.conditions.0.type`, `a\.b`, `items.#`) as gjson spells it.
/// Source: tidwall/gjson `SYNTAX.md`; modifiers and queries are not looked for.
fn gjson(object: &Value, path: &str) -> Option<String> {
    let mut found = object;
    let mut parts = escaped_parts(path).into_iter().peekable();
    while let Some(part) = parts.next() {
        found = match found {
            Value::Object(fields) => fields.get(&part)?,
            Value::Array(items) if part == "#" && parts.peek().is_none() => {
                return Some(items.len().to_string());
            }
            Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(match found {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

fn escaped_parts(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = path.chars();
    while let Some(one) = chars.next() {
        let next = match one {
            '\\' => chars.next(),
            '.' => {
                parts.push(String::new());
                None
            }
            other => Some(other),
        };
        if let Some(last) = parts.last_mut() {
            last.extend(next);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(selector: &str) -> Result<bool, ExprError> {
        let labels = [("app", "payroll"), ("workflows.argoproj.io/test", "true"), ("empty", ""), ("n", "5")];
        let label = |key: &str| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        LabelSelector::parse(selector).map(|selector| selector.matches(label))
    }

    #[test]
    fn label_selectors_choose_as_kubernetes_does() {
        for (selector, expected) in [
            ("", true),
            ("app", true),
            ("!app", false),
            ("!other", true),
            ("app=payroll", true),
            ("app==payroll", true),
            ("app = payroll", true),
            ("app=pay", false),
            ("app!=payroll", false),
            ("other!=x", true),
            ("app in (payroll, x)", true),
            ("app in (x,y)", false),
            ("app notin (x,y)", true),
            ("other notin (x)", true),
            ("app,workflows.argoproj.io/test=true", true),
            ("app in (a,payroll),empty=", true),
            ("n>4", true),
            ("n<4", false),
        ] {
            assert_eq!(matches(selector).unwrap(), expected, "{selector}");
        }
    }

    #[test]
    fn nonsense_is_refused_not_ignored() {
        for selector in
            ["app in payroll", "app in (x", "a b", "=x", "app sideways (x)", "a;b", "n>x", &"a,".repeat(101)]
        {
            assert!(matches(selector).is_err(), "{selector}");
        }
        assert!(field_selector("metadata.name").is_err());
    }

    #[test]
    fn field_selectors_have_terms() {
        let terms = field_selector("metadata.name=a, metadata.namespace!=b,spec.x==c").unwrap();
        let shown: Vec<String> = terms.iter().map(|t| format!("{} {} {}", t.field, t.not, t.value)).collect();
        assert_eq!(shown, ["metadata.name false a", "metadata.namespace true b", "spec.x false c"]);
    }

    #[test]
    fn a_resource_fails_by_one_requirement_and_succeeds_by_all() {
        let object = json!({"status": {"phase": "Done", "n": 3, "items": [{"ok": true}]}, "a.b": "x"});
        let state = |success: &str, failure: &str| resource_state(&object, success, failure).unwrap();
        assert_eq!(state("status.phase == Done, status.n > 2", ""), ResourceState::Success);
        assert_eq!(state("status.items.0.ok = true, status.items.# = 1", ""), ResourceState::Success);
        assert_eq!(state("a\\.b = x", ""), ResourceState::Success);
        assert!(matches!(state("status.phase == Done, status.n > 3", ""), ResourceState::Pending(_)));
        assert_eq!(
            state("status.phase == Done", "status.n = 9, status.phase in (Done, Bad)"),
            ResourceState::Failure(
                "failure condition '{status.phase == [Done Bad]}' evaluated true".to_owned()
            )
        );
        assert!(resource_state(&object, "status.phase sideways", "").is_err());
    }
}
