//! Outputs of templates: where each value comes from. Source: Argo `validateOutputs`, `validateOutputParameter`.

use super::{BAD_WORKFLOW, Checker, Scope, names, template::Site};
use crate::argo::{Parameter, Template, TemplateKind, ValueFrom};

impl Checker<'_> {
    pub(super) fn outputs(
        &mut self,
        template: &Template,
        kind: TemplateKind,
        scope: &Scope<'_>,
        site: &Site,
    ) {
        let Site { name, path, .. } = site;
        let names: Vec<&str> =
            template.outputs.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let (prefix, at) = (format!("{name}.outputs.parameters"), format!("{path}.outputs.parameters"));
        self.names(&names, names::Rule::Parameter, &prefix, &at);
        for (position, parameter) in template.outputs.parameters.iter().enumerate() {
            let at = format!("{at}[{position}]");
            let prefix = format!("{prefix}.{}", parameter.name);
            if let Some(message) = wrong_source(parameter, kind) {
                self.fault(BAD_WORKFLOW, format!("{prefix}{message}"), &at);
            }
            self.references(
                &serde_json::to_value(parameter).unwrap_or_default(),
                scope,
                &format!("{name}.outputs"),
                &at,
            );
        }
        let names: Vec<&str> =
            template.outputs.artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
        let (prefix, at) = (format!("{name}.outputs.artifacts"), format!("{path}.outputs.artifacts"));
        self.names(&names, names::Rule::Artifact, &prefix, &at);
        for (position, artifact) in template.outputs.artifacts.iter().enumerate() {
            let at = format!("{at}[{position}]");
            let container = matches!(kind, TemplateKind::Container | TemplateKind::Script);
            if container && artifact.path.is_empty() {
                self.fault(BAD_WORKFLOW, format!("{prefix}.{}.path not specified", artifact.name), &at);
            }
            self.references(
                &serde_json::to_value(artifact).unwrap_or_default(),
                scope,
                &format!("{name}.outputs"),
                &at,
            );
        }
    }
}

/// Returns what is wrong with where an output parameter's value comes from.
fn wrong_source(parameter: &Parameter, kind: TemplateKind) -> Option<String> {
    let Some(from) = &parameter.value_from else {
        return parameter.value.is_none().then(|| " does not have valueFrom or value specified".to_owned());
    };
    let ValueFrom { path, parameter, expression, supplied, json_path, jq_filter, event, .. } = from;
    let sources = [
        !path.is_empty(),
        !json_path.is_empty(),
        !jq_filter.is_empty(),
        !parameter.is_empty(),
        !expression.is_empty(),
        !event.is_empty(),
        from.config_map_key_ref.is_some(),
        supplied.is_some(),
    ];
    if sources.iter().filter(|source| **source).count() > 1 {
        return Some(".valueFrom has multiple valueFrom specified".to_owned());
    }
    match kind {
        TemplateKind::Container | TemplateKind::ContainerSet | TemplateKind::Script if path.is_empty() => {
            let kind = match kind {
                TemplateKind::ContainerSet => "ContainerSet",
                TemplateKind::Script => "Script",
                _ => "Container",
            };
            Some(format!(".path must be specified for {kind} templates"))
        }
        TemplateKind::Resource if jq_filter.is_empty() && json_path.is_empty() => {
            Some(".jqFilter or jsonPath must be specified for Resource templates".to_owned())
        }
        TemplateKind::Steps | TemplateKind::Dag if parameter.is_empty() && expression.is_empty() => {
            let kind = if kind == TemplateKind::Dag { "DAG" } else { "Steps" };
            Some(format!(".parameter or expression must be specified for {kind} templates"))
        }
        TemplateKind::Suspend if supplied.is_none() && from.default.is_none() => {
            Some(".supplied must be specified for Suspend templates".to_owned())
        }
        _ => None,
    }
}
