//! The limits of semaphores. Source: Argo `server/sync/sync_server.go`, `pkg/apiclient/sync/sync.proto`.
//! Not here: who holds what (`engine`).

use axum::{Json, extract::State, http::Method};
use identity::Caller;
use model::{NamespacedName, argo::AnyString, core::ConfigMap, manifest::Manifest};
use policy::{DeleteObject, EditObject, ViewObject};
use runner::ObjectKind;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{list::Asked, names::Namespace, objects::about, workflows::same_namespace};
use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
    json::Sent,
};

const MAP: ObjectKind = ObjectKind::ConfigMap;

pub(super) fn endpoints() -> Vec<Endpoint> {
    const MANY: &str = "/api/v1/sync/{namespace}";
    const ONE: &str = "/api/v1/sync/{namespace}/{key}";
    vec![
        // a ConfigMap is seen before its key is changed, and stays when the key goes
        Endpoint::new(Method::POST, MANY, &[act::<ViewObject>(), act::<EditObject>()], create),
        Endpoint::new(Method::GET, ONE, &[act::<ViewObject>()], get),
        Endpoint::new(Method::PUT, ONE, &[act::<ViewObject>(), act::<EditObject>()], update),
        Endpoint::new(
            Method::DELETE,
            ONE,
            &[act::<ViewObject>(), act::<EditObject>(), act::<DeleteObject>()],
            delete,
        ),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LimitRequest {
    namespace: String,
    key: String,
    limit: i64,
    /// The ConfigMap, if the limit is kept in one.
    cm_name: String,
    /// `CONFIG_MAP` or 0, `DATABASE` or 1.
    #[serde(rename = "type")]
    of: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LimitQuery {
    cm_name: String,
    #[serde(rename = "type")]
    of: String,
}

/// Where a limit is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Home {
    /// In the server's own store.
    Database,
    /// Under its key in this ConfigMap.
    ConfigMap(String),
}

impl Home {
    fn read(of: &str, config_map: &str) -> Result<Self, ServerError> {
        match of {
            "DATABASE" | "1" => Ok(Self::Database),
            // what is not said has the first value, as in protobuf
            "" | "null" | "CONFIG_MAP" | "0" => {
                if config_map.is_empty() {
                    return Err(ServerError::BadRequest(
                        "cmName is required for configmap limits".to_owned(),
                    ));
                }
                Ok(Self::ConfigMap(config_map.to_owned()))
            }
            _ => Err(ServerError::BadRequest("type is CONFIG_MAP or DATABASE".to_owned())),
        }
    }
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

impl LimitRequest {
    fn home(&self) -> Result<Home, ServerError> {
        let of = self.of.as_str().map_or_else(|| self.of.to_string(), str::to_owned);
        Home::read(&of, &self.cm_name)
    }
    fn limit(&self) -> Result<u64, ServerError> {
        let positive = u64::try_from(self.limit).ok().filter(|limit| *limit > 0);
        positive.ok_or_else(|| ServerError::BadRequest("limit must be greater than zero".to_owned()))
    }
}

fn shown(namespace: &str, key: &str, limit: u64, home: &Home) -> Json<Value> {
    Json(match home {
        Home::Database => json!({"namespace": namespace, "key": key, "limit": limit, "type": "DATABASE"}),
        Home::ConfigMap(name) => {
            json!({"cmName": name, "namespace": namespace, "key": key, "limit": limit, "type": "CONFIG_MAP"})
        }
    })
}

async fn create(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Sent(request): Sent<LimitRequest>,
) -> Result<Json<Value>, ArgoError> {
    same_namespace(&namespace, &request.namespace)?;
    checked(&request.key)?;
    let (home, limit) = (request.home()?, request.limit()?);
    set(&app, &caller, (&namespace, &request.key), &home, (limit, true)).await
}

async fn get(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Key(key): Key,
    Asked(query): Asked<LimitQuery>,
) -> Result<Json<Value>, ArgoError> {
    checked(&key)?;
    let home = Home::read(&query.of, &query.cm_name)?;
    let limit = match &home {
        Home::Database => app.runner().sync_limit(&caller, &namespace, &key).await?,
        Home::ConfigMap(name) => {
            let map = config_map(&app, &caller, &namespace, name).await?;
            let text = map.data.get(&key).ok_or_else(|| missing(&key))?;
            text.0.trim().parse().map_err(|_| {
                ServerError::BadRequest(format!(
                    "`{key}` of ConfigMap `{name}` is no limit: a positive number"
                ))
            })?
        }
    };
    Ok(shown(&namespace, &key, limit, &home))
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
    let (home, limit) = (request.home()?, request.limit()?);
    set(&app, &caller, (&namespace, &key), &home, (limit, false)).await
}

async fn delete(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Namespace(namespace): Namespace,
    Key(key): Key,
    Asked(query): Asked<LimitQuery>,
) -> Result<Json<Value>, ArgoError> {
    checked(&key)?;
    match Home::read(&query.of, &query.cm_name)? {
        Home::Database => app.runner().delete_sync_limit(&caller, &namespace, &key).await?,
        Home::ConfigMap(name) => {
            let mut map = config_map(&app, &caller, &namespace, &name).await?;
            map.data.shift_remove(&key).ok_or_else(|| missing(&key))?;
            write(&app, &caller, map, false).await?;
        }
    }
    Ok(Json(json!({})))
}

/// Sets a limit: a `new` one if it is not there, else one that is.
async fn set(
    app: &App,
    caller: &Caller,
    (namespace, key): (&str, &str),
    home: &Home,
    (limit, new): (u64, bool),
) -> Result<Json<Value>, ArgoError> {
    match home {
        Home::Database => app.runner().set_sync_limit(caller, (namespace, key), limit, new).await?,
        Home::ConfigMap(name) => {
            let found = config_map(app, caller, namespace, name).await;
            let (mut map, makes) = match found {
                Err(ServerError::NotFound { .. }) if new => {
                    let mut map = ConfigMap {
                        api_version: "v1".to_owned(),
                        kind: "ConfigMap".to_owned(),
                        ..ConfigMap::default()
                    };
                    map.metadata.name.clone_from(name);
                    namespace.clone_into(&mut map.metadata.namespace);
                    (map, true)
                }
                found => (found?, false),
            };
            match (new, map.data.contains_key(key)) {
                (true, true) => {
                    return Err(ServerError::Exists { what: MAP.resource(), name: key.to_owned() }.into());
                }
                (false, false) => return Err(missing(key).into()),
                _ => {}
            }
            map.data.insert(key.to_owned(), AnyString(limit.to_string()));
            write(app, caller, map, makes).await?;
        }
    }
    Ok(shown(namespace, key, limit, home))
}

fn missing(key: &str) -> ServerError {
    ServerError::NotFound { what: MAP.resource(), name: key.to_owned() }
}

async fn config_map(
    app: &App,
    caller: &Caller,
    namespace: &str,
    name: &str,
) -> Result<ConfigMap, ServerError> {
    let named = NamespacedName::new(namespace, name);
    let found = app.runner().object(caller, MAP, &named).await;
    match about(MAP, name, found)? {
        Manifest::ConfigMap(written) => Ok(written.object),
        _ => Err(missing(name)),
    }
}

async fn write(app: &App, caller: &Caller, map: ConfigMap, new: bool) -> Result<(), ServerError> {
    let name = map.metadata.name.clone();
    let value = serde_json::to_value(map).map_err(ServerError::internal)?;
    let manifest = Manifest::from_json(value, None).map_err(ServerError::Faults)?;
    about(MAP, &name, app.runner().write_object(caller, MAP, manifest, new).await).map(drop)
}
