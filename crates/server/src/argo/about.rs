//! What this server is, and who the caller is to it. Source: Argo `server/info/info_server.go`.
//! Not here: anything about other people.

use axum::{Json, extract::State, http::Method};
use policy::ViewServer;
use serde_json::{Map, Value, json};

use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
    headers::ARGO_VERSION,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let acts = [act::<ViewServer>()];
    vec![
        Endpoint::new(Method::GET, "/api/v1/info", &acts, info),
        Endpoint::new(Method::GET, "/api/v1/version", &acts, version),
        Endpoint::new(Method::GET, "/api/v1/userinfo", &acts, user_info),
    ]
}

async fn info(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Value>, ArgoError> {
    app.runner().act(&caller, ViewServer {}, async |_| Ok::<_, ServerError>(())).await?;
    let mut info = Map::new();
    if let Some(namespace) = &app.config().managed_namespace {
        info.insert("managedNamespace".to_owned(), json!(namespace));
    }
    if !app.config().links.is_empty() {
        info.insert(
            "links".to_owned(),
            serde_json::to_value(&app.config().links).map_err(ServerError::internal)?,
        );
    }
    info.insert("modals".to_owned(), json!({"feedback": false, "firstTimeUser": false, "newVersion": false}));
    Ok(Json(Value::Object(info)))
}

async fn version(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Value>, ArgoError> {
    app.runner().act(&caller, ViewServer {}, async |_| Ok::<_, ServerError>(())).await?;
    Ok(Json(json!({
        "version": ARGO_VERSION,
        "buildDate": "1970-01-01T00:00:00Z",
        "gitCommit": "",
        "gitTag": ARGO_VERSION,
        "gitTreeState": "clean",
        "goVersion": "",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })))
}

async fn user_info(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Value>, ArgoError> {
    app.runner().act(&caller, ViewServer {}, async |_| Ok::<_, ServerError>(())).await?;
    let principal = caller.principal();
    let mut info = Map::new();
    info.insert("issuer".to_owned(), json!(principal.key.issuer));
    info.insert("subject".to_owned(), json!(principal.key.subject));
    if !principal.groups.is_empty() {
        info.insert("groups".to_owned(), json!(principal.groups));
    }
    for (field, value) in [("name", &principal.name), ("email", &principal.email)] {
        if let Some(value) = value {
            info.insert(field.to_owned(), json!(value));
        }
    }
    Ok(Json(Value::Object(info)))
}
