//! What can be done to a run that is under way: suspend, resume, stop, terminate, set.
//! Not here: retry and resubmit (`again`).

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::Method};
use model::argo::NodePhase;
use policy::{ApproveGate, ListRuns, ResumeRun, StopRun, SuspendRun, TerminateRun, ViewOutput, ViewRun};
use runner::NodeValues;
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
            put.clone(),
            "/api/v1/workflows/{namespace}/{name}/set",
            &[list, act::<ResumeRun>(), run, output],
            set,
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
    let name = latest(&app, &caller, named.0).await?;
    let ActRequest { message, node_field_selector: selector, .. } = request;
    let stopped = if selector.is_empty() {
        let message = Some(message).filter(|message| !message.is_empty());
        app.runner().stop(&caller, &name, message).await
    } else {
        app.runner().stop_nodes(&caller, &name, &selector, &message).await
    };
    let view = found(&name, stopped)?;
    Ok(Json(shown(&view.workflow)?))
}

/// Source: `workflow_server.go` SetWorkflow.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SetRequest {
    #[serde(flatten)]
    act: ActRequest,
    phase: String,
    /// A JSON object in a text.
    output_parameters: String,
}

async fn set(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    named: Named,
    Sent(request): Sent<SetRequest>,
) -> Result<Json<Value>, ArgoError> {
    request.act.check(&named)?;
    let values = NodeValues {
        phase: match request.phase.as_str() {
            "" => None,
            text => Some(settable(text)?),
        },
        message: Some(request.act.message).filter(|message| !message.is_empty()),
        parameters: match request.output_parameters.as_str() {
            "" => BTreeMap::new(),
            text => serde_json::from_str(text).map_err(|error| {
                ServerError::BadRequest(format!("unable to parse output parameter set request: {error}"))
            })?,
        },
    };
    let name = latest(&app, &caller, named.0).await?;
    let set = app.runner().set(&caller, &name, &request.act.node_field_selector, values).await;
    let view = found(&name, set)?;
    Ok(Json(shown(&view.workflow)?))
}

fn settable(text: &str) -> Result<NodePhase, ServerError> {
    let phases = [NodePhase::Succeeded, NodePhase::Failed, NodePhase::Error, NodePhase::Skipped];
    phases.into_iter().find(|phase| phase.as_str() == text).ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        ServerError::BadRequest(format!("`{}` is no phase a node can be set to", shown.escape_debug()))
    })
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
