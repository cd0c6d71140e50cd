//! Locks between runs, and outputs that are remembered: through the whole server, with real pods.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::Server;

const MANY: &str = "/api/v1/workflows/argo";

/// A workflow that waits to be resumed while it holds its locks.
fn locked(name: &str, synchronization: &Value) -> Value {
    json!({"workflow": {
        "metadata": {"name": name},
        "spec": {
            "entrypoint": "main",
            "synchronization": synchronization,
            "templates": [{"name": "main", "suspend": {}}],
        },
    }})
}

async fn submit(server: &Server, workflow: Value) {
    server.post("ops", MANY, workflow).await.ok();
}

async fn resume(server: &Server, name: &str) {
    server.put("ops", &format!("{MANY}/{name}/resume"), json!({})).await.ok();
}

fn suspends(workflow: &Value) -> bool {
    let nodes = workflow["status"]["nodes"].as_object();
    nodes.into_iter().flatten().any(|(_, node)| node["type"] == "Suspend" && node["phase"] == "Running")
}

async fn apply(server: &Server, text: &str) {
    let body = json!({"files": [{"name": "a.yaml", "text": text}]});
    server.call("admin", Method::POST, "/api/marque/v1/apply", Some(body)).await.ok();
}

fn limits(of: u32) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: limits, namespace: argo}}\ndata: {{ports: \"{of}\"}}\n"
    )
}

#[tokio::test]
async fn a_mutex_lets_one_run_in_at_a_time() {
    let server = Server::new().await;
    let mutex = json!({"mutexes": [{"name": "m"}]});
    submit(&server, locked("first", &mutex)).await;
    server.until("ops", "argo", "first", suspends).await;
    submit(&server, locked("second", &mutex)).await;
    let waits = |workflow: &Value| workflow["status"]["phase"] == "Pending";
    let second = server.until("ops", "argo", "second", waits).await;
    let message = second["status"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("Waiting for argo/Mutex/m lock. Lock status: 0/1"), "{second:#}");
    assert!(!suspends(&second));
    resume(&server, "first").await;
    server.until_ended("ops", "argo", "first").await;
    server.until("ops", "argo", "second", suspends).await;
    resume(&server, "second").await;
    let second = server.until_ended("ops", "argo", "second").await;
    assert_eq!(second["status"]["phase"], "Succeeded");
}

#[tokio::test]
async fn a_semaphore_has_the_limit_of_its_config_map_which_may_change() {
    let server = Server::new().await;
    apply(&server, &limits(1)).await;
    let semaphore = json!({"semaphores": [{"configMapKeyRef": {"name": "limits", "key": "ports"}}]});
    for name in ["one", "two", "three"] {
        submit(&server, locked(name, &semaphore)).await;
    }
    server.until("ops", "argo", "one", suspends).await;
    server.until("ops", "argo", "three", |workflow| workflow["status"]["phase"] == "Pending").await;
    apply(&server, &limits(2)).await;
    server.until("ops", "argo", "two", suspends).await;
    let three = server.get("ops", &format!("{MANY}/three")).await.ok();
    assert!(!suspends(&three));
    for name in ["one", "two"] {
        resume(&server, name).await;
    }
    server.until("ops", "argo", "three", suspends).await;
}

#[tokio::test]
async fn a_limit_of_the_database_lets_so_many_in() {
    let server = Server::new().await;
    let semaphore = json!({"semaphores": [{"database": {"key": "ports"}}]});
    submit(&server, locked("early", &semaphore)).await;
    let early = server.until_ended("ops", "argo", "early").await;
    assert!(["Error", "Failed"].contains(&early["status"]["phase"].as_str().unwrap()), "{early:#}");
    let limit = json!({"key": "ports", "limit": 1, "type": "DATABASE"});
    server.post("ops", "/api/v1/sync/argo", limit).await.ok();
    submit(&server, locked("late", &semaphore)).await;
    server.until("ops", "argo", "late", suspends).await;
}

#[tokio::test]
async fn remembered_outputs_are_taken_instead_of_running() {
    let server = Server::new().await;
    let workflow = |name: &str| {
        json!({"workflow": {
            "metadata": {"name": name},
            "spec": {"entrypoint": "main", "templates": [{
                "name": "main",
                "memoize": {"key": "the-key", "maxAge": "1h", "cache": {"configMap": {"name": "kept"}}},
                "container": {"image": "busybox", "command": ["sh", "-c", "cat /proc/sys/kernel/random/uuid > /tmp/marque-memo"]},
                "outputs": {"parameters": [{"name": "id", "valueFrom": {"path": "/tmp/marque-memo"}}]},
            }]},
        }})
    };
    let node =
        |workflow: &Value| workflow["status"]["nodes"].as_object().unwrap().values().next().unwrap().clone();
    submit(&server, workflow("once")).await;
    let once = node(&server.until_ended("ops", "argo", "once").await);
    assert_eq!((&once["phase"], &once["memoizationStatus"]["hit"]), (&json!("Succeeded"), &json!(false)));
    submit(&server, workflow("again")).await;
    let again = node(&server.until_ended("ops", "argo", "again").await);
    assert_eq!((&again["phase"], &again["memoizationStatus"]["hit"]), (&json!("Succeeded"), &json!(true)));
    assert_eq!(again["outputs"]["parameters"], once["outputs"]["parameters"]);
}
