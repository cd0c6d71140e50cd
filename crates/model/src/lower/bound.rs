//! Workflows of components: the template runs as it is, with the caller's parameters.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{APPLICATION_LABEL, COMPONENT_LABEL, FIELD_NOT_YOURS, TEMPLATE_LABEL, UNKNOWN_PARAMETER};
use crate::{
    argo::{ObjectMeta, Parameter, Workflow, WorkflowSpec},
    catalog::{BAD_PROPERTIES, BoundComponent, Catalog},
    fault::Fault,
    yaml::did_you_mean,
};

/// Fields of a spec that the caller may set, or that are looked at one by one: none of them picks an identity, a
/// privilege or a text that runs.
const CALLERS_FIELDS: [&str; 10] = [
    "activeDeadlineSeconds",
    "arguments",
    "entrypoint",
    "onExit",
    "podGC",
    "priority",
    "shutdown",
    "suspend",
    "ttlStrategy",
    "workflowTemplateRef",
];
/// Fields of metadata that a server sets and a client may send back; they are dropped.
const SERVERS_METADATA: [&str; 3] = ["managedFields", "generation", "selfLink"];

type Overrides = BTreeMap<String, String>;

/// Returns the effective workflow, and the parameters by which it differs from what the Application gives.
pub(super) fn effective(
    catalog: &Catalog,
    bound: &BoundComponent,
    asked: Workflow,
) -> Result<(Workflow, Overrides), Vec<Fault>> {
    let Some(template) = catalog.template(&bound.template) else { return Err(Vec::new()) };
    let mut faults = metadata_faults(&asked.metadata);
    faults.extend(spec_faults(bound, &template.spec, &asked.spec));
    let mut spec = template.spec.clone();
    for parameter in &mut spec.arguments.parameters {
        if let Some(value) = bound.parameters.get(&parameter.name) {
            parameter.value = Some(value.as_str().into());
            parameter.value_from = None;
        }
    }
    let overrides = override_parameters(catalog, bound, &asked.spec, &mut spec, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    spec.shutdown = asked.spec.shutdown;
    spec.suspend = asked.spec.suspend.or(spec.suspend);
    spec.active_deadline_seconds = asked.spec.active_deadline_seconds.or(spec.active_deadline_seconds);
    spec.priority = asked.spec.priority.or(spec.priority);
    spec.ttl_strategy = asked.spec.ttl_strategy.or(spec.ttl_strategy);
    spec.pod_gc = asked.spec.pod_gc.or(spec.pod_gc);
    let ObjectMeta { name, generate_name, namespace, mut labels, annotations, .. } = asked.metadata;
    for (label, value) in [
        (APPLICATION_LABEL, &bound.component.application),
        (COMPONENT_LABEL, &bound.component.component),
        (TEMPLATE_LABEL, &bound.template.name),
    ] {
        labels.insert(label.to_owned(), value.as_str().into());
    }
    let metadata =
        ObjectMeta { name, generate_name, namespace, labels, annotations, ..ObjectMeta::default() };
    let Workflow { api_version, kind, .. } = asked;
    Ok((Workflow { api_version, kind, metadata, spec, status: None }, overrides))
}

fn override_parameters(
    catalog: &Catalog,
    bound: &BoundComponent,
    asked: &WorkflowSpec,
    spec: &mut WorkflowSpec,
    faults: &mut Vec<Fault>,
) -> Overrides {
    let mut overrides = Overrides::new();
    let mut seen: Vec<&str> = Vec::new();
    for given in &asked.arguments.parameters {
        if seen.contains(&given.name.as_str()) {
            faults.push(Fault::new(
                UNKNOWN_PARAMETER,
                format!("parameter `{}` is given twice", cut(&given.name)),
            ));
        }
        seen.push(&given.name);
        let known: Vec<String> =
            spec.arguments.parameters.iter().map(|parameter| parameter.name.clone()).collect();
        let Some(parameter) = spec.arguments.parameters.iter_mut().find(|known| known.name == given.name)
        else {
            let message =
                format!("WorkflowTemplate `{}` has no parameter `{}`", bound.template, cut(&given.name));
            let mut fault = Fault::new(UNKNOWN_PARAMETER, message);
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            fault.help = did_you_mean(&given.name, &known);
            faults.push(fault);
            continue;
        };
        if *given
            != (Parameter { name: given.name.clone(), value: given.value.clone(), ..Parameter::default() })
        {
            let message =
                format!("parameter `{}` of a component's workflow can only be given a `value`", given.name);
            faults.push(Fault::new(FIELD_NOT_YOURS, message));
            continue;
        }
        let Some(value) = &given.value else { continue };
        if parameter.value.as_ref() == Some(value) {
            continue;
        }
        if let Some(why) =
            catalog.schema(&bound.component).and_then(|schema| schema.refuses(&given.name, value.as_str()))
        {
            faults.push(Fault::new(BAD_PROPERTIES, why));
        }
        overrides.insert(given.name.clone(), value.0.clone());
        parameter.value = Some(value.clone());
        parameter.value_from = None;
    }
    overrides
}

fn metadata_faults(metadata: &ObjectMeta) -> Vec<Fault> {
    let fields = metadata
        .rest
        .iter()
        .filter(|(name, value)| !SERVERS_METADATA.contains(&name.as_str()) && !says_nothing(value));
    fields.map(|(name, _)| not_yours(&format!("metadata.{name}"), "it is not the caller's to set")).collect()
}

/// Returns a fault for each field that a component's workflow may not set, with the reason.
fn spec_faults(bound: &BoundComponent, template: &WorkflowSpec, asked: &WorkflowSpec) -> Vec<Fault> {
    let belongs = format!("it belongs to WorkflowTemplate `{}`", bound.template);
    let mut faults = Vec::new();
    let mut refuse = |set: bool, field: &str, why: &str| {
        if set {
            faults.push(not_yours(&format!("spec.{field}"), why));
        }
    };
    let other_entry = !asked.entrypoint.is_empty() && asked.entrypoint != template.entrypoint;
    refuse(other_entry, "entrypoint", "another entrypoint could go around a gate");
    let other_exit = !asked.on_exit.is_empty() && asked.on_exit != template.on_exit;
    refuse(other_exit, "onExit", &belongs);
    refuse(
        !asked.arguments.artifacts.is_empty(),
        "arguments.artifacts",
        "an artifact could come from anywhere",
    );
    let longer = match (asked.active_deadline_seconds, template.active_deadline_seconds) {
        (Some(asked), Some(most)) => asked > most,
        _ => false,
    };
    refuse(longer, "activeDeadlineSeconds", "it can only be made shorter");
    let negative = asked.active_deadline_seconds.is_some_and(|seconds| seconds < 0);
    refuse(negative, "activeDeadlineSeconds", "it cannot be negative");
    let known_shutdown = ["", "Stop", "Terminate"].contains(&asked.shutdown.as_str());
    refuse(!known_shutdown, "shutdown", "it is neither `Stop` nor `Terminate`");
    // as it would be written, so that no field of the model is forgotten here
    let written = serde_json::to_value(asked).unwrap_or_default();
    for (field, value) in written.as_object().into_iter().flatten() {
        let belongs_elsewhere = !CALLERS_FIELDS.contains(&field.as_str()) && !says_nothing(value);
        refuse(belongs_elsewhere, field, reason(field).unwrap_or(&belongs));
    }
    faults
}

/// Returns why a field is dangerous in the hands of whoever starts a run.
fn reason(field: &str) -> Option<&'static str> {
    Some(match field {
        "templates" => "they would run under the component's rights",
        "serviceAccountName" | "executor" | "automountServiceAccountToken" => {
            "it picks another identity for the run"
        }
        "artifactGC" => "it picks another identity, or patches pods, when artifacts are deleted",
        "podSpecPatch" => "a patch can change anything in the pod",
        "hooks" => "hooks run templates beside the approved ones",
        "securityContext" | "hostNetwork" | "hostAliases" | "dnsConfig" | "dnsPolicy" => {
            "it changes what the run may reach"
        }
        "volumes" | "volumeClaimTemplates" | "imagePullSecrets" => "it brings in data or secrets of others",
        "templateDefaults" | "executorPlugins" | "podMetadata" => "it changes every template",
        "artifactRepositoryRef" | "archiveLogs" => "it changes where the run's data goes",
        _ => return None,
    })
}

fn not_yours(field: &str, why: &str) -> Fault {
    Fault::new(FIELD_NOT_YOURS, format!("`{}` cannot be set on a component's workflow: {why}", cut(field)))
        .help("set only metadata, `workflowTemplateRef`, `arguments`, `suspend`, `shutdown`, `priority`, `ttlStrategy`, `podGC`, \
               or a shorter `activeDeadlineSeconds`")
}

/// Whether a field is written so that it says nothing, as clients in Go write fields that are not set.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect::<String>().escape_debug().to_string()
}
