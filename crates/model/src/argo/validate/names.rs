//! Names of templates, steps, tasks, parameters and artifacts. Source: Argo `validateWorkflowFieldNames`.

use std::collections::HashSet;

use super::scope::tags;

/// What a name may consist of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Templates: letters, digits and `-`, not beginning with `-`, 128 at most.
    Field,
    /// Steps and tasks: the same, once their tags are filled in.
    Call,
    /// Letters, digits, `_` and `-`.
    Parameter,
    /// The same, and tags.
    Artifact,
}

const MAX_NAME: usize = 128;
/// The longest name whose tags are looked at, in bytes.
const MAX_NAME_WITH_TAGS: usize = 4096;

/// Returns as much of a name as messages show.
pub(super) fn shown(name: &str) -> &str {
    name.char_indices().nth(MAX_NAME).map_or(name, |(end, _)| name.get(..end).unwrap_or(name))
}

/// Returns what is wrong with each name, by its position.
pub(super) fn faults(names: &[&str], rule: Rule) -> Vec<(usize, String)> {
    let mut faults = Vec::new();
    let mut seen = HashSet::with_capacity(names.len());
    for (position, name) in names.iter().enumerate() {
        let shown = shown(name);
        if name.is_empty() {
            faults.push((position, format!("[{position}].name is required")));
        } else if let Some(why) = invalid(name, rule) {
            faults.push((position, format!("[{position}].name: '{shown}' is invalid: {why}")));
        } else if !seen.insert(*name) {
            faults.push((position, format!("[{position}].name '{shown}' is not unique")));
        }
    }
    faults
}

fn invalid(name: &str, rule: Rule) -> Option<&'static str> {
    if name.len() > MAX_NAME_WITH_TAGS {
        return Some("must be no more than 128 characters");
    }
    let filled = if matches!(rule, Rule::Call | Rule::Artifact) { fill(name) } else { name.to_owned() };
    let plain = |extra: &str| filled.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c));
    match rule {
        Rule::Field | Rule::Call if filled.len() > MAX_NAME => Some("must be no more than 128 characters"),
        Rule::Field | Rule::Call if !plain("-") || filled.starts_with('-') => Some(
            "name must consist of alpha-numeric characters or '-', and must start with an alpha-numeric character (e.g. My-name1-2, 123-NAME)",
        ),
        Rule::Parameter | Rule::Artifact if !plain("_-") => Some(
            "Parameter/Artifact name must consist of alpha-numeric characters, '_' or '-' e.g. my_param_1, MY-PARAM-1",
        ),
        _ => None,
    }
}

/// Returns `name` with a letter in the place of each tag.
fn fill(name: &str) -> String {
    let mut filled = name.to_owned();
    for tag in tags(name) {
        filled = filled.replacen(&format!("{{{{{tag}}}}}"), "x", 1);
    }
    filled
}
