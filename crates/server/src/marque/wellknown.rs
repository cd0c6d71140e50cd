//! What other systems find without asking anybody: whether the server is alive, and how to verify run tokens.
//! Not here: anything about a run or a person.

use axum::{Json, extract::State, http::Method};
use serde_json::Value;

use crate::{App, endpoint::Endpoint};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let discovery = "/.well-known/openid-configuration";
    let why = "verifies run tokens, which other systems do";
    vec![
        Endpoint::public(Method::GET, "/healthz", "tells load balancers that the server lives", health),
        Endpoint::public(Method::GET, discovery, why, configuration),
        Endpoint::public(Method::GET, "/.well-known/jwks.json", why, keys),
    ]
}

async fn health() -> &'static str {
    "ok\n"
}

async fn configuration(State(app): State<App>) -> Json<Value> {
    Json(identity::discovery_document(&app.config().issuer_url()))
}

async fn keys(State(app): State<App>) -> Json<Value> {
    Json(app.runner().token_key().jwks_json())
}
