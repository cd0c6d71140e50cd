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

/// GitHub signs for the client `forge`; nobody starts anything by GitLab's `other`.
const CLIENTS: &str = r#"
---
apiVersion: v1
kind: Secret
metadata: {name: argo-workflows-webhook-clients, namespace: argo}
stringData:
  forge: |
    type: github
    secret: "It's a Secret to Everybody"
  other: |
    type: gitlab
    secret: of the other
"#;
const PUSHED: &str = r#"{"branch": "main"}"#;
/// HMAC-SHA-256 of [`PUSHED`] with the secret of `forge`, as `openssl dgst -sha256 -hmac` gives it.
const SIGNATURE: &str = "sha256=46484b7fa778c248be8708d93a3ee1bb3c7096a71b6dcaef6b142f617e4b7920";

/// Sends what a forge does: no token, the headers and the body.
async fn deliver(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let request = Request::post(path).header("content-type", "application/json").header("x-kind", "push");
    let request = headers.iter().fold(request, |request, (name, text)| request.header(*name, *text));
    server.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn hooked() -> Server {
    let scope = SCOPE.replace("workload:forge\"", "workload:webhook/argo/forge\"");
    let server = Server::new().await;
    let files = json!({"files": [{"name": "a.yaml", "text": format!("{scope}{BUILD}{CLIENTS}")}]});
    server.post("admin", "/api/marque/v1/apply", files).await.ok();
    server
}

#[tokio::test]
async fn a_signed_webhook_starts_a_run_as_the_machine_that_the_scope_lists() {
    let server = hooked().await;
    let headers = [("X-GitHub-Event", "push"), ("X-Hub-Signature-256", SIGNATURE)];
    assert_eq!(deliver(&server, EVENTS, &headers, PUSHED).await.ok(), json!({}));
    let all = runs(&server).await;
    assert_eq!(all.len(), 1);
    assert_eq!(
        all[0]["spec"]["arguments"]["parameters"],
        json!([{"name": "branch", "value": "main"}]),
        "the body that was signed is the body that is read"
    );
    let record = server.record().await;
    let submitted = record.iter().find(|entry| entry["action"] == "submit").unwrap();
    assert_eq!(
        (&submitted["details"]["via"], &submitted["principal"]["sub"], &submitted["principal"]["iss"]),
        (&json!("event"), &json!("webhook/argo/forge"), &json!("marque"))
    );
    assert!(!json!(record).to_string().contains("Secret to Everybody"));
}

#[tokio::test]
async fn a_webhook_that_nobody_signed_is_refused_in_one_way_and_is_on_record() {
    let server = hooked().await;
    let event = ("x-github-event", "push");
    let signed = ("x-hub-signature-256", SIGNATURE);
    let plain = deliver(&server, EVENTS, &[], PUSHED).await.is(401).text();
    let attempts: &[(&[(&str, &str)], &str)] = &[
        (&[event, signed], r#"{"branch": "evil"}"#),
        (&[signed], PUSHED),
        (&[event], PUSHED),
        (&[event, signed, signed], PUSHED),
        (&[event, ("x-hub-signature-256", "sha256=")], PUSHED),
        (&[event, ("x-hub-signature", SIGNATURE)], PUSHED),
        (&[("x-gitlab-event", "Push Hook"), ("x-gitlab-token", "It's a Secret to Everybody")], PUSHED),
        (&[("x-gitlab-event", "Push Hook"), ("x-gitlab-token", "")], PUSHED),
    ];
    for (headers, body) in attempts {
        let answer = deliver(&server, EVENTS, headers, body).await.is(401).text();
        assert_eq!(answer, plain, "{headers:?}");
    }
    // a signature helps nowhere else, and no token is made up for by one
    for path in ["/api/v1/events/nowhere/push", "/api/v1/events/argo-2/push"] {
        assert_eq!(deliver(&server, path, &[event, signed], PUSHED).await.is(401).text(), plain);
    }
    deliver(&server, "/api/v1/workflows/argo/submit", &[event, signed], PUSHED).await.is(401);
    deliver(&server, EVENTS, &[event, signed, ("authorization", "Bearer x")], PUSHED).await.is(401);
    assert!(runs(&server).await.is_empty());
    let record = server.record().await;
    let unsigned = record.iter().filter(|entry| entry.to_string().contains("IDN0027")).count();
    assert_eq!(unsigned, attempts.len() + 1, "each attempt that reached the clients is on record");
}

#[tokio::test]
async fn a_client_that_the_scope_does_not_list_starts_nothing() {
    let server = hooked().await;
    let headers = [("x-gitlab-event", "Push Hook"), ("x-gitlab-token", "of the other")];
    deliver(&server, EVENTS, &headers, PUSHED).await.is(403);
    assert!(runs(&server).await.is_empty());
    let record = server.record().await;
    let denied = |entry: &&Value| entry["principal"]["sub"] == "webhook/argo/other";
    assert!(record.iter().any(|entry| denied(&entry)));
}

#[tokio::test]
async fn a_webhook_too_large_is_refused_before_it_is_kept() {
    let server = hooked().await;
    let body = format!("{{\"branch\": \"{}\"}}", "b".repeat(3 << 20));
    deliver(&server, EVENTS, &[("x-github-event", "push")], &body).await.is(413);
    // no length is said beforehand
    let chunks = (0..40).map(|_| Ok::<_, std::io::Error>(vec![b'b'; 100_000]));
    let stream = Body::from_stream(futures_util::stream::iter(chunks));
    let request = Request::post(EVENTS).header("x-github-event", "push").body(stream).unwrap();
    server.send(request).await.is(413);
}

#[tokio::test]
async fn no_pod_is_given_what_vouches_for_webhooks() {
    let server = hooked().await;
    let from = json!({"secretRef": {"name": "argo-workflows-webhook-clients"}});
    let container = json!({"image": "a", "command": ["true"], "envFrom": [from]});
    let spec = json!({"entrypoint": "main", "templates": [{"name": "main", "container": container}]});
    let workflow = json!({"metadata": {"name": "thief", "namespace": "argo"}, "spec": spec});
    server.post("ops", "/api/v1/workflows/argo", json!({"workflow": workflow})).await.ok();
    let ended = server.until_ended("ops", "argo", "thief").await;
    let status = &ended["status"];
    assert_eq!(status["phase"], "Error", "{status}");
    assert!(status.to_string().contains("no pod is given secret"), "{status}");
}
