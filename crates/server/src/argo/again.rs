//! Running a workflow once more: retry and resubmit, of what is there and of what is archived.
//! Source: Argo `server/workflow/workflow_server.go` RetryWorkflow, ResubmitWorkflow;
//! `server/workflowarchive/archived_workflow_server.go`. Not here: what runs again (`engine::operate`).

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, Method},
};
use engine::operate::RetryOptions;
use identity::Caller;
use model::argo::Workflow;
use policy::{ListRuns, RetryRun, SubmitRun, ViewOutput, ViewRun};
use runner::Resubmission;
use serde::Deserialize;
use serde_json::Value;

use super::{
    archive::Uid,
    names::Named,
    submit::parameter_pair,
    workflows::{found, latest, same_namespace, shown, submission},
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
    let (retried, submitted) = (act::<RetryRun>(), act::<SubmitRun>());
    let put = |path, acts: &[_]| (Method::PUT, path, acts.to_vec());
    let one = put("/api/v1/workflows/{namespace}/{name}/retry", &[list, retried, run, output]);
    let two = put("/api/v1/workflows/{namespace}/{name}/resubmit", &[list, run, output, submitted]);
    let three = put("/api/v1/archived-workflows/{uid}/retry", &[run, output, retried]);
    let four = put("/api/v1/archived-workflows/{uid}/resubmit", &[run, output, submitted]);
    vec![
        Endpoint::new(one.0, one.1, &one.2, retry),
        Endpoint::new(two.0, two.1, &two.2, resubmit),
        Endpoint::new(three.0, three.1, &three.2, retry_archived),
        Endpoint::new(four.0, four.1, &four.2, resubmit_archived),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AgainRequest {
    namespace: String,
    memoized: bool,
    restart_successful: bool,
    node_field_selector: String,
    parameters: Option<Vec<String>>,
    /// Why, which Argo does not ask; a header says it as well.
    reason: Option<String>,
    /// The ticket that asks for it; a header says it as well.
    ticket: Option<String>,
}

impl AgainRequest {
    fn parameters(&self) -> Result<BTreeMap<String, String>, ServerError> {
        self.parameters.iter().flatten().map(|pair| parameter_pair(pair)).collect()
    }
    fn retry(&self) -> Result<RetryOptions, ServerError> {
        Ok(RetryOptions {
            restart_successful: self.restart_successful,
            node_field_selector: self.node_field_selector.clone(),
            parameters: self.parameters()?,
        })
    }
    /// Returns by which path the caller submits, and what is asked for.
    fn resubmit(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<(model::oam::Via, Resubmission), ServerError> {
        let said = submission(caller, Workflow::default(), headers, false)?;
        let parameters = self.parameters()?;
        let reason = self.reason.clone().or(said.reason);
        let ticket = self.ticket.clone().or(said.ticket);
        Ok((said.via, Resubmission { memoized: self.memoized, parameters, reason, ticket }))
    }
}

async fn retry(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
    Sent(request): Sent<AgainRequest>,
) -> Result<Json<Value>, ArgoError> {
    same_namespace(&name.namespace, &request.namespace)?;
    let name = latest(&app, &caller, name).await?;
    let view = found(&name, app.runner().retry(&caller, &name, request.retry()?).await)?;
    Ok(Json(shown(&view.workflow)?))
}

async fn resubmit(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
    headers: HeaderMap,
    Sent(request): Sent<AgainRequest>,
) -> Result<Json<Value>, ArgoError> {
    same_namespace(&name.namespace, &request.namespace)?;
    let name = latest(&app, &caller, name).await?;
    let (via, asked) = request.resubmit(&caller, &headers)?;
    let view = found(&name, app.runner().resubmit(&caller, &name, via, asked).await)?;
    Ok(Json(shown(&view.workflow)?))
}

/// A run that was deleted can't go on; one that is only archived as well can.
async fn retry_archived(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Uid(uid): Uid,
    Sent(request): Sent<AgainRequest>,
) -> Result<Json<Value>, ArgoError> {
    let archived = app.runner().archived_run(&caller, uid).await?;
    let name = archived.facts.name;
    let current = app.runner().view(&caller, &name).await.ok();
    if current.is_none_or(|current| current.facts.id != uid) {
        let why = "the run was deleted and can't go on; resubmit it".to_owned();
        return Err(ServerError::Conflict(why).into());
    }
    let view = found(&name, app.runner().retry(&caller, &name, request.retry()?).await)?;
    Ok(Json(shown(&view.workflow)?))
}

async fn resubmit_archived(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Uid(uid): Uid,
    headers: HeaderMap,
    Sent(request): Sent<AgainRequest>,
) -> Result<Json<Value>, ArgoError> {
    let (via, asked) = request.resubmit(&caller, &headers)?;
    let view = app.runner().resubmit_archived(&caller, uid, via, asked).await?;
    Ok(Json(shown(&view.workflow)?))
}
