//! What of Argo is taken here and what is refused: every field is in a list, a field in none is refused.
//! A field is harmless if leaving it out changes nothing a workflow can see on one machine.

use model::argo::{Arguments, Artifact, Call, Container, Parameter, Template, TemplateKind, WorkflowSpec};
use serde_json::{Map, Value};

/// Fields of a workflow's spec that choose where and as whom pods run in a cluster, or what is kept afterwards.
/// Volumes count only where they are mounted.
const HARMLESS_SPEC: &[&str] = &[
    "affinity",
    "archiveLogs",
    "artifactGC",
    "artifactRepositoryRef",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "executor",
    "hostAliases",
    "hostNetwork",
    "imagePullSecrets",
    "metrics",
    "nodeSelector",
    "podDisruptionBudget",
    "podGC",
    "podMetadata",
    "podPriority",
    "podPriorityClassName",
    "podResources",
    "podSpecPatch",
    "priority",
    "resourceClaims",
    "schedulerName",
    "securityContext",
    "serviceAccountName",
    "tolerations",
    "ttlStrategy",
    "volumeClaimGC",
    "volumeClaimTemplates",
    "volumes",
];

/// Fields of a template that choose where and as whom its pod runs in a cluster, or what is shown of it.
const HARMLESS_TEMPLATE: &[&str] = &[
    "affinity",
    "annotations",
    "archiveLocation",
    "automountServiceAccountToken",
    "executor",
    "hostAliases",
    "metrics",
    "nodeSelector",
    "pendingTimeout",
    "podResources",
    "podSpecPatch",
    "priorityClassName",
    "resourceClaims",
    "schedulerName",
    "securityContext",
    "serviceAccountName",
    "tolerations",
    "volumes",
];

/// Fields of a container that concern images, limits and probes of a cluster.
const HARMLESS_CONTAINER: &[&str] = &[
    "imagePullPolicy",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resizePolicy",
    "resources",
    "securityContext",
    "startupProbe",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "stdin",
    "stdinOnce",
    "tty",
];

/// Fields of an artifact: where it is, and what does not change what is handed over.
const KNOWN_ARTIFACT: &[&str] = &[
    "artifactGC",
    "archiveLogs",
    "deleted",
    "artifactory",
    "azure",
    "git",
    "gcs",
    "hdfs",
    "http",
    "oss",
    "plugin",
    "raw",
    "s3",
];

/// Fields of a retry strategy: those read by the engine, and where attempts run in a cluster.
const KNOWN_RETRY: &[&str] = &["affinity"];

/// Returns the message for something that cannot be run here.
fn unsupported(what: &str) -> String {
    format!("{what} is not supported on one machine yet")
}

/// Whether a field is written so that it says nothing: null, false, or an empty text, list or object.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

fn refused_field(rest: &Map<String, Value>, harmless: &[&str], of: &str) -> Option<String> {
    let (name, _) =
        rest.iter().find(|(name, value)| !harmless.contains(&name.as_str()) && !says_nothing(value))?;
    Some(unsupported(&format!("`{name}` of {of}")))
}

/// Returns why a workflow cannot be run, if so.
pub(super) fn refused_spec(spec: &WorkflowSpec) -> Option<String> {
    refused_field(&spec.rest, HARMLESS_SPEC, "the workflow")
        .or_else(|| refused_retry(spec.retry_strategy.as_ref()?))
}

/// Returns why a template cannot be run, if so.
pub(super) fn refused_template(template: &Template, kind: Option<TemplateKind>) -> Option<String> {
    if kind.is_none() {
        return Some(format!("template `{}` has no kind", template.name));
    }
    refused_field(&template.rest, HARMLESS_TEMPLATE, "a template")
        .or_else(|| refused_retry(template.retry_strategy.as_ref()?))
        .or_else(|| refused_container(template.container.as_ref()?))
        .or_else(|| refused_container(&template.script.as_ref()?.container))
        .or_else(|| refused_inputs(template))
        .or_else(|| refused_outputs(template))
}

fn refused_container(container: &Container) -> Option<String> {
    refused_field(&container.rest, HARMLESS_CONTAINER, "a container")
}

fn refused_retry(strategy: &model::argo::RetryStrategy) -> Option<String> {
    refused_field(&strategy.rest, KNOWN_RETRY, "a retryStrategy")
}

fn refused_inputs(template: &Template) -> Option<String> {
    let mut parameters = template.inputs.parameters.iter();
    parameters.find_map(|parameter| refused_source(parameter, "input parameter")).or_else(|| {
        template.inputs.artifacts.iter().find_map(|artifact| refused_artifact(artifact, "input artifact"))
    })
}

fn refused_outputs(template: &Template) -> Option<String> {
    for parameter in &template.outputs.parameters {
        let Some(from) = &parameter.value_from else { continue };
        let known = [
            (from.config_map_key_ref.is_some(), "configMapKeyRef"),
            (!from.json_path.is_empty(), "jsonPath"),
            (!from.jq_filter.is_empty(), "jqFilter"),
        ];
        let other = from.rest.keys().next().map(String::as_str);
        let what = known.iter().find(|(set, _)| *set).map(|(_, name)| *name).or(other);
        if let Some(what) = what {
            return Some(unsupported(&format!(
                "`valueFrom.{what}` of the output parameter `{}`",
                parameter.name
            )));
        }
    }
    template.outputs.artifacts.iter().find_map(|artifact| refused_artifact(artifact, "output artifact"))
}

/// Returns why an artifact cannot be handed over, if so: a place outside, an expression, a part of it.
fn refused_artifact(artifact: &Artifact, what: &str) -> Option<String> {
    let of = format!("the {what} `{}`", artifact.name);
    refused_field(&artifact.rest, KNOWN_ARTIFACT, &of)
}

/// Returns why a step or task cannot be run, if so.
pub(crate) fn refused_call(call: &Call) -> Option<String> {
    refused_field(&call.rest, &[], "a step or task").or_else(|| refused_arguments(&call.arguments))
}

/// Returns why an input parameter or argument cannot be had from where it is said to be, if so: only a key of a
/// ConfigMap can be.
fn refused_source(parameter: &Parameter, what: &str) -> Option<String> {
    let from = parameter.value_from.as_ref().filter(|_| parameter.value.is_none())?;
    let set = [
        (!from.path.is_empty(), "path"),
        (!from.parameter.is_empty(), "parameter"),
        (!from.expression.is_empty(), "expression"),
        (!from.json_path.is_empty(), "jsonPath"),
        (!from.jq_filter.is_empty(), "jqFilter"),
        (!from.event.is_empty(), "event"),
    ];
    let other = from.rest.keys().next().map(String::as_str);
    let what_from = set.iter().find(|(set, _)| *set).map(|(_, name)| *name).or(other)?;
    Some(format!("`valueFrom.{what_from}` gives no value to the {what} `{}`", parameter.name))
}

/// Returns why arguments cannot be handed over, if so.
pub(crate) fn refused_arguments(arguments: &Arguments) -> Option<String> {
    let mut parameters = arguments.parameters.iter();
    parameters
        .find_map(|parameter| refused_source(parameter, "argument"))
        .or_else(|| arguments.artifacts.iter().find_map(|artifact| refused_artifact(artifact, "argument")))
}
