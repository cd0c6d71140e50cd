//! The numbers of this server, as Prometheus reads them. Source: Argo `docs/metrics.md`. Not here: what workflows measure
//! and how (`engine`, `runner`).

use axum::{
    extract::State,
    http::{Method, header},
    response::{IntoResponse, Response},
};
use policy::ViewServer;
use runner::clock::SystemClock;

use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
};
use audit::Clock as _;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::GET, "/metrics", &[act::<ViewServer>()], metrics)]
}

async fn metrics(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
) -> Result<Response, ArgoError> {
    app.runner().act(&caller, ViewServer {}, async |_| Ok::<_, ServerError>(())).await?;
    let text = app.runner().metrics().text(SystemClock.now());
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
