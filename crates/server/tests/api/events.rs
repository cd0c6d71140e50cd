//! Events through the whole server: who may send them, in whose name their runs are, and that nothing accepted is lost.

use axum::{body::Body, http::Request};
use engine::binding::{Incoming, metadata};
use identity::{Caller, Principal, PrincipalKey, PrincipalKind};
use runner::RunnerError;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

const EVENTS: &str = "/api/v1/events/argo/push";

/// People of group `argo` by hand, the machine `forge` by events.
const SCOPE: &str = r#"
apiVersion: marque.dev/v1alpha1
kind: IdentityScope
metadata: {name: root, namespace: argo}
spec:
  namespaceRoot: true
  owners: ["group:argo"]
  viewers: ["group:argo"]
  triggerers:
    - {subject: "group:argo", via: [manual, api]}
    - {subject: "workload:forge", via: [event]}
    - {subject: "workload:ci", via: [api]}
"#;

const BUILD: &str = r#"
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: build, namespace: argo}
spec:
  entrypoint: main
  arguments: {parameters: [{name: branch, value: none}]}
  templates: [{name: main, container: {image: a, command: ["true"]}}]
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowEventBinding
metadata: {name: on-push, namespace: argo}
spec:
  event: {selector: 'metadata["x-kind"] == ["push"] && discriminator == "push" && payload.branch != ""'}
  submit:
    workflowTemplateRef: {name: build}
    metadata: {labels: {kind: '"pushed"'}}
    arguments: {parameters: [{name: branch, valueFrom: {event: payload.branch}}]}
"#;

/// A binding that no event suits.
const BROKEN: &str = r#"
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowEventBinding
metadata: {name: a-broken-one, namespace: argo}
spec:
  event: {selector: 'payload.branch'}
  submit: {workflowTemplateRef: {name: build}}
"#;

async fn server(text: &str) -> Server {
    let server = Server::new().await;
    let files = json!({"files": [{"name": "a.yaml", "text": format!("{SCOPE}{text}")}]});
    server.post("admin", "/api/marque/v1/apply", files).await.ok();
    server
}

/// A person of group `argo` sends a body as `curl -d` does.
async fn post(server: &Server, token: &str, path: &str, body: &str) -> Answer {
    let request = Request::post(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-kind", "push");
    server.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// A machine, whose token an issuer would vouch for, sends an event.
async fn send(server: &Server, machine: &str, namespace: &str, payload: Value) -> Result<(), RunnerError> {
    let key = PrincipalKey { issuer: "https://forge.example".to_owned(), subject: machine.to_owned() };
    let caller = Caller::from_session(Principal {
        key,
        provider: "forge".to_owned(),
        kind: PrincipalKind::Workload,
        name: None,
        email: None,
        groups: Vec::new(),
        amr: Vec::new(),
        acr: None,
        auth_time: None,
    });
    let event = Incoming {
        namespace: namespace.to_owned(),
        discriminator: "push".to_owned(),
        metadata: metadata([("X-Kind", "push")]),
        payload,
    };
    server.app.runner().send_event(&caller, &event).await
}

async fn runs(server: &Server) -> Vec<Value> {
    let list = server.get("ops", "/api/v1/workflows/argo").await.ok();
    list["items"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_machine_that_the_scope_lists_starts_a_run_by_an_event() {
    let server = server(BUILD).await;
    send(&server, "forge", "argo", json!({"branch": "main"})).await.unwrap();
    let all = runs(&server).await;
    assert_eq!(all.len(), 1, "the run is there when the answer is");
    let (metadata, spec) = (&all[0]["metadata"], &all[0]["spec"]);
    let name = metadata["name"].as_str().unwrap();
    assert!(name.starts_with("build-"), "{name}");
    let labels = &metadata["labels"];
    assert_eq!(labels["workflows.argoproj.io/workflow-event-binding"], "on-push");
    assert_eq!(labels["workflows.argoproj.io/workflow-template"], "build");
    assert_eq!(labels["workflows.argoproj.io/creator"], "forge");
    assert_eq!(labels["kind"], "pushed");
    assert_eq!(spec["arguments"]["parameters"], json!([{"name": "branch", "value": "main"}]));
    let record = server.record().await;
    let of = |action: &str| record.iter().find(|entry| entry["action"] == action).unwrap();
    let (sent, submitted) = (of("sendEvent"), of("submit"));
    assert_eq!(sent["principal"]["sub"], "forge", "{sent}");
    assert_eq!(sent["details"]["discriminator"], "push", "{sent}");
    assert_eq!(submitted["details"]["via"], "event", "{submitted}");
    assert!(!sent.to_string().contains("branch"), "no value of the payload is in the record: {sent}");
    let ended = server.until_ended("ops", "argo", name).await;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{}", ended["status"]);
}

#[tokio::test]
async fn who_is_not_listed_for_events_sends_none_and_is_on_record() {
    let server = server(BUILD).await;
    let refused = send(&server, "ci", "argo", json!({"branch": "main"})).await;
    assert!(matches!(refused, Err(RunnerError::Refused(_))), "listed, but for another path: {refused:?}");
    let hidden = send(&server, "stranger", "argo", json!({"branch": "main"})).await;
    assert!(matches!(hidden, Err(RunnerError::NotFound { .. })), "{hidden:?}");
    let record = server.record().await;
    let denied = |entry: &&Value| entry["action"] == "sendEvent" && entry["principal"]["sub"] == "ci";
    assert!(record.iter().any(|entry| denied(&entry)), "the refusal is on record");

    let otto = server.tokens["otto"].as_str();
    for path in [EVENTS, "/api/v1/events/nowhere/push"] {
        let answer = post(&server, otto, path, "{}").await.is(403).text();
        assert!(!answer.contains("on-push"), "{answer}");
    }
    post(&server, "nobody", EVENTS, "{}").await.is(401);
    assert!(runs(&server).await.is_empty());
}

#[tokio::test]
async fn a_person_who_sends_an_event_starts_by_hand() {
    let server = server(BUILD).await;
    let ops = server.tokens["ops"].as_str();
    let answer = post(&server, ops, EVENTS, r#"{"branch": "main"}"#).await.ok();
    assert_eq!(answer, json!({}));
    assert_eq!(runs(&server).await.len(), 1);
    let record = server.record().await;
    let submitted = record.iter().find(|entry| entry["action"] == "submit").unwrap();
    assert_eq!(
        (&submitted["details"]["via"], &submitted["principal"]["sub"]),
        (&json!("manual"), &json!("ops"))
    );
}

#[tokio::test]
async fn an_event_that_nothing_selects_is_taken_and_starts_nothing() {
    let server = server(BUILD).await;
    let ops = server.tokens["ops"].as_str();
    for (path, body) in [
        (EVENTS, r#"{"branch": ""}"#),
        ("/api/v1/events/argo/", r#"{"branch": "main"}"#),
        ("/api/v1/events/argo/pull", r#"{"branch": "main"}"#),
    ] {
        assert_eq!(post(&server, ops, path, body).await.ok(), json!({}), "{path}");
    }
    assert!(runs(&server).await.is_empty());
}

#[tokio::test]
async fn a_binding_that_fails_fails_the_event_and_keeps_no_other_from_starting() {
    let server = server(&format!("{BUILD}{BROKEN}")).await;
    let ops = server.tokens["ops"].as_str();
    let answer = post(&server, ops, EVENTS, r#"{"branch": "main"}"#).await.is(500);
    let expected = "failed to dispatch event: [failed to evaluate workflow template expression: \
                    unable to cast expression result 'main' to bool]";
    assert_eq!(answer.json()["message"], expected);
    assert_eq!(runs(&server).await.len(), 1);
}

#[tokio::test]
async fn what_is_no_json_is_refused_and_what_was_accepted_outlives_the_server() {
    let server = server(BUILD).await;
    let ops = server.tokens["ops"].as_str();
    for body in ["{", "{\"a\": 1, \"a\": 2}", "branch=main"] {
        post(&server, ops, EVENTS, body).await.is(400);
    }
    post(&server, ops, &format!("/api/v1/events/argo/{}", "d".repeat(300)), "{}").await.is(400);
    send(&server, "forge", "argo", json!({"branch": "main"})).await.unwrap();
    let name = runs(&server).await[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let server = server.again().await;
    let ended = server.until_ended("ops", "argo", &name).await;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{}", ended["status"]);
}
