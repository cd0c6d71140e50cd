//! Submitting from something at rest. Source: Argo `server/workflow/workflow_server.go` SubmitWorkflow,
//! `workflow/util/util.go` ApplySubmitOpts.
//! Not here: merging the template (`model::lower`).

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, Method},
};
use model::{
    NamespacedName,
    argo::{Workflow, strategic_merge},
};
use policy::{SubmitRun, ViewObject, ViewOutput, ViewRun};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    names::Namespace,
    workflows::{fault, read_workflow, same_namespace, start, submission},
};
use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
    json::Sent,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let acts = [act::<SubmitRun>(), act::<ViewObject>(), act::<ViewRun>(), act::<ViewOutput>()];
    vec![Endpoint::new(Method::POST, "/api/v1/workflows/{namespace}/submit", &acts, submit)]
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SubmitRequest {
    namespace: String,
    resource_kind: String,
    resource_name: String,
    submit_options: Option<SubmitOptions>,
}

/// Source: Argo `workflow_types.go` SubmitOpts.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SubmitOptions {
    name: String,
    generate_name: String,
    entry_point: String,
    parameters: Option<Vec<String>>,
    artifacts: Option<Vec<String>>,
    service_account: String,
    labels: String,
    annotations: String,
    dry_run: bool,
    server_dry_run: bool,
    priority: Option<i32>,
    pod_priority_class_name: String,
    owner_reference: Option<Value>,
}

async fn submit(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    headers: HeaderMap,
    Sent(request): Sent<SubmitRequest>,
) -> Result<Json<Value>, ArgoError> {
    same_namespace(&namespace, &request.namespace)?;
    let options = request.submit_options.unwrap_or_default();
    let name = &request.resource_name;
    let workflow = match AtRest::named(&request.resource_kind)? {
        AtRest::Template { cluster_scope } => {
            let reference = json!({"name": name, "clusterScope": cluster_scope});
            let spec = Map::from_iter([("workflowTemplateRef".to_owned(), reference)]);
            workflow(&namespace, json!({"generateName": format!("{name}-")}), spec, &options)?
        }
        AtRest::Cron => {
            let cron = NamespacedName::new(namespace.clone(), name.clone());
            let made = app.runner().started_by_hand(&caller, &cron).await?;
            let metadata = serde_json::to_value(&made.metadata).map_err(ServerError::internal)?;
            match serde_json::to_value(&made.spec).map_err(ServerError::internal)? {
                Value::Object(spec) => workflow(&namespace, metadata, spec, &options)?,
                _ => return Err(ServerError::BadRequest("the CronWorkflow has no spec".to_owned()).into()),
            }
        }
    };
    let submission = submission(&caller, workflow, &headers, options.server_dry_run)?;
    start(&app, &caller, submission).await.map(Json)
}

/// What is submitted from.
enum AtRest {
    Template { cluster_scope: bool },
    Cron,
}

impl AtRest {
    /// Source: `workflow_server.go` SubmitWorkflow, `pkg/apis/workflow/register.go`.
    fn named(kind: &str) -> Result<Self, ServerError> {
        match kind.to_ascii_lowercase().as_str() {
            "workflowtemplate" | "workflowtemplates" | "wftmpl" => {
                Ok(Self::Template { cluster_scope: false })
            }
            "clusterworkflowtemplate" | "clusterworkflowtemplates" | "cwft" => {
                Ok(Self::Template { cluster_scope: true })
            }
            "cronworkflow" | "cronworkflows" | "cwf" | "cronwf" => Ok(Self::Cron),
            _ => {
                let shown = cut(kind);
                let shown = shown.escape_debug();
                Err(fault(format!("resource kind `{shown}` is not supported for submitting")))
            }
        }
    }
}

/// Returns the Workflow that `options` make of what is at rest.
fn workflow(
    namespace: &str,
    mut metadata: Value,
    mut spec: Map<String, Value>,
    options: &SubmitOptions,
) -> Result<Workflow, ServerError> {
    refuse_unserved(options)?;
    let mut text = |field: &str, value: &str| {
        if !value.is_empty() {
            spec.insert(field.to_owned(), Value::from(value));
        }
    };
    text("entrypoint", &options.entry_point);
    text("serviceAccountName", &options.service_account);
    text("podPriorityClassName", &options.pod_priority_class_name);
    if let Some(priority) = options.priority {
        spec.insert("priority".to_owned(), Value::from(priority));
    }
    let parameters = options.parameters.iter().flatten().map(|pair| parameter(pair));
    let parameters = parameters.collect::<Result<Vec<Value>, _>>()?;
    if !parameters.is_empty() {
        let given = Value::Object(spec);
        let merged = strategic_merge(given, json!({"arguments": {"parameters": parameters}}));
        spec = match merged {
            Value::Object(merged) => merged,
            _ => Map::new(),
        };
    }
    let mut name = |field: &str, value: &str| {
        if let Value::Object(fields) = &mut metadata
            && !value.is_empty()
        {
            fields.insert(field.to_owned(), Value::from(value));
        }
    };
    name("name", &options.name);
    name("generateName", &options.generate_name);
    let more = json!({
        "labels": pairs("labels", &options.labels)?,
        "annotations": pairs("annotations", &options.annotations)?,
    });
    read_workflow(json!({"metadata": strategic_merge(metadata, more), "spec": spec}), namespace)
}

fn refuse_unserved(options: &SubmitOptions) -> Result<(), ServerError> {
    if options.dry_run {
        return Err(fault("`dryRun` is not supported by the API; use `serverDryRun`"));
    }
    if options.artifacts.as_ref().is_some_and(|artifacts| !artifacts.is_empty()) {
        return Err(ServerError::NotImplemented("overriding artifacts".to_owned()));
    }
    if options.owner_reference.as_ref().is_some_and(|owner| !owner.is_null()) {
        return Err(ServerError::NotImplemented("an owner reference".to_owned()));
    }
    Ok(())
}

fn parameter(pair: &str) -> Result<Value, ServerError> {
    parameter_pair(pair).map(|(name, value)| json!({"name": name, "value": value}))
}

/// Reads `name=value`.
pub(super) fn parameter_pair(pair: &str) -> Result<(String, String), ServerError> {
    match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), unquoted(value))),
        _ => Err(fault(format!("parameter `{}` is not of the form name=value", cut(pair).escape_debug()))),
    }
}

/// Argo takes one pair of quotes off. Source: `util.go` ApplySubmitOpts, `strconv.Unquote`.
fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let unquoted = inner.and_then(|_| serde_json::from_str::<String>(value).ok());
    unquoted.unwrap_or_else(|| value.to_owned())
}

/// Reads `a=b,c=d`.
fn pairs(what: &str, text: &str) -> Result<Value, ServerError> {
    let mut read = Map::new();
    for pair in text.split(',').filter(|pair| !pair.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(fault(format!(
                "{what}: `{}` is not of the form key=value",
                cut(pair).escape_debug()
            )));
        };
        read.insert(key.to_owned(), Value::from(value));
    }
    Ok(Value::Object(read))
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}
