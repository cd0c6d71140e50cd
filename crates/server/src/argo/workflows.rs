//! Workflows: create, list, get, delete, lint. Source: Argo `server/workflow/workflow_server.go`.
//! Not here: submitting from a template (`submit`), acting on a run (`actions`).

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, Method},
};
use identity::{Caller, PrincipalKind};
use model::{Fault, NamespacedName, argo::Workflow, manifest::Manifest, oam::Via};
use policy::{DeleteRun, ListRuns, SubmitRun, ViewOutput, ViewRun, ViewTemplate};
use runner::{RunView, Submission};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    WORKFLOWS,
    fields::Fields,
    list::{Asked, ListQuery},
    names::{LATEST, Named, Namespace},
};
use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
    json::Sent,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const MANY: &str = "/api/v1/workflows/{namespace}";
    const ONE: &str = "/api/v1/workflows/{namespace}/{name}";
    let see = [act::<ListRuns>(), act::<ViewRun>(), act::<ViewOutput>()];
    vec![
        Endpoint::new(Method::GET, "/api/v1/workflows/", &[act::<ListRuns>()], list),
        Endpoint::new(Method::GET, MANY, &[act::<ListRuns>()], list),
        Endpoint::new(
            Method::POST,
            MANY,
            &[act::<SubmitRun>(), act::<ViewRun>(), act::<ViewOutput>()],
            create,
        ),
        Endpoint::new(Method::POST, "/api/v1/workflows/{namespace}/lint", &[act::<ViewTemplate>()], lint),
        Endpoint::new(Method::GET, ONE, &see, get),
        Endpoint::new(Method::DELETE, ONE, &[act::<ListRuns>(), act::<DeleteRun>()], delete),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CreateRequest {
    namespace: String,
    workflow: Value,
    create_options: CreateOptions,
    server_dry_run: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CreateOptions {
    dry_run: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GetQuery {
    uid: String,
    fields: Option<String>,
}

async fn create(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    headers: HeaderMap,
    Sent(request): Sent<CreateRequest>,
) -> Result<Json<Value>, ArgoError> {
    same_namespace(&namespace, &request.namespace)?;
    let workflow = read_workflow(request.workflow, &namespace)?;
    let tried = request.create_options.dry_run.is_some_and(|dry| !dry.is_empty());
    let submission = submission(&caller, workflow, &headers, request.server_dry_run || tried)?;
    let mut answer = start(&app, &caller, submission).await?;
    if let (true, Some(metadata)) = (tried, answer.get_mut("metadata").and_then(Value::as_object_mut)) {
        // Argo's server answers this without asking Kubernetes, which would give one
        metadata.shift_remove("uid");
    }
    Ok(Json(answer))
}

async fn list(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<Value>, ArgoError> {
    let wanted = query.read()?;
    let views = app.runner().list(&caller, &namespace).await?;
    let found = views.into_iter().map(|view| view.workflow).filter(|workflow| wanted.matches(workflow));
    let items = found.map(|workflow| shown(&workflow)).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(wanted.page("WorkflowList", items)))
}

async fn get(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
    Asked(query): Asked<GetQuery>,
) -> Result<Json<Value>, ArgoError> {
    let name = latest(&app, &caller, name).await?;
    let view = found(&name, app.runner().view(&caller, &name).await)?;
    if !query.uid.is_empty() && query.uid != view.workflow.metadata.uid {
        return Err(ServerError::NotFound { what: WORKFLOWS, name: name.name }.into());
    }
    let mut value = shown(&view.workflow)?;
    Fields::parse(query.fields.as_deref()).clean(&mut value);
    Ok(Json(value))
}

async fn delete(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
) -> Result<Json<Value>, ArgoError> {
    let name = latest(&app, &caller, name).await?;
    found(&name, app.runner().delete(&caller, &name).await)?;
    Ok(Json(json!({})))
}

async fn lint(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Sent(request): Sent<CreateRequest>,
) -> Result<Json<Value>, ArgoError> {
    same_namespace(&namespace, &request.namespace)?;
    let workflow = read_workflow(request.workflow, &namespace)?;
    let catalog = std::sync::Arc::clone(app.runner().rules().catalog());
    let checked = workflow.clone();
    let defaults = app.runner().config().workflow_defaults.clone();
    let action = ViewTemplate { namespace, name: None };
    app.runner()
        .act(&caller, action, async |_| {
            model::lower::lower_over(&catalog, defaults.as_deref(), checked).map_err(ServerError::Faults)
        })
        .await?;
    Ok(Json(shown(&workflow)?))
}

/// Returns the run that `name` means: itself, or the newest that the caller may see.
///
/// # Errors
/// [`ServerError::NotFound`] if there is none.
pub(super) async fn latest(
    app: &App,
    caller: &Caller,
    name: NamespacedName,
) -> Result<NamespacedName, ServerError> {
    if name.name != LATEST {
        return Ok(name);
    }
    let views = app.runner().list(caller, &name.namespace).await?;
    let newest = views.into_iter().next();
    newest.map(|view| view.facts.name).ok_or(ServerError::NotFound { what: WORKFLOWS, name: name.name })
}

/// Returns the result with the name that was asked for in its error.
pub(super) fn found<T, E: Into<ServerError>>(
    name: &NamespacedName,
    result: Result<T, E>,
) -> Result<T, ServerError> {
    result.map_err(|error| error.into().about(WORKFLOWS, &name.name))
}

/// Starts what is asked for, and returns it as Argo shows it; what is only tried, as it would be.
pub(super) async fn start(app: &App, caller: &Caller, submission: Submission) -> Result<Value, ArgoError> {
    let asked = submission.workflow.metadata.name.clone();
    let namespace = submission.workflow.metadata.namespace.clone();
    let view: RunView =
        app.runner().submit(caller, submission).await.map_err(|error| match ServerError::from(error) {
            error @ ServerError::Exists { .. } => error.about(WORKFLOWS, &asked),
            // nothing is looked up by a name here, so what is not found is what the caller may not know of
            ServerError::NotFound { .. } => ServerError::Closed { namespace },
            error => error,
        })?;
    Ok(shown(&view.workflow)?)
}

/// Returns the submission of `workflow`: the reason and ticket come from its annotations, or else from headers.
pub(super) fn submission(
    caller: &Caller,
    workflow: Workflow,
    headers: &HeaderMap,
    dry_run: bool,
) -> Result<Submission, ServerError> {
    let via = match caller.principal().kind {
        PrincipalKind::User => Via::Manual,
        PrincipalKind::Workload => Via::Api,
    };
    let said = |annotation: &str, header: &str| {
        let annotated = workflow.metadata.annotations.get(annotation).map(|value| value.0.clone());
        match (annotated, headers.get(header)) {
            (Some(text), _) => Ok(Some(text)),
            (None, Some(value)) => String::from_utf8(value.as_bytes().to_vec())
                .map(Some)
                .map_err(|_| ServerError::BadRequest(format!("the header `{header}` is not text"))),
            (None, None) => Ok(None),
        }
    };
    let reason = said("marque.dev/reason", "Marque-Reason")?;
    let ticket = said("marque.dev/ticket", "Marque-Ticket")?;
    Ok(Submission { workflow, via, reason, ticket, dry_run })
}

/// Returns the Workflow of a request; its namespace is the path's, and nothing of a status is believed.
pub(super) fn read_workflow(value: Value, namespace: &str) -> Result<Workflow, ServerError> {
    let mut value = value;
    if let Value::Object(fields) = &mut value {
        fields.remove("status");
    }
    match read_object("Workflow", value, namespace)? {
        Manifest::Workflow(written) => Ok(written.object),
        _ => Err(ServerError::BadRequest("the object is not a Workflow".to_owned())),
    }
}

/// Returns the object of a request, which may leave out `apiVersion`, `kind` and `metadata.namespace`; fields that nobody
/// reads are dropped. Source: Argo `util/json` JSONMarshaler.
pub(super) fn read_object(
    kind: &'static str,
    value: Value,
    namespace: &str,
) -> Result<Manifest, ServerError> {
    let Value::Object(mut fields) = value else {
        return Err(ServerError::BadRequest(format!("the request has no {kind}")));
    };
    for (field, expected) in [("apiVersion", "argoproj.io/v1alpha1"), ("kind", kind)] {
        match fields.get(field).and_then(Value::as_str).unwrap_or_default() {
            "" => {
                fields.insert(field.to_owned(), Value::from(expected));
            }
            given if given == expected => {}
            _ => return Err(ServerError::BadRequest(format!("`{field}` must be `{expected}`"))),
        }
    }
    let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(metadata) = metadata {
        same_namespace(namespace, metadata.get("namespace").and_then(Value::as_str).unwrap_or_default())?;
        metadata.insert("namespace".to_owned(), Value::from(namespace));
    }
    // a client may be newer than this server; who wants to be told of a typing error lints or applies
    let mut value = Value::Object(fields);
    Manifest::prune(kind, &mut value);
    Manifest::from_json(value, None).map_err(ServerError::Faults)
}

/// A request may name its namespace in several places, but only one namespace.
pub(super) fn same_namespace(of_path: &str, given: &str) -> Result<(), ServerError> {
    if given.is_empty() || given == of_path {
        return Ok(());
    }
    let shown: String = given.chars().take(64).collect();
    Err(ServerError::BadRequest(format!(
        "the namespace `{}` is not that of the path, `{of_path}`",
        shown.escape_debug()
    )))
}

/// Returns an object as JSON.
pub(super) fn shown(object: &impl serde::Serialize) -> Result<Value, ServerError> {
    serde_json::to_value(object).map_err(ServerError::internal)
}

/// A fault about a request's own field.
pub(super) fn fault(message: impl Into<String>) -> ServerError {
    ServerError::Faults(vec![Fault::new(model::Code("SRV0106"), message)])
}
