//! CronWorkflows, WorkflowEventBindings and ClusterWorkflowTemplates. Source: Argo `server/cronworkflow`,
//! `server/clusterworkflowtemplate`, `server/event`. Not here: when a schedule is due (`runner`), taking events
//! (`events`), WorkflowTemplates (`templates`).

use axum::{Json, extract::State, http::Method};
use model::{NamespacedName, manifest::Manifest};
use policy::{DeleteObject, EditObject, ViewObject};
use runner::ObjectKind;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    list::{Asked, ListQuery},
    names::{Named, Namespace},
    workflows::{read_object, same_namespace},
};
use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
    json::Sent,
};

const CRON: ObjectKind = ObjectKind::CronWorkflow;
const CLUSTER: ObjectKind = ObjectKind::ClusterWorkflowTemplate;

pub(super) fn endpoints() -> Vec<Endpoint> {
    const CRONS: &str = "/api/v1/cron-workflows/{namespace}";
    const A_CRON: &str = "/api/v1/cron-workflows/{namespace}/{name}";
    const CLUSTERS: &str = "/api/v1/cluster-workflow-templates";
    const A_CLUSTER: &str = "/api/v1/cluster-workflow-templates/{name}";
    let (see, edit, delete) = ([act::<ViewObject>()], [act::<EditObject>()], [act::<DeleteObject>()]);
    let change = [act::<ViewObject>(), act::<EditObject>()];
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    vec![
        Endpoint::new(get.clone(), "/api/v1/cron-workflows/", &see, list_crons),
        Endpoint::new(get.clone(), CRONS, &see, list_crons),
        Endpoint::new(post.clone(), CRONS, &edit, create_cron),
        Endpoint::new(post.clone(), "/api/v1/cron-workflows/{namespace}/lint", &see, lint_cron),
        Endpoint::new(get.clone(), A_CRON, &see, get_cron),
        Endpoint::new(put.clone(), A_CRON, &edit, update_cron),
        Endpoint::new(Method::DELETE, A_CRON, &delete, delete_cron),
        Endpoint::new(put.clone(), "/api/v1/cron-workflows/{namespace}/{name}/suspend", &change, suspend),
        Endpoint::new(put.clone(), "/api/v1/cron-workflows/{namespace}/{name}/resume", &change, resume),
        Endpoint::new(get.clone(), CLUSTERS, &see, list_clusters),
        Endpoint::new(post.clone(), CLUSTERS, &edit, create_cluster),
        Endpoint::new(post, "/api/v1/cluster-workflow-templates/lint", &see, lint_cluster),
        Endpoint::new(get.clone(), A_CLUSTER, &see, get_cluster),
        Endpoint::new(put, A_CLUSTER, &edit, update_cluster),
        Endpoint::new(Method::DELETE, A_CLUSTER, &delete, delete_cluster),
        Endpoint::new(get, "/api/v1/workflow-event-bindings/{namespace}", &see, list_bindings),
    ]
}

/// A request that carries an object: Argo calls a cron workflow's field `cronWorkflow`, a template's `template`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRequest {
    namespace: String,
    name: String,
    cron_workflow: Value,
    template: Value,
}

/// Returns the object of a request, which may name it again but no other.
fn read(
    kind: ObjectKind,
    request: ObjectRequest,
    namespace: &str,
    of_path: Option<&str>,
) -> Result<Manifest, ServerError> {
    same_namespace(namespace, &request.namespace)?;
    let value = if kind == CRON { request.cron_workflow } else { request.template };
    let manifest = read_object(kind.as_str(), value, namespace)?;
    let (_, _, name) = manifest.key();
    let given = of_path.unwrap_or(&request.name);
    // one that is new may get its name by being created
    let nameless = name.is_empty() && (of_path.is_some() || manifest.metadata().generate_name.is_empty());
    if nameless || !(given.is_empty() || given == name) {
        return Err(ServerError::BadRequest("the object's name is not that of the request".to_owned()));
    }
    Ok(manifest)
}

async fn list(
    app: &App,
    caller: &identity::Caller,
    (kind, namespace): (ObjectKind, &str),
    query: &ListQuery,
) -> Result<Json<Value>, ArgoError> {
    let wanted = query.read()?;
    let objects = app.runner().objects(caller, kind, namespace).await?;
    let found = objects.iter().filter(|object| wanted.matches_metadata(object.metadata()));
    let mut items = Vec::new();
    for object in found {
        items.push(dressed(app, kind, object).await);
    }
    Ok(Json(wanted.page(&format!("{}List", kind.as_str()), items)))
}

/// Returns the object as Argo shows it: a cron workflow with what has become of it.
async fn dressed(app: &App, kind: ObjectKind, object: &Manifest) -> Value {
    let mut value = object.to_json();
    if kind == CRON {
        let (_, namespace, name) = object.key();
        let status = app.runner().cron_status(&NamespacedName::new(namespace, name)).await;
        if let Value::Object(fields) = &mut value {
            fields.insert("status".to_owned(), status);
        }
    }
    value
}

async fn list_crons(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<Value>, ArgoError> {
    list(&app, &caller, (CRON, &namespace), &query).await
}

async fn list_bindings(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<Value>, ArgoError> {
    list(&app, &caller, (ObjectKind::WorkflowEventBinding, &namespace), &query).await
}

async fn list_clusters(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<Value>, ArgoError> {
    list(&app, &caller, (CLUSTER, ""), &query).await
}

async fn create_cron(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Sent(request): Sent<ObjectRequest>,
) -> Result<Json<Value>, ArgoError> {
    let object = read(CRON, request, &namespace, None)?;
    written(&app, &caller, CRON, object, true).await
}

async fn update_cron(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
    Sent(request): Sent<ObjectRequest>,
) -> Result<Json<Value>, ArgoError> {
    let object = read(CRON, request, &name.namespace, Some(&name.name))?;
    written(&app, &caller, CRON, object, false).await
}

async fn written(
    app: &App,
    caller: &identity::Caller,
    kind: ObjectKind,
    object: Manifest,
    new: bool,
) -> Result<Json<Value>, ArgoError> {
    let (_, _, name) = object.key();
    let written = about(kind, &name, app.runner().write_object(caller, kind, object, new).await)?;
    Ok(Json(dressed(app, kind, &written).await))
}

async fn lint_cron(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Sent(request): Sent<ObjectRequest>,
) -> Result<Json<Value>, ArgoError> {
    let object = read(CRON, request, &namespace, None)?;
    let (_, _, name) = object.key();
    let checked = about(CRON, &name, app.runner().lint_object(&caller, CRON, object).await)?;
    Ok(Json(checked.to_json()))
}

async fn get_cron(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
) -> Result<Json<Value>, ArgoError> {
    let found = about(CRON, &name.name, app.runner().object(&caller, CRON, &name).await)?;
    Ok(Json(dressed(&app, CRON, &found).await))
}

async fn delete_cron(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
) -> Result<Json<Value>, ArgoError> {
    about(CRON, &name.name, app.runner().delete_object(&caller, CRON, &name).await)?;
    Ok(Json(json!({})))
}

async fn suspend(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
) -> Result<Json<Value>, ArgoError> {
    set_suspended(&app, &caller, &name, true).await
}

async fn resume(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
) -> Result<Json<Value>, ArgoError> {
    set_suspended(&app, &caller, &name, false).await
}

async fn set_suspended(
    app: &App,
    caller: &identity::Caller,
    name: &NamespacedName,
    suspended: bool,
) -> Result<Json<Value>, ArgoError> {
    let mut found = about(CRON, &name.name, app.runner().object(caller, CRON, name).await)?;
    if let Manifest::CronWorkflow(cron) = &mut found {
        cron.object.spec.suspend = suspended;
    }
    written(app, caller, CRON, found, false).await
}

async fn create_cluster(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Sent(request): Sent<ObjectRequest>,
) -> Result<Json<Value>, ArgoError> {
    let object = read(CLUSTER, request, "", None)?;
    written(&app, &caller, CLUSTER, object, true).await
}

async fn update_cluster(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    ClusterNamed(name): ClusterNamed,
    Sent(request): Sent<ObjectRequest>,
) -> Result<Json<Value>, ArgoError> {
    let object = read(CLUSTER, request, "", Some(&name.name))?;
    written(&app, &caller, CLUSTER, object, false).await
}

async fn lint_cluster(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Sent(request): Sent<ObjectRequest>,
) -> Result<Json<Value>, ArgoError> {
    let object = read(CLUSTER, request, "", None)?;
    let (_, _, name) = object.key();
    let checked = about(CLUSTER, &name, app.runner().lint_object(&caller, CLUSTER, object).await)?;
    Ok(Json(checked.to_json()))
}

async fn get_cluster(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    ClusterNamed(name): ClusterNamed,
) -> Result<Json<Value>, ArgoError> {
    let found = about(CLUSTER, &name.name, app.runner().object(&caller, CLUSTER, &name).await)?;
    Ok(Json(found.to_json()))
}

async fn delete_cluster(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    ClusterNamed(name): ClusterNamed,
) -> Result<Json<Value>, ArgoError> {
    about(CLUSTER, &name.name, app.runner().delete_object(&caller, CLUSTER, &name).await)?;
    Ok(Json(json!({})))
}

/// The name of the path of something that is in no namespace.
struct ClusterNamed(NamespacedName);

impl axum::extract::FromRequestParts<App> for ClusterNamed {
    type Rejection = crate::answer::Rejection;
    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        app: &App,
    ) -> Result<Self, Self::Rejection> {
        let name = super::names::parameter(parts, app, "name").await?;
        model::name::check_subdomain("name", &name).map_err(|fault| {
            crate::answer::Rejection::at(parts.uri.path(), ServerError::Faults(vec![fault]))
        })?;
        Ok(Self(NamespacedName::new("", name)))
    }
}

/// Names the object that a failure is about.
pub(super) fn about<T>(
    kind: ObjectKind,
    name: &str,
    result: Result<T, runner::RunnerError>,
) -> Result<T, ServerError> {
    result.map_err(|error| ServerError::from(error).about(kind.resource(), name))
}
