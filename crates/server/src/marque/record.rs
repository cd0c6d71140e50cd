//! The audit log, for those who may read it: entries as they were hashed, the signed checkpoint, the key it is signed
//! with. Reading is on record too. Not here: verifying, which belongs on the auditor's own machine (`audit::verify`).

use axum::{Json, extract::State, http::Method};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use policy::ViewAudit;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    App, ServerError,
    answer::Problem,
    argo::Asked,
    authn::Authenticated,
    endpoint::{Endpoint, act},
    limits::MAX_ENTRIES,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let acts = [act::<ViewAudit>()];
    vec![
        Endpoint::new(Method::GET, "/api/marque/v1/audit/entries", &acts, entries),
        Endpoint::new(Method::GET, "/api/marque/v1/audit/checkpoint", &acts, checkpoint),
        Endpoint::new(Method::GET, "/api/marque/v1/audit/key", &acts, key),
    ]
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    first: u64,
    #[serde(default = "limit")]
    limit: u64,
}

const fn limit() -> u64 {
    100
}

async fn entries(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Asked(page): Asked<Page>,
) -> Result<Json<Value>, Problem> {
    let (first, limit) = (page.first, page.limit.min(MAX_ENTRIES));
    let store = app.runner().store();
    let entries = app
        .runner()
        .act(&caller, ViewAudit {}, async |go| store.entries(go.permit(), first, limit).await)
        .await?;
    let shown: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({
                "number": entry.number,
                "body": STANDARD.encode(&entry.body),
                "leaf": STANDARD.encode(entry.leaf),
                "entry": serde_json::from_slice::<Value>(&entry.body).ok(),
            })
        })
        .collect();
    Ok(Json(json!({"entries": shown})))
}

async fn checkpoint(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Value>, Problem> {
    let store = app.runner().store();
    let note =
        app.runner().act(&caller, ViewAudit {}, async |go| store.checkpoint(go.permit()).await).await?;
    let missing = || ServerError::NotFound { what: "checkpoint", name: "latest".to_owned() };
    let (size, note) = note.ok_or_else(missing)?;
    Ok(Json(json!({"size": size, "checkpoint": note})))
}

async fn key(State(app): State<App>, Authenticated(caller): Authenticated) -> Result<Json<Value>, Problem> {
    app.runner().act(&caller, ViewAudit {}, async |_| Ok::<_, ServerError>(())).await?;
    Ok(Json(json!({"key": app.log_key().to_string()})))
}
