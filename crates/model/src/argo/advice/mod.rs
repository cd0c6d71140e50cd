//! What Argo accepts and somebody wants to know before running it: fields that mean something only on Kubernetes, and
//! spellings of Argo 3 that version 4 removed. Source: Argo `docs/upgrading.md`, `workflow/common/convert.go`.
//! Not here: faults (see `validate`).

#[cfg(test)]
mod tests;

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
/// What stands in a spec and in a template.
const SPECS: &[&str] = &["spec", "workflowSpec"];
const TEMPLATES: &[&str] = &["templates", "templateDefaults", "inline"];
const CONTAINERS: &[&str] = &["container", "script", "containers", "initContainers", "sidecars"];
/// Fields without effect on one machine: where and as what a pod runs in a cluster, and what watches over it there.
const CLUSTER_FIELDS: &[(&[&str], &[&str])] = &[
    (
        SPECS,
        &[
            "affinity",
            "automountServiceAccountToken",
            "dnsConfig",
            "dnsPolicy",
            "executor",
            "hostAliases",
            "hostNetwork",
            "imagePullSecrets",
            "nodeSelector",
            "podDisruptionBudget",
            "podGC",
            "podMetadata",
            "podPriorityClassName",
            "podResources",
            "resourceClaims",
            "schedulerName",
            "securityContext",
            "serviceAccountName",
            "tolerations",
        ],
    ),
    (
        TEMPLATES,
        &[
            "affinity",
            "automountServiceAccountToken",
            "executor",
            "hostAliases",
            "nodeSelector",
            "podResources",
            "priorityClassName",
            "resourceClaims",
            "schedulerName",
            "securityContext",
            "serviceAccountName",
            "tolerations",
        ],
    ),
    (
        CONTAINERS,
        &[
            "lifecycle",
            "livenessProbe",
            "resizePolicy",
            "restartPolicy",
            "restartPolicyRules",
            "startupProbe",
            "terminationMessagePath",
            "terminationMessagePolicy",
            "volumeDevices",
        ],
    ),
    (&["retryStrategy"], &["affinity"]),
    (&["artifactGC"], &["podMetadata", "podSpecPatch", "serviceAccountName"]),
];
/// Fields of a pod's main container that would change what it does: where there is no cluster, its node is an error.
const REFUSED: (&[&str], &[&str]) =
    (&["container", "script"], &["lifecycle", "restartPolicy", "restartPolicyRules", "volumeDevices"]);
/// Kinds of volumes that are there on one machine.
const VOLUMES: &[&str] =
    &["configMap", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
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

/// Whether there may be something to tell below a field; what is Kubernetes' own or a person's data is not looked into.
pub(super) fn goes_on(name: &str) -> bool {
    const FURTHER: &[&str] = &[
        "workflowSpec",
        "steps",
        "dag",
        "tasks",
        "synchronization",
        "containerSet",
        "retryStrategy",
        "artifactGC",
        "volumes",
        "outputs",
        "artifacts",
    ];
    [FURTHER, TEMPLATES, CONTAINERS].iter().any(|names| names.contains(&name))
}

fn one(parent: &str, name: &str, value: &Value, fields: &Map<String, Value>) -> Option<Fault> {
    if says_nothing(value) && parent != "volumes" {
        return None;
    }
    let cluster = |what: String| Some(Fault::new(ONLY_ON_KUBERNETES, format!("only on Kubernetes: {what}")));
    if REFUSED.0.contains(&parent) && REFUSED.1.contains(&name) {
        return cluster(format!("`{name}` needs a cluster; its node is an error without one"));
    }
    if CLUSTER_FIELDS.iter().any(|(within, names)| within.contains(&parent) && names.contains(&name)) {
        return cluster(format!("`{name}` has no effect on one machine"));
    }
    if TEMPLATES.contains(&parent) && name == "resource" {
        return cluster("a `resource` template needs a cluster; its node is an error without one".to_owned());
    }
    if parent == "volumes" && name != "name" && fields.contains_key("name") && !VOLUMES.contains(&name) {
        return cluster(format!("a volume of the kind `{name}` needs a cluster"));
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
