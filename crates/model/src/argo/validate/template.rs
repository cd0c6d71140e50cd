//! One template: exactly one kind, valid inputs and outputs, resolvable references.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{BAD_WORKFLOW, Checker, PARAMETER_WITHOUT_VALUE, Scope, UNRESOLVED, names, scope};
use crate::argo::{Template, TemplateKind};

/// Which template is looked at: its name in messages, and its path.
pub(super) struct Site {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) inline: bool,
}

impl Site {
    pub(super) fn of_workflow(position: usize, name: &str) -> Self {
        Self {
            name: format!("templates.{}", names::shown(name)),
            path: format!("spec.templates[{position}]"),
            inline: false,
        }
    }
}

/// How many references are told of at one place.
const MAX_UNRESOLVED: usize = 100;

const KINDS: &str = "container, containerSet, steps, script, resource, dag, data, suspend, http, plugin";

impl<'a> Checker<'a> {
    pub(super) fn template(&mut self, template: &'a Template, global: &Scope<'_>, site: &Site) {
        let Site { name, path, .. } = site;
        let kind = match template.kinds().as_slice() {
            [kind] => *kind,
            [] => {
                let message = format!("{name} template type unspecified. choose one of: {KINDS}");
                self.fault(BAD_WORKFLOW, message, path);
                return;
            }
            _ => {
                let message = format!("{name} multiple template types specified. choose one of: {KINDS}");
                self.fault(BAD_WORKFLOW, message, path);
                return;
            }
        };
        self.inputs(template, site);
        let mut inner = Scope::within(global);
        inner.add_inputs(template);
        self.body(template, &inner, site);
        let outputs = match kind {
            TemplateKind::Steps => self.steps(template, &inner, site),
            TemplateKind::Dag => self.dag(template, &inner, site),
            _ => Scope::within(&inner),
        };
        self.outputs(template, kind, &outputs, site);
        self.leaf(template, kind, site);
    }

    fn inputs(&mut self, template: &Template, site: &Site) {
        let Site { name, path, .. } = site;
        let count = template.inputs.parameters.len() + template.inputs.artifacts.len();
        if self.too_many(count, &format!("{name}.inputs"), &format!("{path}.inputs")) {
            return;
        }
        let names: Vec<&str> =
            template.inputs.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let (prefix, at) = (format!("{name}.inputs.parameters"), format!("{path}.inputs.parameters"));
        self.names(&names, names::Rule::Parameter, &prefix, &at);
        let names: Vec<&str> =
            template.inputs.artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
        let (prefix, at) = (format!("{name}.inputs.artifacts"), format!("{path}.inputs.artifacts"));
        self.names(&names, names::Rule::Artifact, &prefix, &at);
        let is_leaf = template.steps.is_none() && template.dag.is_none();
        let resource = template.resource.is_some();
        for (position, artifact) in template.inputs.artifacts.iter().enumerate() {
            if is_leaf
                && !resource
                && artifact.path.is_empty()
                && template.suspend.is_none()
                && template.plugin.is_none()
            {
                let message = format!("{name}.inputs.artifacts.{}.path not specified", artifact.name);
                self.fault(PARAMETER_WITHOUT_VALUE, message, &format!("{at}[{position}]"));
            }
        }
    }

    /// Checks the references in everything but calls and outputs, which know more.
    fn body(&mut self, template: &Template, scope: &Scope<'_>, site: &Site) {
        let mut body = template.clone();
        (body.steps, body.dag) = (None, None);
        body.outputs = crate::argo::Outputs::default();
        let mut body = serde_json::to_value(&body).unwrap_or(Value::Null);
        if let Some(fields) = body.as_object_mut() {
            // metrics see the node's end, which nothing else sees
            fields.shift_remove("metrics");
        }
        self.references(&body, scope, &site.name, &site.path);
    }

    /// Checks every reference in `value`.
    pub(super) fn references(&mut self, value: &Value, scope: &Scope<'_>, name: &str, path: &str) {
        let mut unresolved: BTreeSet<String> = BTreeSet::new();
        scope::texts(value, &mut |text| {
            for tag in scope::tags(text) {
                if unresolved.len() < MAX_UNRESOLVED && !scope.resolves(tag) {
                    unresolved.insert(tag.to_owned());
                }
            }
        });
        for tag in unresolved {
            let tag: String = tag.chars().take(128).collect();
            self.fault(UNRESOLVED, format!("{name} failed to resolve {{{{{tag}}}}}"), path);
        }
    }

    /// Checks what only templates that run, or only those that call others, may have.
    fn leaf(&mut self, template: &Template, kind: TemplateKind, site: &Site) {
        let Site { name, path, .. } = site;
        let calls = matches!(kind, TemplateKind::Steps | TemplateKind::Dag);
        if template.parallelism.is_some() && !calls {
            let message = format!("{name}.parallelism is only valid for steps and dag templates");
            self.fault(BAD_WORKFLOW, message, &format!("{path}.parallelism"));
        }
        if template.active_deadline_seconds.is_some() && calls {
            let message = format!("{name}.activeDeadlineSeconds is only valid for leaf templates");
            self.fault(BAD_WORKFLOW, message, &format!("{path}.activeDeadlineSeconds"));
        }
        let defaults = self.spec.template_defaults.as_deref();
        let container_default =
            || defaults.is_some_and(|it| it.container.as_ref().is_some_and(|it| !it.image.is_empty()));
        let script_default =
            || defaults.is_some_and(|it| it.script.as_ref().is_some_and(|it| !it.container.image.is_empty()));
        let without_image = match kind {
            TemplateKind::Container => template
                .container
                .as_ref()
                .is_some_and(|container| container.image.is_empty() && !container_default()),
            TemplateKind::Script => template
                .script
                .as_ref()
                .is_some_and(|script| script.container.image.is_empty() && !script_default()),
            _ => false,
        };
        if without_image {
            let field = if kind == TemplateKind::Script { "script" } else { "container" };
            self.fault(
                BAD_WORKFLOW,
                format!("{name}.{field}.image may not be empty"),
                &format!("{path}.{field}"),
            );
        }
        if let Some(resource) = template.resource.as_ref().filter(|_| kind == TemplateKind::Resource) {
            let action = &resource.action;
            if !["get", "create", "apply", "delete", "replace", "patch"].contains(&action.as_str())
                && !action.contains("{{")
            {
                let message = format!(
                    "{name}.resource.action must be one of: get, create, apply, delete, replace, patch"
                );
                self.fault(BAD_WORKFLOW, message, &format!("{path}.resource"));
            }
            let manifest = &resource.manifest;
            if !manifest.contains("{{") && crate::yaml::parse("manifest", manifest).is_err() {
                self.fault(
                    BAD_WORKFLOW,
                    format!("{name}.resource.manifest must be a valid yaml"),
                    &format!("{path}.resource"),
                );
            }
        }
    }
}
