//! Arguments of workflows, steps and tasks, and inputs of templates. Source: Argo `validateArguments`,
//! `validateInputs`.

use super::{
    BAD_WORKFLOW, PARAMETER_WITHOUT_VALUE, artifact, names,
    names::shown,
    walk::{Site, Walker, is_leaf},
};
use crate::{
    argo::{Arguments, Parameter, Template, TemplateKind, WorkflowSpec},
    limits::MAX_PARAMETERS,
};

/// Returns the workflow's own arguments, and below them those of its template. Source: Argo `util.MergeParameters`.
pub(super) fn merged(spec: &WorkflowSpec, under: Option<&WorkflowSpec>) -> Arguments {
    let mut merged = spec.arguments.clone();
    let Some(under) = under else { return merged };
    for parameter in &under.arguments.parameters {
        if !spec.arguments.parameters.iter().any(|own| own.name == parameter.name) {
            merged.parameters.push(parameter.clone());
        }
    }
    for artifact in &under.arguments.artifacts {
        if !spec.arguments.artifacts.iter().any(|own| own.name == artifact.name) {
            merged.artifacts.push(artifact.clone());
        }
    }
    merged
}

impl Walker<'_> {
    pub(super) fn workflow_arguments(&mut self, arguments: &Arguments) {
        let may_lack = self.validation.mode.may_lack_values();
        self.arguments(arguments, "spec.arguments", &self.own(".arguments"), may_lack);
    }

    /// Checks what is handed over; values may be missing if `may_lack`.
    pub(super) fn arguments(&mut self, arguments: &Arguments, prefix: &str, site: &Site, may_lack: bool) {
        if self.too_many(arguments.parameters.len() + arguments.artifacts.len(), prefix, site) {
            return;
        }
        let names: Vec<&str> = arguments.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let at = site.below(".parameters");
        self.names(&names, names::Rule::Parameter, &format!("{prefix}.parameters"), &at);
        let names: Vec<&str> = arguments.artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
        let at = site.below(".artifacts");
        self.names(&names, names::Rule::Parameter, &format!("{prefix}.artifacts"), &at);
        for (position, parameter) in arguments.parameters.iter().enumerate() {
            self.argument(parameter, prefix, &site.below(&format!(".parameters[{position}]")), may_lack);
        }
        for (position, one) in arguments.artifacts.iter().enumerate() {
            let at = site.below(&format!(".artifacts[{position}]"));
            let prefix = format!("{prefix}.{}", shown(&one.name));
            if one.from.is_empty() && !artifact::has_location(one) {
                let message = format!("{prefix}.from, artifact location, or key is required");
                self.fault(PARAMETER_WITHOUT_VALUE, message, &at);
            } else if !one.from.is_empty() && !one.from_expression.is_empty() {
                let message = format!("{prefix} shouldn't have both `from` and `fromExpression` in Artifact");
                self.fault(BAD_WORKFLOW, message, &at);
            }
        }
    }

    fn argument(&mut self, parameter: &Parameter, prefix: &str, site: &Site, may_lack: bool) {
        let Parameter { name, value, value_from, enumeration, .. } = parameter;
        let name = format!("{prefix}.{}", shown(name));
        match value_from {
            None if value.is_none() && !may_lack => {
                let message = format!("{name}.value or {name}.valueFrom is required");
                self.fault(PARAMETER_WITHOUT_VALUE, message, site);
                return;
            }
            Some(from) => {
                let allowed =
                    from.config_map_key_ref.is_some() || !from.event.is_empty() || from.supplied.is_some();
                let others = [&from.path, &from.json_path, &from.parameter, &from.expression];
                if !allowed || others.iter().any(|other| !other.is_empty()) {
                    let message =
                        format!("{name}.valueFrom only allows: default, configMapKeyRef and supplied");
                    self.fault(BAD_WORKFLOW, message, site);
                }
            }
            None => {}
        }
        let Some(choices) = enumeration else { return };
        if choices.is_empty() {
            let message = format!("{name}.enum should contain at least one value");
            self.fault(BAD_WORKFLOW, message, site);
            return;
        }
        match value {
            Some(value) if !choices.contains(value) => {
                let message = format!("{name}.value should be present in {name}.enum list");
                self.fault(BAD_WORKFLOW, message, site);
            }
            None if !may_lack => {
                self.fault(PARAMETER_WITHOUT_VALUE, format!("{name}.value is required"), site);
            }
            _ => {}
        }
    }

    /// Checks what a template takes; false if there is too much of it to go on.
    pub(super) fn inputs(&mut self, template: &Template, kind: TemplateKind, site: &Site) -> bool {
        let name = format!("templates.{}", shown(&template.name));
        let count = template.inputs.parameters.len() + template.inputs.artifacts.len();
        if self.too_many(count, &format!("{name}.inputs"), &site.below(".inputs")) {
            return false;
        }
        let names: Vec<&str> =
            template.inputs.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let at = site.below(".inputs.parameters");
        self.names(&names, names::Rule::Parameter, &format!("{name}.inputs.parameters"), &at);
        let names: Vec<&str> =
            template.inputs.artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
        let at = site.below(".inputs.artifacts");
        self.names(&names, names::Rule::Parameter, &format!("{name}.inputs.artifacts"), &at);
        for (position, one) in template.inputs.artifacts.iter().enumerate() {
            let at = at.below(&format!("[{position}]"));
            let prefix = format!("{name}.inputs.artifacts.{}", shown(&one.name));
            self.artifact_path(one, is_leaf(kind), &prefix, &at);
            if !one.from.is_empty() {
                self.fault(BAD_WORKFLOW, format!("{prefix}.from not valid in inputs"), &at);
            }
            self.location(&one.rest, &prefix, &at);
        }
        true
    }

    /// Whether there are more parameters or artifacts than are taken; that is told then.
    pub(super) fn too_many(&mut self, count: usize, what: &str, site: &Site) -> bool {
        let too_many = count > MAX_PARAMETERS;
        if too_many {
            let message =
                format!("{what} has {count} parameters and artifacts, {MAX_PARAMETERS} are allowed");
            self.fault(BAD_WORKFLOW, message, site);
        }
        too_many
    }
}
