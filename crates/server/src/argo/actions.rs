//! What can be done to a run: suspend, resume, stop, terminate.
//! Not here: resubmit, retry and set, which are not served yet (`absent`).

use axum::{Json, extract::State, http::Method};
use policy::{ApproveGate, ListRuns, ResumeRun, StopRun, SuspendRun, TerminateRun, ViewOutput, ViewRun};
use serde::Deserialize;
use serde_json::Value;

use super::{
    names::Named,
    workflows::{found, latest, same_namespace, shown},
};
use crate::{
    App, ServerError,
    answer::ArgoError,
    authn::Authenticated,
    endpoint::{Endpoint, act},
    json::Sent,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let (list, run, output) = (act::<ListRuns>(), act::<ViewRun>(), act::<ViewOutput>());
    let put = Method::PUT;
    vec![
        Endpoint::new(
            put.clone(),
            "/api/v1/workflows/{namespace}/{name}/suspend",
            &[list, act::<SuspendRun>(), run, output],
            suspend,
        ),
        Endpoint::new(
            put.clone(),
            "/api/v1/workflows/{namespace}/{name}/resume",
            &[list, act::<ResumeRun>(), act::<ApproveGate>(), run, output],
            resume,
        ),
        Endpoint::new(
            put.clone(),
            "/api/v1/workflows/{namespace}/{name}/stop",
            &[list, act::<StopRun>(), run, output],
            stop,
        ),
        Endpoint::new(
            put,
            "/api/v1/workflows/{namespace}/{name}/terminate",
            &[list, act::<TerminateRun>(), run, output],
            terminate,
        ),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ActRequest {
    namespace: String,
    name: String,
    message: String,
    node_field_selector: String,
}

impl ActRequest {
    /// A request may name the run again, but no other one.
    fn check(&self, named: &Named) -> Result<(), ServerError> {
        same_namespace(&named.0.namespace, &self.namespace)?;
        if self.name.is_empty() || self.name == named.0.name {
            return Ok(());
        }
        Err(ServerError::BadRequest("the name in the body is not that of the path".to_owned()))
    }
}

async fn suspend(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    named: Named,
    Sent(request): Sent<ActRequest>,
) -> Result<Json<Value>, ArgoError> {
    request.check(&named)?;
    let name = latest(&app, &caller, named.0).await?;
    let view = found(&name, app.runner().suspend(&caller, &name).await)?;
    Ok(Json(shown(&view.workflow)?))
}

async fn resume(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    named: Named,
    Sent(request): Sent<ActRequest>,
) -> Result<Json<Value>, ArgoError> {
    request.check(&named)?;
    let name = latest(&app, &caller, named.0).await?;
    let selector = Some(request.node_field_selector.as_str()).filter(|selector| !selector.is_empty());
    let view = found(&name, app.runner().resume(&caller, &name, selector).await)?;
    Ok(Json(shown(&view.workflow)?))
}

async fn stop(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    named: Named,
    Sent(request): Sent<ActRequest>,
) -> Result<Json<Value>, ArgoError> {
    request.check(&named)?;
    if !request.node_field_selector.is_empty() {
        return Err(ServerError::NotImplemented("stopping single nodes".to_owned()).into());
    }
    let name = latest(&app, &caller, named.0).await?;
    let message = Some(request.message).filter(|message| !message.is_empty());
    let view = found(&name, app.runner().stop(&caller, &name, message).await)?;
    Ok(Json(shown(&view.workflow)?))
}

async fn terminate(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    named: Named,
    Sent(request): Sent<ActRequest>,
) -> Result<Json<Value>, ArgoError> {
    request.check(&named)?;
    let name = latest(&app, &caller, named.0).await?;
    let view = found(&name, app.runner().terminate(&caller, &name).await)?;
    Ok(Json(shown(&view.workflow)?))
}
