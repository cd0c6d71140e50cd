//! Gates: so many distinct people, never the submitter, bound to a digest, closed by time; and kept over a kill.
//! Not here: who may approve by which rule (the golden table of `policy`).

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Person, Server, until};

const PEOPLE: &[Person<'_>] = &[
    ("pat", &["platform"]),
    ("ada", &["team", "approvers"]),
    ("bob", &["team", "approvers"]),
    ("cid", &["team", "approvers"]),
    ("dan", &["team"]),
];

fn oam(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "core.oam.dev/v1beta1", "kind": kind, "metadata": {"name": name, "namespace": "team"}, "spec": spec})
}

/// An application with one gate; its approval asks for `min` people within `expires`.
fn objects(name: &str, min: u32, expires: &str) -> Vec<Value> {
    let template = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "metadata": {"name": name, "namespace": "team"},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": [{"name": "to", "value": "staging"}]},
            "templates": [
                {"name": "main", "steps": [[{"name": "gate", "template": "wait"}], [{"name": "go", "template": "go"}]]},
                {"name": "wait", "suspend": {}},
                {"name": "go", "container": {"image": "busybox", "command": ["echo"], "args": ["to {{workflow.parameters.to}}"]}},
            ],
        },
    });
    let gate = json!({"node": "gate", "approvers": ["group:approvers"], "min": min, "expiresAfter": expires});
    vec![
        template,
        oam(
            "ComponentDefinition",
            name,
            json!({
                "workload": {"definition": {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate"}},
                "extension": {"marque.dev": {"source": {"kind": "WorkflowTemplate", "name": name}}},
            }),
        ),
        oam(
            "Application",
            name,
            json!({"components": [{
                "name": "main", "type": name,
                "traits": [
                    {"type": "approval", "properties": {"gates": [gate]}},
                    {"type": "manual-trigger", "properties": {"by": ["group:team"], "overridable": ["to"], "requireReason": false}},
                ],
                "scopes": {"identityscopes.marque.dev": "team"},
            }]}),
        ),
    ]
}

async fn server() -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), PEOPLE, "administrators: ['group:platform']\n").await;
    let applies = |reference: &str| json!({"appliesToWorkloads": ["workflowtemplates.argoproj.io"], "definitionRef": {"name": reference}});
    let mut all = vec![
        oam("TraitDefinition", "approval", applies("approvals.marque.dev")),
        oam("TraitDefinition", "manual-trigger", applies("manualtriggers.marque.dev")),
        oam(
            "ScopeDefinition",
            "identityscopes.marque.dev",
            json!({"allowComponentOverlap": false, "definitionRef": {"name": "identityscopes.marque.dev"}}),
        ),
        json!({
            "apiVersion": "marque.dev/v1alpha1", "kind": "IdentityScope", "metadata": {"name": "team", "namespace": "team"},
            "spec": {
                "owners": ["group:platform"], "viewers": ["group:team"], "approvers": ["group:approvers"],
                "triggerers": [{"subject": "group:team", "via": ["manual"]}],
                "approvals": {"min": 1, "expiresAfter": "24h"},
            },
        }),
    ];
    all.extend(objects("two", 2, "1h"));
    all.extend(objects("soon", 1, "1s"));
    let pat = server.log_in("pat").await;
    let (status, answer) = server.apply(&pat, &all).await;
    assert_eq!(status, 200, "{answer}");
    (folder, server)
}

async fn submit(server: &Server, token: &str, template: &str, name: &str) {
    let workflow = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name, "namespace": "team"},
        "spec": {"workflowTemplateRef": {"name": template}},
    });
    let (status, answer) =
        server.call(Method::POST, "/api/v1/workflows/team", token, Some(json!({"workflow": workflow}))).await;
    assert_eq!(status, 200, "{answer}");
}

async fn open_gate(server: &Server, token: &str, name: &str) -> Value {
    let path = format!("/api/marque/v1/runs/team/{name}/gates");
    until("the gate to open", async || {
        let (status, gates) = server.call(Method::GET, &path, token, None).await;
        assert_eq!(status, 200, "{gates}");
        let gates = gates.as_array().or(gates["gates"].as_array())?.clone();
        gates.into_iter().next()
    })
    .await
}

async fn approve(server: &Server, token: &str, name: &str, body: Value) -> (u16, Value) {
    server.call(Method::POST, &format!("/api/marque/v1/runs/team/{name}/approve"), token, Some(body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_opens_for_two_distinct_people_who_are_not_the_submitter() {
    let (_folder, mut server) = server().await;
    let (ada, bob, cid, dan) = (
        server.log_in("ada").await,
        server.log_in("bob").await,
        server.log_in("cid").await,
        server.log_in("dan").await,
    );
    submit(&server, &ada, "two", "r1").await;
    let gate = open_gate(&server, &ada, "r1").await;
    assert_eq!((&gate["needed"], gate["given"].as_array().map(Vec::len)), (&json!(2), Some(0)), "{gate}");

    let (status, answer) = approve(&server, &ada, "r1", json!({})).await;
    assert_eq!(status, 403, "the submitter, who is an approver, too: {answer}");
    let (status, answer) = approve(&server, &dan, "r1", json!({})).await;
    assert_eq!(status, 403, "somebody who is no approver: {answer}");
    let (status, answer) = approve(&server, &bob, "r1", json!({"digest": "0".repeat(64)})).await;
    assert_eq!(status, 409, "a digest of something else: {answer}");
    for _ in 0..2 {
        let (status, answer) = approve(&server, &bob, "r1", json!({"digest": gate["digest"]})).await;
        assert_eq!(status, 200, "{answer}");
    }
    let gate = open_gate(&server, &ada, "r1").await;
    assert_eq!(gate["given"].as_array().map(Vec::len), Some(1), "one person counts once: {gate}");
    // Argo's own doors are no way around: neither resume nor a forged status
    let (status, _) =
        server.call(Method::PUT, "/api/v1/workflows/team/r1/resume", &ada, Some(json!({}))).await;
    assert_eq!(status, 403);

    // what was approved is kept over a kill
    server.kill();
    server.spawn().await;
    let gate = open_gate(&server, &ada, "r1").await;
    assert_eq!(gate["given"].as_array().map(Vec::len), Some(1), "{gate}");
    let (status, answer) = approve(&server, &cid, "r1", json!({"digest": gate["digest"]})).await;
    assert_eq!(status, 200, "{answer}");
    let ended = server.ended(&ada, "team", "r1").await;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended}");
    let (status, answer) = approve(&server, &cid, "r1", json!({})).await;
    assert_eq!(status, 409, "a gate that has been passed: {answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_that_nobody_opens_in_time_fails_its_node_and_a_denied_one_does_at_once() {
    let (_folder, server) = server().await;
    let (ada, bob) = (server.log_in("ada").await, server.log_in("bob").await);
    submit(&server, &ada, "soon", "late").await;
    let ended = server.ended(&ada, "team", "late").await;
    assert_eq!(ended["status"]["phase"], "Failed", "{ended}");
    let message = |workflow: &Value| {
        let nodes = workflow["status"]["nodes"].as_object().unwrap();
        let gate = nodes.values().find(|node| node["displayName"] == "gate").unwrap();
        gate["message"].as_str().unwrap().to_owned()
    };
    assert!(message(&ended).contains("expired"), "{ended}");
    let (status, answer) = approve(&server, &bob, "late", json!({})).await;
    assert_eq!(status, 409, "too late: {answer}");

    submit(&server, &ada, "two", "no").await;
    open_gate(&server, &ada, "no").await;
    let (status, answer) = server
        .call(Method::POST, "/api/marque/v1/runs/team/no/deny", &bob, Some(json!({"reason": "wrong month"})))
        .await;
    assert_eq!(status, 200, "{answer}");
    let ended = server.ended(&ada, "team", "no").await;
    assert_eq!(ended["status"]["phase"], "Failed", "{ended}");
    assert!(message(&ended).contains("wrong month"), "{ended}");
}
