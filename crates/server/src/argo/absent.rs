//! The parts of Argo's API that are not served yet: they answer 501 in Argo's shape, to those who are known, so that no
//! client takes them for missing things. The list may only shrink.
//! Not here: `/upload-artifacts` and the single sign-on of Argo's own user interface.

use axum::{
    extract::State,
    http::{Method, Uri},
};
use policy::ViewServer;

use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
};

/// Method and path of everything in Argo's API that is not served yet.
const ABSENT: &[(Method, &str)] = &[
    (Method::GET, "/api/v1/event-sources/{namespace}"),
    (Method::POST, "/api/v1/event-sources/{namespace}"),
    (Method::GET, "/api/v1/event-sources/{namespace}/{name}"),
    (Method::PUT, "/api/v1/event-sources/{namespace}/{name}"),
    (Method::DELETE, "/api/v1/event-sources/{namespace}/{name}"),
    (Method::GET, "/api/v1/sensors/{namespace}"),
    (Method::POST, "/api/v1/sensors/{namespace}"),
    (Method::GET, "/api/v1/sensors/{namespace}/{name}"),
    (Method::PUT, "/api/v1/sensors/{namespace}/{name}"),
    (Method::DELETE, "/api/v1/sensors/{namespace}/{name}"),
    (Method::GET, "/api/v1/stream/event-sources/{namespace}"),
    (Method::GET, "/api/v1/stream/event-sources/{namespace}/logs"),
    (Method::GET, "/api/v1/stream/events/{namespace}"),
    (Method::GET, "/api/v1/stream/sensors/{namespace}"),
    (Method::GET, "/api/v1/stream/sensors/{namespace}/logs"),
    (Method::POST, "/api/v1/tracking/event"),
    (Method::GET, "/oauth2/redirect"),
    (Method::GET, "/oauth2/callback"),
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let acts = [act::<ViewServer>()];
    ABSENT.iter().map(|(method, path)| Endpoint::new(method.clone(), path, &acts, absent)).collect()
}

async fn absent(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    method: Method,
    uri: Uri,
) -> Result<(), ArgoError> {
    app.runner().act(&caller, ViewServer {}, async |_| Ok::<_, ServerError>(())).await?;
    let path: String = uri.path().chars().take(128).collect();
    Err(ServerError::NotImplemented(format!("{method} {path}")).into())
}
