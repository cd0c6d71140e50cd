//! Templates that run something themselves: images, mounts, container sets, resources, deadlines. Source: Argo
//! `validateLeaf`, `container_set_template_types.go` Validate.

use std::collections::{HashMap, HashSet};

use super::{
    BAD_DEPENDENCY, BAD_WORKFLOW,
    globals::is_filled_later,
    names::{self, shown},
    scope::{Scope, is_tag},
    walk::{Site, Walker, is_leaf},
};
use crate::argo::{ContainerSetTemplate, ResourceTemplate, Template, TemplateKind, VolumeMount};

impl Walker<'_> {
    /// Checks the times that only some templates may have.
    pub(super) fn times(&mut self, template: &Template, kind: TemplateKind, site: &Site) {
        let timeout = &template.timeout;
        if timeout.is_empty() {
            return;
        }
        let message = if !is_leaf(kind) {
            format!("{} template doesn't support timeout field", kind_name(kind))
        } else if timeout.parse::<i64>().is_ok() {
            format!("{} has invalid duration format in timeout", shown(&template.name))
        } else {
            return;
        };
        self.fault(BAD_WORKFLOW, message, &site.below(".timeout"));
    }

    pub(super) fn leaf(&mut self, template: &Template, kind: TemplateKind, scope: &Scope<'_>, site: &Site) {
        let name = format!("templates.{}", shown(&template.name));
        self.body(template, scope, &format!("{name}:"), site);
        self.images(template, &name, site);
        if let Some(container) = &template.container {
            self.mounts(&container.volume_mounts, template, &name, site);
        }
        if let Some(set) = &template.container_set {
            self.container_set(set, template, &name, &site.below(".containerSet"));
        }
        if let (Some(resource), TemplateKind::Resource) = (&template.resource, kind) {
            self.resource(resource, template, &name, &site.below(".resource"));
        }
        if let Some(deadline) = &template.active_deadline_seconds {
            let text = deadline.0.as_str();
            let number = text.parse::<i64>();
            let valid =
                number.as_ref().map_or_else(|_| is_tag(text) || is_filled_later(text), |number| *number >= 0);
            if !valid {
                let message = format!(
                    "{name}.activeDeadlineSeconds must be a positive integer > 0 or an argo variable"
                );
                self.fault(BAD_WORKFLOW, message, &site.below(".activeDeadlineSeconds"));
            }
        }
        if let (Some(plugin), TemplateKind::Plugin) = (&template.plugin, kind) {
            let count = plugin.as_object().map_or(0, serde_json::Map::len);
            if count != 1 {
                let message = format!("{name}.plugin expected exactly one key, got {count}");
                self.fault(BAD_WORKFLOW, message, &site.below(".plugin"));
            }
        }
        if template.parallelism.is_some() {
            let message = format!("{name}.parallelism is only valid for steps and dag templates");
            self.fault(BAD_WORKFLOW, message, &site.below(".parallelism"));
        }
    }

    /// Checks the references in everything the template says; outputs are looked at by themselves again.
    fn body(&mut self, template: &Template, scope: &Scope<'_>, prefix: &str, site: &Site) {
        let mut body = template.clone();
        body.outputs = crate::argo::Outputs::default();
        let text = serde_json::to_value(&body).unwrap_or_default();
        self.references(&text, scope, prefix, site);
    }

    fn images(&mut self, template: &Template, name: &str, site: &Site) {
        let defaults = self.defaults(site);
        let default = |script: bool| {
            let image = defaults.and_then(|defaults| {
                let container = defaults.script.as_ref().map(|script| &script.container);
                let container = if script { container } else { defaults.container.as_ref() };
                container.map(|container| container.image.as_str())
            });
            image.is_some_and(|image| !image.is_empty())
        };
        let container = template.container.as_ref().is_some_and(|c| c.image.is_empty() && !default(false));
        let script = template.script.as_ref().is_some_and(|s| s.container.image.is_empty() && !default(true));
        for field in [(container, "container"), (script, "script")].into_iter().filter(|(is, _)| *is) {
            let message = format!("{name}.{}.image may not be empty", field.1);
            self.fault(BAD_WORKFLOW, message, &site.below(&format!(".{}", field.1)));
        }
    }

    /// Checks that no two things are mounted at one path.
    fn mounts(&mut self, mounts: &[VolumeMount], template: &Template, name: &str, site: &Site) {
        let mut taken: HashMap<&str, String> = HashMap::new();
        for (position, mount) in mounts.iter().enumerate() {
            let path = mount.mount_path.as_str();
            if let Some(before) = taken.get(path) {
                let message = format!(
                    "{name}.container.volumeMounts[{position}].mountPath '{path}' already mounted in {before}"
                );
                self.fault(
                    BAD_WORKFLOW,
                    message,
                    &site.below(&format!(".container.volumeMounts[{position}]")),
                );
            }
            taken.insert(path, format!("container.volumeMounts.{}", mount.name));
        }
        for (position, artifact) in template.inputs.artifacts.iter().enumerate() {
            let path = artifact.path.as_str();
            if let Some(before) = taken.get(path) {
                let message =
                    format!("{name}.inputs.artifacts[{position}].path '{path}' already mounted in {before}");
                self.fault(BAD_WORKFLOW, message, &site.below(&format!(".inputs.artifacts[{position}]")));
            }
            taken.insert(path, format!("inputs.artifacts.{}", artifact.name));
        }
    }

    fn container_set(&mut self, set: &ContainerSetTemplate, template: &Template, name: &str, site: &Site) {
        let name = format!("{name}.containerSet");
        if set.containers.is_empty() {
            let message = format!("{name}.containers must have at least one container");
            self.fault(BAD_WORKFLOW, message, site);
            return;
        }
        let all: Vec<&str> = set.containers.iter().map(|node| node.container.name.as_str()).collect();
        let at = site.below(".containers");
        self.names(&all, names::Rule::Field, &format!("{name}.containers"), &at);
        let mut taken: HashMap<&str, &str> = HashMap::new();
        for (position, mount) in set.volume_mounts.iter().enumerate() {
            if let Some(before) = taken.insert(&mount.mount_path, &mount.name) {
                let message = format!(
                    "{name}.volumeMounts[{position}].mountPath '{}' already mounted in volumeMounts.{before}",
                    mount.mount_path
                );
                self.fault(BAD_WORKFLOW, message, &site.below(&format!(".volumeMounts[{position}]")));
            }
        }
        let known: HashSet<&str> = all.iter().copied().collect();
        for (position, node) in set.containers.iter().enumerate() {
            for other in node.dependencies.iter().filter(|other| !known.contains(other.as_str())) {
                let message = format!(
                    "{name}.containers.{} dependency '{}' not defined",
                    shown(&node.container.name),
                    shown(other)
                );
                self.fault(BAD_DEPENDENCY, message, &at.below(&format!("[{position}]")));
            }
        }
        if let Some(circle) = circle(set) {
            let message = format!("{name}.containers dependency cycle detected: {circle}");
            self.fault(BAD_DEPENDENCY, message, &at);
        }
        let needs_main = !template.inputs.artifacts.is_empty() || !template.outputs.is_empty();
        if needs_main && !known.contains("main") {
            let message =
                format!("{name}.containers must have a container named \"main\" for input or output");
            self.fault(BAD_WORKFLOW, message, &at);
        }
    }

    fn resource(&mut self, resource: &ResourceTemplate, template: &Template, name: &str, site: &Site) {
        let action = resource.action.as_str();
        if !["get", "create", "apply", "delete", "replace", "patch"].contains(&action)
            && !is_filled_later(action)
        {
            let message =
                format!("{name}.resource.action must be one of: get, create, apply, delete, replace, patch");
            self.fault(BAD_WORKFLOW, message, &site.below(".action"));
        }
        if matches!(action, "delete" | "get") {
            return;
        }
        let from = resource.manifest_from.as_ref().filter(|from| !from.is_null());
        let message = match (resource.manifest.is_empty(), from) {
            (true, None) => format!(
                "either {name}.resource.manifest or {name}.resource.manifestFrom must be specified"
            ),
            (false, Some(_)) => {
                "shouldn't have both `manifest` and `manifestFrom` specified in `Manifest` for resource template"
                    .to_owned()
            }
            (true, Some(from)) => {
                let artifact = from.get("artifact").filter(|artifact| !artifact.is_null());
                let name = artifact.map(|artifact| {
                    artifact.get("name").and_then(serde_json::Value::as_str).unwrap_or_default()
                });
                match name {
                    Some(name) if !template.inputs.artifacts.iter().any(|one| one.name == name) => {
                        format!("artifact {} in `manifestFrom` refer to a non-exist artifact", shown(name))
                    }
                    _ => return,
                }
            }
            (false, None) if !is_yaml(&resource.manifest) => {
                format!("{name}.resource.manifest must be a valid yaml")
            }
            (false, None) => return,
        };
        self.fault(BAD_WORKFLOW, message, site);
    }
}

/// Whether a manifest is YAML; a tag that is left is none unless it stands within a text.
fn is_yaml(manifest: &str) -> bool {
    let duplicates =
        |faults: Vec<crate::Fault>| faults.iter().all(|fault| fault.code == crate::yaml::DUPLICATE_KEY);
    match crate::yaml::parse("manifest", manifest) {
        Ok(_) => true,
        Err(faults) => duplicates(faults),
    }
}

/// Returns one circle of containers that wait for each other.
fn circle(set: &ContainerSetTemplate) -> Option<String> {
    let nodes: HashMap<&str, &[String]> = set
        .containers
        .iter()
        .map(|node| (node.container.name.as_str(), node.dependencies.as_slice()))
        .collect();
    let mut left: HashSet<&str> = nodes.keys().copied().collect();
    loop {
        let ready: Vec<&str> = left
            .iter()
            .filter(|name| {
                nodes.get(*name).is_some_and(|needs| !needs.iter().any(|need| left.contains(need.as_str())))
            })
            .copied()
            .collect();
        if ready.is_empty() {
            break;
        }
        left.retain(|name| !ready.contains(name));
    }
    let mut at = left.iter().min().copied()?;
    let mut path = Vec::new();
    while !path.contains(&at) {
        path.push(at);
        at = nodes.get(at)?.iter().map(String::as_str).find(|need| left.contains(need))?;
    }
    path.push(at);
    let from = path.iter().position(|name| *name == at)?;
    Some(path.into_iter().skip(from).take(20).collect::<Vec<_>>().join("->"))
}

/// Returns the kind as Argo's messages spell it.
pub(super) const fn kind_name(kind: TemplateKind) -> &'static str {
    match kind {
        TemplateKind::Container => "Container",
        TemplateKind::ContainerSet => "ContainerSet",
        TemplateKind::Steps => "Steps",
        TemplateKind::Dag => "DAG",
        TemplateKind::Script => "Script",
        TemplateKind::Resource => "Resource",
        TemplateKind::Data => "Data",
        TemplateKind::Suspend => "Suspend",
        TemplateKind::Http => "HTTP",
        TemplateKind::Plugin => "Plugin",
    }
}
