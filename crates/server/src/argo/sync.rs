//! The limits of semaphores. Source: Argo `server/sync/sync_server.go`, `pkg/apiclient/sync/sync.proto`.
//! Not here: limits that a ConfigMap holds (they are objects: `marque apply`); who holds what (`engine`).

use axum::{Json, extract::State, http::Method};
use policy::{DeleteObject, EditObject, ViewObject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{list::Asked, names::Namespace, workflows::same_namespace};
use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
    json::Sent,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const MANY: &str = "/api/v1/sync/{namespace}";
    const ONE: &str = "/api/v1/sync/{namespace}/{key}";
    vec![
        Endpoint::new(Method::POST, MANY, &[act::<EditObject>()], create),
        Endpoint::new(Method::GET, ONE, &[act::<ViewObject>()], get),
        Endpoint::new(Method::PUT, ONE, &[act::<EditObject>()], update),
        Endpoint::new(Method::DELETE, ONE, &[act::<DeleteObject>()], delete),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LimitRequest {
    namespace: String,
    key: String,
    limit: i64,
    /// `CONFIG_MAP` or 0, `DATABASE` or 1.
    #[serde(rename = "type")]
    of: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LimitQuery {
    #[serde(rename = "type")]
    of: String,
}

/// The key of the path.
struct Key(String);

impl axum::extract::FromRequestParts<App> for Key {
    type Rejection = crate::answer::Rejection;
    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        app: &App,
    ) -> Result<Self, Self::Rejection> {
        super::names::parameter(parts, app, "key").await.map(Self)
    }
}

/// The longest key.
const MAX_KEY: usize = 253;

fn checked(key: &str) -> Result<(), ServerError> {
    if key.is_empty() || key.len() > MAX_KEY || key.chars().any(char::is_control) {
        return Err(ServerError::BadRequest(
            "key cannot be empty, long or hold control characters".to_owned(),
        ));
    }
    Ok(())
}

fn in_the_database(of: &str) -> Result<(), ServerError> {
    if matches!(of, "DATABASE" | "1") {
        return Ok(());
    }
    Err(ServerError::NotImplemented("limits in ConfigMaps: apply the ConfigMap; `type` DATABASE".to_owned()))
}

impl LimitRequest {
    fn limit(&self) -> Result<u64, ServerError> {
        let of = self.of.as_str().map_or_else(|| self.of.to_string(), str::to_owned);
        in_the_database(&of)?;
        let positive = u64::try_from(self.limit).ok().filter(|limit| *limit > 0);
        positive.ok_or_else(|| ServerError::BadRequest("limit must be greater than zero".to_owned()))
    }
}

fn shown(namespace: &str, key: &str, limit: u64) -> Json<Value> {
    Json(json!({"namespace": namespace, "key": key, "limit": limit, "type": "DATABASE"}))
}

async fn create(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Sent(request): Sent<LimitRequest>,
) -> Result<Json<Value>, ArgoError> {
    same_namespace(&namespace, &request.namespace)?;
    checked(&request.key)?;
    let limit = request.limit()?;
    app.runner().set_sync_limit(&caller, (&namespace, &request.key), limit, true).await?;
    Ok(shown(&namespace, &request.key, limit))
}

async fn get(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Key(key): Key,
    Asked(query): Asked<LimitQuery>,
) -> Result<Json<Value>, ArgoError> {
    checked(&key)?;
    in_the_database(&query.of)?;
    let limit = app.runner().sync_limit(&caller, &namespace, &key).await?;
    Ok(shown(&namespace, &key, limit))
}

async fn update(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Key(key): Key,
    Sent(request): Sent<LimitRequest>,
) -> Result<Json<Value>, ArgoError> {
    same_namespace(&namespace, &request.namespace)?;
    checked(&key)?;
    let limit = request.limit()?;
    app.runner().set_sync_limit(&caller, (&namespace, &key), limit, false).await?;
    Ok(shown(&namespace, &key, limit))
}

async fn delete(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Key(key): Key,
    Asked(query): Asked<LimitQuery>,
) -> Result<Json<Value>, ArgoError> {
    checked(&key)?;
    in_the_database(&query.of)?;
    app.runner().delete_sync_limit(&caller, &namespace, &key).await?;
    Ok(Json(json!({})))
}
