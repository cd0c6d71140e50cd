//! The archive: runs that have ended, also deleted ones. Source: Argo
//! `server/workflowarchive/archived_workflow_server.go`. Not here: resubmitting and retrying (`again`).

use std::{collections::BTreeSet, str::FromStr as _};

use axum::{Json, extract::State, http::Method};
use identity::Caller;
use model::RunId;
use policy::{DeleteArchived, ListRuns, ViewOutput, ViewRun};
use runner::RunView;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    WORKFLOWS,
    list::{Asked, ListQuery},
    workflows::shown,
};
use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let list_acts = [act::<ListRuns>()];
    const ONE: &str = "/api/v1/archived-workflows/{uid}";
    vec![
        Endpoint::new(Method::GET, "/api/v1/archived-workflows", &list_acts, list),
        Endpoint::new(Method::GET, "/api/v1/archived-workflows-label-keys", &list_acts, label_keys),
        Endpoint::new(Method::GET, "/api/v1/archived-workflows-label-values", &list_acts, label_values),
        Endpoint::new(Method::GET, ONE, &[act::<ViewRun>(), act::<ViewOutput>()], get),
        Endpoint::new(Method::DELETE, ONE, &[act::<DeleteArchived>()], delete),
    ]
}

/// What is asked of the archive besides what every list is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ArchiveQuery {
    namespace: String,
    #[serde(rename = "namePrefix")]
    name_prefix: String,
    #[serde(rename = "listOptions.fieldSelector")]
    field_selector: String,
    #[serde(rename = "listOptions.labelSelector")]
    label_selector: String,
}

/// The uid of the path.
pub(super) struct Uid(pub(super) RunId);

impl axum::extract::FromRequestParts<App> for Uid {
    type Rejection = crate::answer::Rejection;
    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        app: &App,
    ) -> Result<Self, Self::Rejection> {
        let text = super::names::parameter(parts, app, "uid").await?;
        let uid = uuid::Uuid::from_str(&text).map_err(|_| {
            let name: String = text.chars().take(64).collect();
            crate::answer::Rejection::at(parts.uri.path(), ServerError::NotFound { what: WORKFLOWS, name })
        })?;
        Ok(Self(RunId::from_uuid(uid)))
    }
}

async fn list(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Asked(query): Asked<ListQuery>,
    Asked(archive): Asked<ArchiveQuery>,
) -> Result<Json<Value>, ArgoError> {
    let wanted = query.read()?;
    let views = archived(&app, &caller, &archive).await?;
    let found = views.into_iter().map(|view| view.workflow).filter(|workflow| {
        workflow.metadata.name.starts_with(&archive.name_prefix) && wanted.matches(workflow)
    });
    let items = found.map(|workflow| shown(&workflow)).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(wanted.page("WorkflowList", items)))
}

/// Returns what the caller may see of the archive of the namespace that is asked for, by query or field selector.
async fn archived(app: &App, caller: &Caller, query: &ArchiveQuery) -> Result<Vec<RunView>, ServerError> {
    let selected = query.field_selector.split(',').find_map(|term| {
        let (field, value) = term.split_once('=')?;
        (field.trim() == "metadata.namespace").then(|| value.trim_start_matches('=').trim().to_owned())
    });
    let namespace =
        if query.namespace.is_empty() { selected.unwrap_or_default() } else { query.namespace.clone() };
    if !namespace.is_empty() {
        model::name::check_subdomain("namespace", &namespace)
            .map_err(|fault| ServerError::Faults(vec![fault]))?;
    }
    Ok(app.runner().archived(caller, &namespace).await?)
}

async fn get(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Uid(uid): Uid,
) -> Result<Json<Value>, ArgoError> {
    let view = app.runner().archived_run(&caller, uid).await?;
    Ok(Json(shown(&view.workflow)?))
}

async fn delete(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Uid(uid): Uid,
) -> Result<Json<Value>, ArgoError> {
    app.runner().delete_archived(&caller, uid).await?;
    Ok(Json(json!({})))
}

async fn label_keys(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Asked(query): Asked<ArchiveQuery>,
) -> Result<Json<Value>, ArgoError> {
    let views = archived(&app, &caller, &query).await?;
    let keys: BTreeSet<String> =
        views.iter().flat_map(|view| view.workflow.metadata.labels.keys().cloned()).collect();
    Ok(Json(json!({ "items": keys })))
}

async fn label_values(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Asked(query): Asked<ArchiveQuery>,
) -> Result<Json<Value>, ArgoError> {
    // Argo takes one key, as `listOptions.labelSelector`
    let key = query.label_selector.split(['=', '!', ' ', ',']).next().unwrap_or_default().to_owned();
    let views = archived(&app, &caller, &query).await?;
    if key.is_empty() {
        return Err(ServerError::BadRequest("only allow 1 labelRequirement".to_owned()).into());
    }
    let values: BTreeSet<String> = views
        .iter()
        .filter_map(|view| view.workflow.metadata.labels.get(&key))
        .map(|value| value.0.clone())
        .collect();
    Ok(Json(json!({ "items": values })))
}
