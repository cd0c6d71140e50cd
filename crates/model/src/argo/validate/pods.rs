//! What pods may have as a whole: resources, claims, plugins, when they are deleted. Source: Argo `validate.go`,
//! `pkg/plugins/spec`, Kubernetes' pod-level resources.

use serde_json::Value;

use super::{
    BAD_WORKFLOW,
    leaf::kind_name,
    names::shown,
    selector,
    walk::{Site, Walker, is_pod},
};
use crate::argo::{Template, TemplateKind};

impl Walker<'_> {
    /// Checks what the workflow says of all its pods.
    pub(super) fn workflow_pods(&mut self) {
        let rest = &self.spec.rest;
        let plugins = rest.get("executorPlugins").and_then(Value::as_array).into_iter().flatten().enumerate();
        for (position, plugin) in plugins {
            if let Some(why) = wrong_plugin(plugin) {
                let site = self.own(&format!(".executorPlugins[{position}]"));
                self.fault(BAD_WORKFLOW, format!("spec.executorPlugins: {why}"), &site);
            }
        }
        if let Some(resources) = rest.get("podResources") {
            self.resources(resources, "spec", &self.own(".podResources"));
        }
    }

    /// Checks what a template says of its pod, if it has one.
    pub(super) fn template_pods(&mut self, template: &Template, kind: TemplateKind, site: &Site) {
        let name = format!("templates.{}", shown(&template.name));
        for field in ["podResources", "resourceClaims"] {
            let Some(value) = template.rest.get(field).filter(|value| !is_empty(value)) else { continue };
            let site = site.below(&format!(".{field}"));
            if !is_pod(kind) {
                let why = if matches!(kind, TemplateKind::Http | TemplateKind::Plugin) {
                    ""
                } else {
                    ", which do not create a pod"
                };
                let message =
                    format!("{name}.{field} is not supported for {} templates{why}", kind_name(kind));
                self.fault(BAD_WORKFLOW, message, &site);
            } else if field == "podResources" {
                self.resources(value, &name, &site);
            }
        }
    }

    fn resources(&mut self, resources: &Value, prefix: &str, site: &Site) {
        if resources.get("claims").is_some_and(|claims| !is_empty(claims)) {
            let message = format!("{prefix}.podResources.claims is not supported");
            self.fault(BAD_WORKFLOW, message, &site.below(".claims"));
        }
        for kind in ["limits", "requests"] {
            let names = resources.get(kind).and_then(Value::as_object).into_iter().flat_map(|all| all.keys());
            for name in names.filter(|name| !is_pod_level(name)) {
                let message = format!("{prefix}.podResources: {name:?} is not a valid pod-level resource");
                self.fault(BAD_WORKFLOW, message, &site.below(&format!(".{kind}.{name}")));
            }
        }
    }

    pub(super) fn pod_gc(&mut self) {
        const STRATEGIES: [&str; 5] =
            ["", "OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess"];
        let Some(gc) = &self.spec.pod_gc else { return };
        if !STRATEGIES.contains(&gc.strategy.as_str()) {
            let message = format!("podGC.strategy unknown strategy '{}'", shown(&gc.strategy));
            self.fault(BAD_WORKFLOW, message, &self.own(".podGC.strategy"));
        }
        if let Some(why) = gc.label_selector.as_ref().and_then(selector::wrong) {
            let message = format!("podGC.labelSelector invalid: {why}");
            self.fault(BAD_WORKFLOW, message, &self.own(".podGC.labelSelector"));
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn is_pod_level(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
}

fn wrong_plugin(plugin: &Value) -> Option<&'static str> {
    let at = |pointer: &str| plugin.pointer(pointer).filter(|value| !is_empty(value));
    if at("/metadata/name").and_then(Value::as_str).unwrap_or_default().is_empty() {
        return Some("executor plugin metadata name is mandatory");
    }
    let container = |field: &str| at(&format!("/spec/sidecar/container/{field}")).is_some();
    if !container("ports") {
        Some("at least one port is mandatory")
    } else if !container("resources/requests") {
        Some("resources requests are mandatory")
    } else if !container("resources/limits") {
        Some("resources limits are mandatory")
    } else if plugin.pointer("/spec/sidecar/container/securityContext").is_none_or(Value::is_null) {
        Some("security context is mandatory")
    } else {
        None
    }
}
