//! What references in double braces may resolve to at one point of a workflow. Source: Argo
//! `resolveAllVariables`, `addOutputsToScope`, `addItemsToScope`.

use std::collections::HashSet;

use serde_json::Value;

use super::globals::Globals;
use crate::argo::{Call, Template, TemplateKind};

/// The names that resolve, on top of those of a wider scope.
#[derive(Default)]
pub(super) struct Scope<'s> {
    wider: Option<&'s Scope<'s>>,
    names: HashSet<String>,
    /// Everything below these, up to a dot, resolves: calls of templates that are not there, which was told.
    unknown: HashSet<String>,
    any_item: bool,
    any_output_parameter: bool,
    any_output_artifact: bool,
}

/// The beginnings that Argo knows; tags with another one are left as they are.
const ROOTS: [&str; 7] = ["item.", "steps.", "inputs.", "outputs.", "pod.", "workflow.", "tasks."];

/// What is only known when the workflow runs.
const LATE: [&str; 8] = [
    "outputs.",
    "workflow.creationTimestamp",
    "workflow.scheduledTime",
    "workflow.duration",
    "workflow.submitter",
    "tasks.name",
    "steps.name",
    "node.name",
];

impl<'s> Scope<'s> {
    /// Returns a scope that knows no more than `wider` yet.
    pub(super) fn within(wider: &'s Scope<'s>) -> Self {
        Self { wider: Some(wider), ..Self::default() }
    }

    pub(super) fn add(&mut self, name: String) {
        self.names.insert(name);
    }

    /// Adds everything that a step or task called `prefix` could give, since nobody knows what it gives.
    pub(super) fn add_unknown(&mut self, prefix: &str) {
        self.unknown.insert(format!("{prefix}."));
    }

    /// Adds what a template that is called from here may take from its own inputs and outputs.
    pub(super) fn add_template(&mut self, template: &Template, pod: bool, leaf: bool) {
        for parameter in &template.inputs.parameters {
            self.add(format!("inputs.parameters.{}", parameter.name));
        }
        if !template.inputs.parameters.is_empty() {
            self.add("inputs.parameters".to_owned());
        }
        for artifact in &template.inputs.artifacts {
            self.add(format!("inputs.artifacts.{}", artifact.name));
            if leaf {
                self.add(format!("inputs.artifacts.{}.path", artifact.name));
            }
        }
        if pod {
            self.add("pod.name".to_owned());
        }
    }

    /// Adds what the items of a loop are called.
    pub(super) fn add_items(&mut self, call: &Call) {
        if let Some(items) = &call.with_items {
            for item in items {
                match item {
                    Value::Object(fields) => fields.keys().for_each(|key| self.add(format!("item.{key}"))),
                    Value::Array(items) => {
                        (0..items.len()).for_each(|index| self.add(format!("item.[{index}]")));
                    }
                    _ => self.add("item".to_owned()),
                }
            }
        }
        if !call.with_param.is_empty() {
            self.any_item = true;
        }
    }

    /// Adds what a step or task called `prefix` gives, whose template is `called`; what it gives to the whole
    /// workflow goes to `globals`.
    pub(super) fn add_outputs(
        &mut self,
        globals: &mut Globals,
        prefix: &str,
        called: Option<&Template>,
        aggregate: bool,
    ) {
        for name in ["id", "startedAt", "finishedAt", "hostNodeName"] {
            self.add(format!("{prefix}.{name}"));
        }
        let Some(template) = called else { return };
        if template.daemon == Some(true) {
            self.add(format!("{prefix}.ip"));
        }
        let kind = template.kinds().first().copied();
        let by_kind = aggregate && matches!(kind, Some(TemplateKind::Script | TemplateKind::ContainerSet));
        if gives_result(template) || by_kind {
            self.add(format!("{prefix}.outputs.result"));
            self.add(format!("{prefix}.exitCode"));
        }
        if aggregate {
            self.add(format!("{prefix}.outputs.parameters"));
        }
        for parameter in &template.outputs.parameters {
            self.add(format!("{prefix}.outputs.parameters.{}", parameter.name));
            self.any_output_parameter |= is_tag(&parameter.global_name);
            if !parameter.global_name.is_empty() && !is_tag(&parameter.global_name) {
                globals.add_output("parameters", &parameter.global_name);
            }
        }
        for artifact in &template.outputs.artifacts {
            self.add(format!("{prefix}.outputs.artifacts.{}", artifact.name));
            self.any_output_artifact |= is_tag(&artifact.global_name);
            if !artifact.global_name.is_empty() && !is_tag(&artifact.global_name) {
                globals.add_output("artifacts", &artifact.global_name);
            }
        }
    }

    /// Whether the tag's text `name` resolves, or is none of Argo's.
    pub(super) fn resolves(&self, globals: &Globals, name: &str) -> bool {
        let begins = |prefix: &&str| name.starts_with(*prefix);
        if !ROOTS.iter().any(begins) || LATE.iter().any(begins) {
            return true;
        }
        if globals.knows(name) {
            return true;
        }
        let mut scope = Some(self);
        while let Some(here) = scope {
            // `steps.<name>.…`
            let call = name.match_indices('.').nth(1).and_then(|(dot, _)| name.get(..=dot));
            if here.names.contains(name)
                || call.is_some_and(|call| here.unknown.contains(call))
                || (here.any_item && begins(&"item."))
                || (here.any_output_parameter && begins(&"workflow.outputs.parameters."))
                || (here.any_output_artifact && begins(&"workflow.outputs.artifacts."))
            {
                return true;
            }
            scope = here.wider;
        }
        false
    }
}

/// Whether a node of this template has a result and an exit code. Source: Argo `workflow_types.go` HasOutput.
fn gives_result(template: &Template) -> bool {
    template.container.is_some()
        || template.script.is_some()
        || template.data.is_some()
        || template.http.is_some()
        || template.plugin.is_some()
        || template
            .container_set
            .as_ref()
            .is_some_and(|set| set.containers.iter().any(|node| node.container.name == "main"))
}

/// Whether `text` holds a tag that Argo takes for a parameter: `{{a.b}}`, without spaces.
pub(super) fn is_tag(text: &str) -> bool {
    let word = |word: &str, extra: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
    };
    text.split("{{").skip(1).any(|behind| {
        let Some((tag, _)) = behind.split_once("}}") else { return false };
        let mut words = tag.split('.');
        words.next().is_some_and(|first| word(first, "-")) && words.all(|rest| word(rest, "-_"))
    })
}

/// Returns the trimmed texts of the innermost tags of `text`, without those of expressions.
pub(super) fn tags(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find("}}") {
        let before = rest.get(..end).unwrap_or("");
        if let Some(start) = before.rfind("{{") {
            let tag = before.get(start + 2..).unwrap_or("").trim();
            if !tag.starts_with('=') {
                found.push(tag);
            }
        }
        rest = rest.get(end + 2..).unwrap_or("");
    }
    found
}

/// Calls `each` with every text within `value`.
pub(super) fn texts(value: &Value, each: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, each)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            each(key);
            texts(value, each);
        }),
        _ => {}
    }
}
