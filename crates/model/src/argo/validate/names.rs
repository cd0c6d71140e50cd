//! Names of templates, steps, tasks, parameters and artifacts. Source: Argo `validateWorkflowFieldNames`.

use std::collections::HashSet;

/// What a name may consist of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Templates, steps, tasks, containers: letters, digits and `-`, not beginning with `-`, 128 at most.
    Field,
    /// Parameters and artifacts: letters, digits, `_` and `-`.
    Parameter,
}

const MAX_NAME: usize = 128;

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

/// Returns what is wrong with a name.
pub(super) fn invalid(name: &str, rule: Rule) -> Option<String> {
    let plain = |extra: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c));
    let mut why = Vec::new();
    match rule {
        Rule::Field => {
            if name.len() > MAX_NAME {
                why.push("must be no more than 128 characters");
            }
            if name.is_empty() || !plain("-") || name.starts_with('-') {
                why.push(
                    "name must consist of alpha-numeric characters or '-', and must start with an alpha-numeric character (e.g. My-name1-2, 123-NAME)",
                );
            }
        }
        Rule::Parameter => {
            if name.is_empty() || !plain("_-") {
                why.push(
                    "Parameter/Artifact name must consist of alpha-numeric characters, '_' or '-' e.g. my_param_1, MY-PARAM-1",
                );
            }
        }
    }
    (!why.is_empty()).then(|| why.join(";"))
}
