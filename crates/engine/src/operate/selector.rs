//! Node field selectors: `field=value`, `==`, `!=`, joined by commas, over the fields Argo lets one select by.
//! Source: Argo `workflow/util/util.go` SelectorMatchesNode; Kubernetes `fields.ParseSelector`.

use model::argo::{NodeId, NodePhase, NodeStatus, NodeType, WorkflowStatus};

use super::OperateError;

/// A node field selector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSelector {
    /// Field, whether it must be equal, value.
    terms: Vec<(String, bool, String)>,
}

impl NodeSelector {
    /// Reads a selector; an empty one matches every node.
    ///
    /// # Errors
    /// [`OperateError::BadSelector`].
    pub fn parse(text: &str) -> Result<Self, OperateError> {
        let bad =
            |reason: &str| OperateError::BadSelector { text: text.to_owned(), reason: reason.to_owned() };
        let mut terms = Vec::new();
        for term in split(text).into_iter().filter(|term| !term.is_empty()) {
            let at = unescaped(&term, '=').ok_or_else(|| bad("invalid selector: can't understand a term"))?;
            let (field, rest) = term.split_at_checked(at).ok_or_else(|| bad("invalid selector"))?;
            let value = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')).unwrap_or(rest);
            let (field, equal) = match field.strip_suffix('!') {
                Some(field) => (field, false),
                None => (field, true),
            };
            let value =
                unescape(value).ok_or_else(|| bad("invalid field selector: a value is not escaped"))?;
            terms.push((field.to_owned(), equal, value));
        }
        Ok(Self { terms })
    }

    /// Whether the selector means `node`.
    pub fn matches(&self, node: &NodeStatus) -> bool {
        self.terms.iter().all(|(field, equal, value)| (value_of(node, field) == *value) == *equal)
    }
}

/// Splits at commas that are not escaped.
fn split(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == ',' && !escaped {
            terms.push(String::new());
        } else if let Some(term) = terms.last_mut() {
            term.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    terms
}

fn unescaped(text: &str, wanted: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == wanted && !escaped {
            return Some(at);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                c @ ('\\' | ',' | '=') => out.push(c),
                _ => return None,
            },
            ',' | '=' => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

fn value_of(node: &NodeStatus, field: &str) -> String {
    match field {
        "displayName" => node.display_name.clone(),
        "id" => node.id.to_string(),
        "name" => node.name.clone(),
        "phase" => node.phase.as_str().to_owned(),
        "templateName" => node.template_name.clone(),
        "templateRef.name" => node.template_ref.as_ref().map(|of| of.name.clone()).unwrap_or_default(),
        "templateRef.template" => {
            node.template_ref.as_ref().map(|of| of.template.clone()).unwrap_or_default()
        }
        _ => {
            let name = field.strip_prefix("inputs.parameters.").and_then(|rest| rest.strip_suffix(".value"));
            let parameter = name.and_then(|name| {
                node.inputs.iter().flat_map(|inputs| &inputs.parameters).find(|given| given.name == name)
            });
            parameter.and_then(|given| given.value.as_ref()).map(|value| value.0.clone()).unwrap_or_default()
        }
    }
}

/// Returns the suspend nodes that wait and that `selector` means: those that stop, resume and set are about.
///
/// # Errors
/// [`OperateError::BadSelector`]; [`OperateError::NothingMatches`] if there is none.
pub fn suspended(status: &WorkflowStatus, selector: &str) -> Result<Vec<NodeId>, OperateError> {
    let parsed = NodeSelector::parse(selector)?;
    let waits = |node: &&NodeStatus| {
        node.node_type == NodeType::Suspend && node.phase == NodePhase::Running && parsed.matches(node)
    };
    let found: Vec<NodeId> = status.nodes.values().filter(waits).map(|node| node.id.clone()).collect();
    if found.is_empty() {
        return Err(OperateError::NothingMatches { selector: selector.to_owned() });
    }
    Ok(found)
}
