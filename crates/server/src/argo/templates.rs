//! WorkflowTemplates. Source: Argo `server/workflowtemplate/workflow_template_server.go`.
//! Not here: whether one may be written (`runner`: those that a component binds may not).

use axum::{Json, extract::State, http::Method};
use model::{argo::WorkflowTemplate, manifest::Manifest};
use policy::{DeleteTemplate, EditTemplate, ViewTemplate};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    list::{Asked, ListQuery},
    names::{Named, Namespace},
    workflows::{read_object, same_namespace, shown},
};
use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
    json::Sent,
};

const TEMPLATES: &str = "workflowtemplates.argoproj.io";

pub(super) fn endpoints() -> Vec<Endpoint> {
    const MANY: &str = "/api/v1/workflow-templates/{namespace}";
    const ONE: &str = "/api/v1/workflow-templates/{namespace}/{name}";
    let see = [act::<ViewTemplate>()];
    let edit = [act::<EditTemplate>()];
    vec![
        Endpoint::new(Method::GET, "/api/v1/workflow-templates/", &see, list),
        Endpoint::new(Method::GET, MANY, &see, list),
        Endpoint::new(Method::POST, MANY, &edit, create),
        Endpoint::new(Method::POST, "/api/v1/workflow-templates/{namespace}/lint", &see, lint),
        Endpoint::new(Method::GET, ONE, &see, get),
        Endpoint::new(Method::PUT, ONE, &edit, update),
        Endpoint::new(Method::DELETE, ONE, &[act::<DeleteTemplate>()], delete),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TemplateRequest {
    namespace: String,
    name: String,
    template: Value,
}

async fn list(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<Value>, ArgoError> {
    let wanted = query.read()?;
    let templates = app.runner().templates(&caller, &namespace).await?;
    let found = templates.into_iter().filter(|template| wanted.matches_metadata(&template.metadata));
    let items = found.map(|template| shown(&template)).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(wanted.page("WorkflowTemplateList", items)))
}

async fn create(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Sent(request): Sent<TemplateRequest>,
) -> Result<Json<Value>, ArgoError> {
    let (template, name) = read(request, &namespace)?;
    let written = app.runner().write_template(&caller, template, true).await;
    Ok(Json(shown(&about(&name, written)?)?))
}

async fn lint(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Sent(request): Sent<TemplateRequest>,
) -> Result<Json<Value>, ArgoError> {
    let (template, name) = read(request, &namespace)?;
    let checked = app.runner().lint_template(&caller, template).await;
    Ok(Json(shown(&about(&name, checked)?)?))
}

async fn get(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
) -> Result<Json<Value>, ArgoError> {
    let found = app.runner().template(&caller, &name).await;
    Ok(Json(shown(&about(&name.name, found)?)?))
}

async fn update(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
    Sent(request): Sent<TemplateRequest>,
) -> Result<Json<Value>, ArgoError> {
    let (template, given) = read(request, &name.namespace)?;
    if given != name.name {
        return Err(ServerError::BadRequest("the template's name is not that of the path".to_owned()).into());
    }
    let written = app.runner().write_template(&caller, template, false).await;
    Ok(Json(shown(&about(&name.name, written)?)?))
}

async fn delete(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
) -> Result<Json<Value>, ArgoError> {
    about(&name.name, app.runner().delete_template(&caller, &name).await)?;
    Ok(Json(json!({})))
}

/// Returns the template of a request, and its name.
fn read(request: TemplateRequest, namespace: &str) -> Result<(Manifest, String), ServerError> {
    same_namespace(namespace, &request.namespace)?;
    let manifest = read_object("WorkflowTemplate", request.template, namespace)?;
    let Manifest::WorkflowTemplate(written) = &manifest else {
        return Err(ServerError::BadRequest("the object is not a WorkflowTemplate".to_owned()));
    };
    let WorkflowTemplate { metadata, .. } = &written.object;
    // one that is new may get its name by being created
    let nameless = metadata.name.is_empty() && metadata.generate_name.is_empty();
    if nameless || !(request.name.is_empty() || request.name == metadata.name) {
        return Err(ServerError::BadRequest("the template needs a name of its own".to_owned()));
    }
    let name = metadata.name.clone();
    Ok((manifest, name))
}

fn about<T>(name: &str, result: Result<T, runner::RunnerError>) -> Result<T, ServerError> {
    result.map_err(|error| ServerError::from(error).about(TEMPLATES, name))
}
