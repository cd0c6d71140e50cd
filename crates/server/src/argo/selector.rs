//! Label selectors (`a=b,c in (d,e),!f`) and field selectors (`metadata.name=x`), as Kubernetes reads them.
//! Source: `k8s.io/apimachinery/pkg/labels/selector.go`, `pkg/fields/selector.go`.
//! Not here: what they are matched against.

use crate::ServerError;

/// One requirement of a label selector.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    Exists(String),
    Absent(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
}

/// A label selector; the empty one matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

/// The most requirements of one selector.
const MAX_REQUIREMENTS: usize = 100;

impl LabelSelector {
    /// Reads a selector.
    ///
    /// # Errors
    /// [`ServerError::BadRequest`].
    pub(crate) fn parse(text: &str) -> Result<Self, ServerError> {
        let parts = split(text);
        if parts.len() > MAX_REQUIREMENTS {
            return Err(bad("label", text));
        }
        let requirements = parts.into_iter().map(|part| requirement(part).ok_or_else(|| bad("label", text)));
        Ok(Self(requirements.collect::<Result<_, _>>()?))
    }

    /// Whether an object with these labels is chosen.
    pub(crate) fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::Exists(key) => label(key).is_some(),
            Requirement::Absent(key) => label(key).is_none(),
            Requirement::In(key, values) => label(key).is_some_and(|value| values.iter().any(|v| v == value)),
            Requirement::NotIn(key, values) => {
                label(key).is_none_or(|value| values.iter().all(|v| v != value))
            }
        })
    }
}

/// Splits at commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let parts = text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn requirement(part: &str) -> Option<Requirement> {
    if let Some(key) = part.strip_prefix('!') {
        return label_key(key).map(Requirement::Absent);
    }
    if let Some((key, value)) = part.split_once("!=") {
        return Some(Requirement::NotIn(label_key(key)?, vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some(Requirement::In(label_key(key)?, vec![value.trim().to_owned()]));
    }
    let Some((head, list)) = part.split_once('(') else { return label_key(part).map(Requirement::Exists) };
    let values = list.strip_suffix(')')?.split(',').map(|value| value.trim().to_owned()).collect();
    let (key, word) = head.trim().split_once(char::is_whitespace)?;
    match word.trim() {
        "in" => Some(Requirement::In(label_key(key)?, values)),
        "notin" => Some(Requirement::NotIn(label_key(key)?, values)),
        _ => None,
    }
}

fn label_key(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    (!text.is_empty() && text.len() <= 317 && text.chars().all(fits)).then(|| text.to_owned())
}

fn bad(kind: &str, text: &str) -> ServerError {
    let shown: String = text.chars().take(128).collect();
    ServerError::BadRequest(format!("{kind} selector `{}` cannot be read", shown.escape_debug()))
}

/// One term of a field selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldTerm {
    /// The field, as `metadata.name`.
    pub(crate) field: String,
    /// The value.
    pub(crate) value: String,
    /// Whether it must differ.
    pub(crate) not: bool,
}

/// Reads a field selector.
///
/// # Errors
/// [`ServerError::BadRequest`].
pub(crate) fn field_selector(text: &str) -> Result<Vec<FieldTerm>, ServerError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(selector: &str) -> Result<bool, ServerError> {
        let labels = [("app", "payroll"), ("workflows.argoproj.io/test", "true"), ("empty", "")];
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
        ] {
            assert_eq!(matches(selector).unwrap(), expected, "{selector}");
        }
    }

    #[test]
    fn nonsense_is_refused_not_ignored() {
        for selector in
            ["app in payroll", "app in (x", "a b", "=x", "app sideways (x)", "a;b", &"a,".repeat(101)]
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
}
