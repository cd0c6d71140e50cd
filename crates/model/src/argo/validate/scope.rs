//! What references in double braces may resolve to at one point of a workflow.

use std::collections::HashSet;

use serde_json::Value;

use super::{Mode, Template, WorkflowSpec};

/// The names that resolve, on top of those of a wider scope.
#[derive(Default)]
pub(super) struct Scope<'s> {
    wider: Option<&'s Scope<'s>>,
    names: HashSet<String>,
    /// Everything that begins so, up to a dot, resolves.
    prefixes: HashSet<String>,
}

/// How many dots of a name are looked at as the end of a prefix; no variable of Argo's has as many.
const MAX_DOTS: usize = 8;

/// The first words that Argo knows; tags with another one are left as they are.
const ROOTS: [&str; 7] = ["inputs", "outputs", "steps", "tasks", "workflow", "item", "pod"];

impl<'s> Scope<'s> {
    /// Returns what every template of the workflow may refer to.
    pub(super) fn global(spec: &WorkflowSpec, mode: Mode) -> Self {
        let mut scope = Self::default();
        for name in [
            "name",
            "namespace",
            "mainEntrypoint",
            "serviceAccountName",
            "uid",
            "parameters",
            "parameters.json",
            "status",
            "failures",
            "duration",
            "scheduledTime",
            "priority",
            "creationTimestamp",
            "annotations",
            "labels",
            "annotations.json",
            "labels.json",
            "submitter",
        ] {
            scope.add(format!("workflow.{name}"));
        }
        for prefix in [
            "workflow.annotations.",
            "workflow.labels.",
            "workflow.creationTimestamp.",
            "workflow.submitter.",
        ] {
            scope.prefixes.insert(prefix.to_owned());
        }
        for parameter in &spec.arguments.parameters {
            scope.add(format!("workflow.parameters.{}", parameter.name));
        }
        if mode == Mode::Template {
            // its templates may run in workflows that have other parameters and outputs
            for prefix in ["workflow.parameters.", "workflow.outputs."] {
                scope.prefixes.insert(prefix.to_owned());
            }
        }
        for template in &spec.templates {
            scope.add_globals_of(template);
        }
        for call in spec.templates.iter().flat_map(super::call::calls) {
            if let Some(inline) = &call.inline {
                scope.add_globals_of(inline);
            }
            if call.template_ref.is_some() {
                scope.prefixes.insert("workflow.outputs.".to_owned());
            }
        }
        scope
    }

    fn add_globals_of(&mut self, template: &Template) {
        let mut add = |kind: &str, name: &str| {
            if name.contains("{{") {
                self.prefixes.insert(format!("workflow.outputs.{kind}."));
            } else if !name.is_empty() {
                self.names.insert(format!("workflow.outputs.{kind}.{name}"));
            }
        };
        template.outputs.parameters.iter().for_each(|parameter| add("parameters", &parameter.global_name));
        template.outputs.artifacts.iter().for_each(|artifact| add("artifacts", &artifact.global_name));
    }

    /// Returns a scope that knows no more than `wider` yet.
    pub(super) fn within(wider: &'s Scope<'s>) -> Self {
        Self { wider: Some(wider), ..Self::default() }
    }

    pub(super) fn add(&mut self, name: String) {
        self.names.insert(name);
    }

    pub(super) fn add_prefix(&mut self, prefix: String) {
        self.prefixes.insert(prefix);
    }

    /// Adds what a template's own inputs are called.
    pub(super) fn add_inputs(&mut self, template: &Template) {
        for name in
            ["inputs.parameters", "inputs.artifacts", "node.name", "pod.name", "steps.name", "tasks.name"]
        {
            self.add(name.to_owned());
        }
        for parameter in &template.inputs.parameters {
            self.add(format!("inputs.parameters.{}", parameter.name));
        }
        for artifact in &template.inputs.artifacts {
            self.add(format!("inputs.artifacts.{}", artifact.name));
            self.add(format!("inputs.artifacts.{}.path", artifact.name));
        }
        // a template may refer to its own outputs in its metrics
        self.prefixes.insert("outputs.".to_owned());
    }

    /// Adds what a step or task called `prefix` gives; `called` is its template, if it is known.
    pub(super) fn add_outputs(&mut self, prefix: &str, called: Option<&Template>, looped: bool) {
        for name in ["id", "startedAt", "finishedAt", "hostNodeName", "status", "ip"] {
            self.add(format!("{prefix}.{name}"));
        }
        let Some(template) = called else {
            self.prefixes.insert(format!("{prefix}."));
            return;
        };
        if template.steps.is_none() && template.dag.is_none() && template.suspend.is_none() {
            self.add(format!("{prefix}.outputs.result"));
            self.add(format!("{prefix}.exitCode"));
        }
        for parameter in &template.outputs.parameters {
            self.add(format!("{prefix}.outputs.parameters.{}", parameter.name));
        }
        for artifact in &template.outputs.artifacts {
            if artifact.name.contains("{{") {
                self.prefixes.insert(format!("{prefix}.outputs.artifacts."));
            }
            self.add(format!("{prefix}.outputs.artifacts.{}", artifact.name));
        }
        if looped {
            self.add(format!("{prefix}.outputs.parameters"));
            self.add(format!("{prefix}.outputs.result"));
        }
    }

    /// Whether the tag's text `name` resolves, or is none of Argo's.
    pub(super) fn resolves(&self, name: &str) -> bool {
        let root = name.split('.').next().unwrap_or(name);
        if !ROOTS.contains(&root) || name.starts_with('=') {
            return true;
        }
        let mut scope = Some(self);
        while let Some(here) = scope {
            let begins = |(dot, _): (usize, &str)| {
                name.get(..=dot).is_some_and(|prefix| here.prefixes.contains(prefix))
            };
            if here.names.contains(name) || name.match_indices('.').take(MAX_DOTS).any(begins) {
                return true;
            }
            scope = here.wider;
        }
        false
    }
}

/// Returns the trimmed texts of the innermost tags of `text`.
pub(super) fn tags(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let behind = rest.get(start + 2..).unwrap_or("");
        let Some(end) = behind.find("}}") else { break };
        let inner = behind.get(..end).unwrap_or("");
        match inner.rfind("{{") {
            // a tag within a tag: the outer one is only known once the inner one is filled in
            Some(nested) => {
                found.push(inner.get(nested + 2..).unwrap_or("").trim());
                let mut outer = behind.get(end + 2..).unwrap_or("");
                if let Some(close) = outer.find("}}")
                    && !outer.get(..close).unwrap_or("").contains("{{")
                {
                    outer = outer.get(close + 2..).unwrap_or("");
                }
                rest = outer;
            }
            None => {
                found.push(inner.trim());
                rest = behind.get(end + 2..).unwrap_or("");
            }
        }
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
