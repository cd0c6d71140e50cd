//! Gates: what waits for approval, and the answers to it. Not here: who may answer (`policy`), counting (`runner`).

use axum::{Json, extract::State, http::Method};
use policy::{ApproveGate, DenyGate, ViewRun};
use runner::{GateAnswer, OpenGate};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    App, ServerError,
    answer::Problem,
    argo::{Named, WORKFLOWS},
    authn::Authenticated,
    endpoint::{Endpoint, act},
    json::Sent,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let (view, approve_, deny_) = (act::<ViewRun>(), act::<ApproveGate>(), act::<DenyGate>());
    vec![
        Endpoint::new(Method::GET, "/api/marque/v1/runs/{namespace}/{name}/gates", &[view], list),
        Endpoint::new(Method::POST, "/api/marque/v1/runs/{namespace}/{name}/approve", &[approve_], approve),
        Endpoint::new(Method::POST, "/api/marque/v1/runs/{namespace}/{name}/deny", &[deny_], deny),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Answer {
    node: Option<String>,
    digest: Option<String>,
    reason: Option<String>,
}

impl From<Answer> for GateAnswer {
    fn from(answer: Answer) -> Self {
        Self { node: answer.node, digest: answer.digest, reason: answer.reason }
    }
}

async fn list(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
) -> Result<Json<Value>, Problem> {
    let gates = app.runner().gates(&caller, &name).await;
    let gates = gates.map_err(|error| ServerError::from(error).about(WORKFLOWS, &name.name))?;
    Ok(Json(json!({"gates": gates.iter().map(shown).collect::<Vec<_>>()})))
}

async fn approve(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
    Sent(answer): Sent<Answer>,
) -> Result<Json<Value>, Problem> {
    let gate = app.runner().approve(&caller, &name, answer.into()).await;
    let gate = gate.map_err(|error| ServerError::from(error).about(WORKFLOWS, &name.name))?;
    Ok(Json(shown(&gate)))
}

async fn deny(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Named(name): Named,
    Sent(answer): Sent<Answer>,
) -> Result<Json<Value>, Problem> {
    let gate = app.runner().deny(&caller, &name, answer.into()).await;
    let gate = gate.map_err(|error| ServerError::from(error).about(WORKFLOWS, &name.name))?;
    Ok(Json(shown(&gate)))
}

fn shown(gate: &OpenGate) -> Value {
    let given: Vec<Value> = gate
        .given
        .iter()
        .map(|approval| {
            json!({
                "issuer": approval.approver.issuer,
                "subject": approval.approver.subject,
                "name": approval.name,
                "digest": approval.digest,
                "at": approval.at.to_string(),
                "reason": approval.reason,
            })
        })
        .collect();
    json!({
        "namespace": gate.run.name.namespace,
        "name": gate.run.name.name,
        "component": gate.run.component.as_ref().map(ToString::to_string),
        "submitter": {"issuer": gate.run.submitter.issuer, "subject": gate.run.submitter.subject},
        "node": gate.node.as_str(),
        "displayName": gate.display_name,
        "gate": gate.gate,
        "digest": gate.digest,
        "parameters": gate.parameters,
        "needed": gate.needed,
        "given": given,
        "expiresAt": gate.expires_at.to_string(),
    })
}
