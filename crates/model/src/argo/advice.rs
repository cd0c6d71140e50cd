//! What Argo accepts and somebody wants to know before running it: fields that mean something only on Kubernetes, and
//! spellings of Argo 3 that version 4 removed. Source: Argo `docs/upgrading.md`, `workflow/common/convert.go`.
//! Not here: faults (see `validate`).

use serde_json::{Map, Value};

use crate::{
    fault::{Code, Fault},
    yaml::Places,
};

/// A field that has no meaning on one machine.
pub const ONLY_ON_KUBERNETES: Code = Code("MDL0307");
/// A spelling that Argo 4 removed; it is still read.
pub const OLD_SPELLING: Code = Code("MDL0308");

/// The most warnings of one object.
const MAX_WARNINGS: usize = 200;
/// Fields of specs and templates that choose where and as what a pod runs in a cluster.
const CLUSTER_FIELDS: &[&str] = &[
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "hostAliases",
    "hostNetwork",
    "imagePullSecrets",
    "nodeSelector",
    "podDisruptionBudget",
    "podPriorityClassName",
    "podResources",
    "podSpecPatch",
    "priorityClassName",
    "resourceClaims",
    "schedulerName",
    "tolerations",
];
/// Old spellings: the field, what it stands in, and what version 4 writes.
const OLD: &[(&str, &str, &str)] = &[
    ("schedule", "spec", "schedules: [\"…\"]"),
    ("mutex", "synchronization", "mutexes: [{name: …}]"),
    ("semaphore", "synchronization", "semaphores: [{configMapKeyRef: …}]"),
    ("podPriority", "spec", "podPriorityClassName"),
];

/// Returns what is worth knowing of an object of Argo's, given as JSON, each at its place.
pub fn advice(object: &Value, places: &Places) -> Vec<Fault> {
    let mut found = Vec::new();
    walk(object, &mut |path, name, value, fields| {
        let fault = one(parent_of(path), name, value, fields);
        found.extend(fault.map(|fault| fault.at(places.nearest(&format!("{path}.{name}")))));
        found.len() < MAX_WARNINGS
    });
    found.sort_by(|a, b| a.place.cmp(&b.place));
    found
}

/// Calls `visit` with each field of the object's specs and templates: the path of what it stands in, its name, its value
/// and its siblings; until that returns false.
pub(super) fn walk(object: &Value, visit: &mut impl FnMut(&str, &str, &Value, &Map<String, Value>) -> bool) {
    let mut open: Vec<(String, &Value)> =
        object.get("spec").map(|spec| ("spec".to_owned(), spec)).into_iter().collect();
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Array(items) => {
                open.extend(items.iter().enumerate().rev().map(|(at, item)| (format!("{path}[{at}]"), item)));
            }
            Value::Object(fields) => {
                for (name, inner) in fields {
                    if !visit(&path, name, inner, fields) {
                        return;
                    }
                    if goes_on(name) {
                        open.push((format!("{path}.{name}"), inner));
                    }
                }
            }
            _ => {}
        }
    }
}

/// Returns the last named field of a path.
pub(super) fn parent_of(path: &str) -> &str {
    let last = path.rsplit('.').next().unwrap_or(path);
    last.split('[').next().unwrap_or(last)
}

/// Whether there may be specs or templates below a field; what is Kubernetes' own or a person's data is not looked into.
pub(super) fn goes_on(name: &str) -> bool {
    ["workflowSpec", "templates", "templateDefaults", "steps", "dag", "tasks", "inline", "synchronization"]
        .contains(&name)
}

fn one(parent: &str, name: &str, value: &Value, fields: &Map<String, Value>) -> Option<Fault> {
    if says_nothing(value) {
        return None;
    }
    let is_spec =
        ["spec", "workflowSpec", "templates", "templateDefaults", "inline", "steps"].contains(&parent);
    if is_spec && CLUSTER_FIELDS.contains(&name) {
        let message = format!("only on Kubernetes: `{name}` has no effect on one machine");
        return Some(Fault::new(ONLY_ON_KUBERNETES, message));
    }
    if is_spec && name == "resource" && fields.contains_key("name") {
        let message =
            "only on Kubernetes: a `resource` template needs a cluster; its node is an error without one";
        return Some(Fault::new(ONLY_ON_KUBERNETES, message));
    }
    let now = is_old(parent, name, value).then(|| now_of(name))?;
    let message = format!("`{name}` is a spelling of Argo 3 that version 4 removed; it is still read here");
    Some(Fault::new(OLD_SPELLING, message).help(format!("write `{now}`")))
}

/// Whether a field with something in it is an old spelling.
pub(super) fn is_old(parent: &str, name: &str, value: &Value) -> bool {
    let within = if parent == "workflowSpec" { "spec" } else { parent };
    !says_nothing(value) && OLD.iter().any(|(old, place, _)| *old == name && *place == within)
}

fn now_of(name: &str) -> &'static str {
    OLD.iter().find(|(old, ..)| *old == name).map_or("", |(_, _, now)| now)
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::advice;
    use crate::manifest::parse;

    fn told(text: &str) -> Vec<String> {
        let manifest = parse("w.yaml", text).unwrap().remove(0);
        advice(&manifest.to_json(), manifest.places()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_needs_a_cluster_is_told_with_its_place() {
        let text = "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w}
spec:
  entrypoint: a
  nodeSelector: {disk: ssd}
  tolerations: []
  templates:
  - name: a
    schedulerName: other
    container: {image: x}
  - name: b
    resource: {action: get, manifest: 'a: b'}
";
        let expected = [
            "w.yaml:6:3: only on Kubernetes: `nodeSelector` has no effect on one machine [MDL0307]",
            "w.yaml:10:5: only on Kubernetes: `schedulerName` has no effect on one machine [MDL0307]",
            "w.yaml:13:5: only on Kubernetes: a `resource` template needs a cluster; its node is an error without one [MDL0307]",
        ];
        assert_eq!(told(text), expected);
    }

    #[test]
    fn old_spellings_are_told() {
        let text = "apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: w}
spec:
  schedule: '* * * * *'
  workflowSpec:
    entrypoint: a
    synchronization: {mutex: {name: m}}
    templates:
    - {name: a, container: {image: x}}
";
        let told = told(text);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("w.yaml:5:3: `schedule`") && told[1].contains("`mutex`"), "{told:?}");
    }
}
