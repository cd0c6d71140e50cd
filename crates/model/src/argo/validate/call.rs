//! Calls of templates by steps, tasks and hooks: the template exists, and gets what it needs.

use serde_json::Value;

use super::{BAD_WORKFLOW, Checker, PARAMETER_WITHOUT_VALUE, Scope, UNKNOWN_TEMPLATE, template::Site};
use crate::argo::{Arguments, Artifact, Call, Parameter, Template, ValueFrom};
use crate::limits::MAX_PARAMETERS;

/// Returns every call of a template.
pub(super) fn calls(template: &Template) -> impl Iterator<Item = &Call> {
    let steps = template.steps.iter().flatten().flat_map(|group| &group.0).map(|step| &step.call);
    steps.chain(template.dag.iter().flat_map(|dag| &dag.tasks).map(|task| &task.call))
}

/// Where artifacts may come from besides `from` and `raw`.
const LOCATIONS: [&str; 11] = [
    "artifactory",
    "azure",
    "gcs",
    "git",
    "hdfs",
    "http",
    "oss",
    "plugin",
    "s3",
    "fromExpression",
    "archiveLogs",
];

/// Which template a call means.
pub(super) enum Called<'a> {
    /// This one.
    Template(&'a Template),
    /// One that is only known when the workflow runs.
    Unknown,
    /// None; that has been told.
    Missing,
}

impl<'a> Called<'a> {
    pub(super) fn template(&self) -> Option<&'a Template> {
        match self {
            Self::Template(template) => Some(template),
            Self::Unknown | Self::Missing => None,
        }
    }
}

/// Returns Argo's message for each input of `template` that gets no value.
pub(super) fn missing_inputs(
    template: &Template,
    given: &dyn Fn(&str) -> bool,
    given_artifact: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let parameters = template.inputs.parameters.iter().filter(|parameter| {
        parameter.value.is_none()
            && parameter.value_from.is_none()
            && parameter.default.is_none()
            && !given(&parameter.name)
    });
    let artifacts =
        template.inputs.artifacts.iter().filter(|artifact| {
            !artifact.optional && !has_location(artifact) && !given_artifact(&artifact.name)
        });
    let parameters =
        parameters.map(|parameter| format!("inputs.parameters.{} was not supplied", parameter.name));
    parameters
        .chain(artifacts.map(|artifact| format!("inputs.artifacts.{} was not supplied", artifact.name)))
        .collect()
}

fn has_location(artifact: &Artifact) -> bool {
    let located = |field: &str| artifact.rest.get(field).is_some_and(|value| !value.is_null());
    !artifact.from.is_empty() || artifact.raw.is_some() || LOCATIONS.iter().any(|field| located(field))
}

impl<'a> Checker<'a> {
    /// Returns the template that a call means; tells if there is none.
    pub(super) fn called(&mut self, call: &'a Call, site: &Site) -> Called<'a> {
        let Site { name, path, .. } = site;
        let ways = [!call.template.is_empty(), call.template_ref.is_some(), call.inline.is_some()];
        if ways.iter().filter(|way| **way).count() != 1 {
            let message = format!("{name} needs exactly one of template, templateRef and inline");
            self.fault(BAD_WORKFLOW, message, path);
            return Called::Missing;
        }
        if let Some(inline) = &call.inline {
            if site.inline {
                let message = format!("{name} an inline template cannot hold another inline template");
                self.fault(BAD_WORKFLOW, message, &format!("{path}.inline"));
                return Called::Missing;
            }
            return Called::Template(inline);
        }
        if let Some(reference) = &call.template_ref {
            return self.referred(reference, name, &format!("{path}.templateRef"));
        }
        self.local(&call.template, name, &format!("{path}.template"))
    }

    fn local(&mut self, template: &str, name: &str, path: &str) -> Called<'a> {
        match self.known(template) {
            Some(template) => Called::Template(template),
            None if template.contains("{{") => Called::Unknown,
            None => {
                self.fault(UNKNOWN_TEMPLATE, format!("{name} template name '{template}' undefined"), path);
                Called::Missing
            }
        }
    }

    fn referred(&mut self, reference: &crate::argo::TemplateRef, name: &str, path: &str) -> Called<'a> {
        let crate::argo::TemplateRef { name: other, template, cluster_scope } = reference;
        if other.is_empty() || template.is_empty() {
            let missing = if other.is_empty() { "name" } else { "template" };
            self.fault(UNKNOWN_TEMPLATE, format!("{name} resource {missing} is required"), path);
            return Called::Missing;
        }
        let placeholder = other.contains("{{") || template.contains("{{");
        if *cluster_scope || placeholder {
            return Called::Unknown;
        }
        let found = self
            .validation
            .templates
            .find(other)
            .map(|spec| spec.templates.iter().find(|t| t.name == *template));
        match found {
            Some(Some(template)) => Called::Template(template),
            Some(None) => {
                self.fault(
                    UNKNOWN_TEMPLATE,
                    format!("{name} template name '{template}' not found in WorkflowTemplate '{other}'"),
                    path,
                );
                Called::Missing
            }
            None => {
                self.fault(
                    UNKNOWN_TEMPLATE,
                    format!("{name} template reference {other}.{template} not found"),
                    path,
                );
                Called::Missing
            }
        }
    }

    /// Checks what a call hands over to the template it means.
    pub(super) fn call(&mut self, call: &'a Call, called: &Called<'a>, site: &Site, global: &Scope<'_>) {
        let Site { name, path, inline } = site;
        let count = call.arguments.parameters.len() + call.arguments.artifacts.len();
        if self.too_many(count, &format!("{name}.arguments"), &format!("{path}.arguments")) {
            return;
        }
        self.arguments_of_call(&call.arguments, site);
        if let Called::Template(template) = called
            && template.inputs.parameters.len() + template.inputs.artifacts.len() <= MAX_PARAMETERS
        {
            let given = |name: &str| call.arguments.parameters.iter().any(|parameter| parameter.name == name);
            let given_artifact =
                |name: &str| call.arguments.artifacts.iter().any(|artifact| artifact.name == name);
            for message in missing_inputs(template, &given, &given_artifact) {
                let called = if template.name.is_empty() { "inline" } else { &template.name };
                self.fault(PARAMETER_WITHOUT_VALUE, format!("{name} templates.{called} {message}"), path);
            }
        }
        if let (Some(template), false) = (&call.inline, inline) {
            let site = Site { name: format!("{name}.inline"), path: format!("{path}.inline"), inline: true };
            self.template(template, global, &site);
        }
        let loops = [
            call.with_items.is_some(),
            !call.with_param.is_empty(),
            call.with_sequence.as_ref().is_some_and(|v| !v.is_null()),
        ];
        if loops.iter().filter(|is| **is).count() > 1 {
            let message = format!("{name} only one of withItems, withParam or withSequence can be specified");
            self.fault(BAD_WORKFLOW, message, path);
        }
        if let Some(sequence) = call.with_sequence.as_ref().filter(|value| value.is_object()) {
            let has = |field: &str| sequence.get(field).is_some_and(|value| !value.is_null());
            if has("count") == has("end") {
                let message = format!("{name} withSequence needs exactly one of count and end");
                self.fault(BAD_WORKFLOW, message, &format!("{path}.withSequence"));
            }
        }
    }

    fn arguments_of_call(&mut self, arguments: &Arguments, site: &Site) {
        let Site { name, path, .. } = site;
        let names: Vec<&str> = arguments.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let prefix = format!("{name}.arguments.parameters");
        self.names(&names, super::names::Rule::Parameter, &prefix, &format!("{path}.arguments.parameters"));
        for (position, parameter) in arguments.parameters.iter().enumerate() {
            let at = format!("{path}.arguments.parameters[{position}]");
            match parameter {
                Parameter { value: None, value_from: None, default: None, name: parameter, .. } => {
                    let prefix = format!("{name}.arguments.{parameter}");
                    let message = format!("{prefix}.value or {prefix}.valueFrom is required");
                    self.fault(PARAMETER_WITHOUT_VALUE, message, &at);
                }
                Parameter { value_from: Some(from), name: parameter, .. } if only_for_outputs(from) => {
                    let message = format!(
                        "{name}.arguments.{parameter} valueFrom only allows: default, configMapKeyRef and supplied"
                    );
                    self.fault(BAD_WORKFLOW, message, &at);
                }
                _ => {}
            }
        }
        for (position, artifact) in arguments
            .artifacts
            .iter()
            .enumerate()
            .filter(|(_, artifact)| !has_location(artifact) && !artifact.optional)
        {
            let message = format!(
                "{name}.arguments.artifacts.{} from, artifact location, or key is required",
                artifact.name
            );
            self.fault(PARAMETER_WITHOUT_VALUE, message, &format!("{path}.arguments.artifacts[{position}]"));
        }
    }

    /// Checks lifecycle hooks: that their templates exist and their references resolve.
    pub(super) fn call_hooks(&mut self, hooks: Option<&Value>, scope: &Scope<'_>, name: &str, path: &str) {
        for (hook, value) in hooks.and_then(Value::as_object).into_iter().flatten() {
            let (name, path) = (format!("{name}.{hook}"), format!("{path}.{hook}"));
            let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
            if !text("template").is_empty() {
                self.local(text("template"), &name, &path);
            }
            if hook != "exit" && text("expression").is_empty() {
                self.fault(BAD_WORKFLOW, format!("{name} expression required"), &path);
            }
            self.references(value, scope, &name, &path);
        }
    }
}

fn only_for_outputs(from: &ValueFrom) -> bool {
    [&from.path, &from.json_path, &from.jq_filter, &from.parameter].iter().any(|source| !source.is_empty())
}
