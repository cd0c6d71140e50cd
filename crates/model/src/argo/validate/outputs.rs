//! Outputs of templates: where each value comes from. Source: Argo `validateOutputs`, `validateOutputParameter`.

use super::{
    BAD_WORKFLOW,
    globals::is_filled_later,
    names::{self, shown},
    scope::{Scope, is_tag},
    walk::{Site, Walker, is_leaf},
};
use crate::argo::{Parameter, Template, TemplateKind, ValueFrom};

impl Walker<'_> {
    pub(super) fn outputs(
        &mut self,
        template: &Template,
        kind: TemplateKind,
        scope: &Scope<'_>,
        site: &Site,
    ) {
        let name = format!("templates.{}", shown(&template.name));
        let outputs = &template.outputs;
        let at = site.below(".outputs.parameters");
        let names: Vec<&str> = outputs.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        self.names(&names, names::Rule::Parameter, &format!("{name}.outputs.parameters "), &at);
        for (position, parameter) in outputs.parameters.iter().enumerate() {
            let at = at.below(&format!("[{position}]"));
            let prefix = format!("{name}.outputs.parameters.{}", shown(&parameter.name));
            let text = serde_json::to_value(parameter).unwrap_or_default();
            self.references(&text, scope, &format!("{name}.outputs"), &at);
            if let Some(message) = wrong_source(parameter, kind) {
                self.fault(BAD_WORKFLOW, format!("{prefix}{message}"), &at);
            }
            self.global_name(&parameter.global_name, &prefix, &at);
        }
        let at = site.below(".outputs.artifacts");
        let names: Vec<&str> = outputs.artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
        self.names(&names, names::Rule::Parameter, &format!("{name}.outputs.artifacts "), &at);
        for (position, artifact) in outputs.artifacts.iter().enumerate() {
            let at = at.below(&format!("[{position}]"));
            let prefix = format!("{name}.outputs.artifacts.{}", shown(&artifact.name));
            let text = serde_json::to_value(artifact).unwrap_or_default();
            self.references(&text, scope, &format!("{name}.outputs"), &at);
            self.artifact_path(artifact, is_leaf(kind), &prefix, &at);
            self.global_name(&artifact.global_name, &prefix, &at);
        }
    }

    fn global_name(&mut self, name: &str, prefix: &str, site: &Site) {
        if name.is_empty() || is_tag(name) || is_filled_later(name) {
            return;
        }
        if let Some(why) = names::invalid(name, names::Rule::Parameter) {
            self.fault(BAD_WORKFLOW, format!("{prefix}.globalName: {why}"), &site.below(".globalName"));
        }
    }
}

/// Returns what is wrong with where an output parameter's value comes from.
fn wrong_source(parameter: &Parameter, kind: TemplateKind) -> Option<String> {
    let Some(from) = &parameter.value_from else {
        return parameter.value.is_none().then(|| " does not have valueFrom or value specified".to_owned());
    };
    if parameter.value.is_some() {
        return Some(" has both valueFrom and value specified, choose one".to_owned());
    }
    let ValueFrom { path, parameter, expression, supplied, json_path, jq_filter, .. } = from.as_ref();
    let texts = [path, jq_filter, json_path, parameter, expression];
    let sources = texts.iter().filter(|text| !text.is_empty()).count() + usize::from(supplied.is_some());
    if sources != 1 {
        let what =
            if sources == 0 { "valueFrom type unspecified" } else { "multiple valueFrom types specified" };
        let last = if sources == 0 { ", expression" } else { "" };
        return Some(format!(" {what}. choose one of: path, jqFilter, jsonPath, parameter, raw{last}"));
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
            Some(" .jqFilter or jsonPath must be specified for Resource templates".to_owned())
        }
        TemplateKind::Steps | TemplateKind::Dag if parameter.is_empty() && expression.is_empty() => {
            let kind = if kind == TemplateKind::Dag { "DAG" } else { "Steps" };
            Some(format!(".parameter or expression must be specified for {kind} templates"))
        }
        _ => None,
    }
}
