//! Cron workflows, cluster templates, synchronization limits, the archive: seen, written and deleted by whoever may.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::Server;

const LIMITS: &str = "/api/v1/sync/argo";
const CLUSTERS: &str = "/api/v1/cluster-workflow-templates";

fn template(args: &str) -> Value {
    json!({"template": {"metadata": {"name": "shared"}, "spec": {
        "entrypoint": "main",
        "templates": [{"name": "main", "container": {"image": "busybox", "command": ["echo", args]}}],
    }}})
}

#[tokio::test]
async fn a_limit_is_made_once_changed_and_deleted() {
    let server = Server::new().await;
    let of = |limit: i64| Some(json!({"key": "ports", "limit": limit, "type": "DATABASE"}));
    let one = format!("{LIMITS}/ports?type=1");
    assert_eq!(server.call("ops", Method::POST, LIMITS, of(2)).await.ok()["limit"], 2);
    server.call("ops", Method::POST, LIMITS, of(2)).await.is(409);
    server.call("ops", Method::POST, LIMITS, of(-1)).await.is(400);
    assert_eq!(server.get("ops", &one).await.ok()["limit"], 2);
    assert_eq!(server.call("ops", Method::PUT, &format!("{LIMITS}/ports"), of(5)).await.ok()["limit"], 5);
    server.call("ops", Method::PUT, &format!("{LIMITS}/other"), of(5)).await.is(404);
    server.get("otto", &one).await.is(404);
    server.call("otto", Method::DELETE, &one, None).await.is(404);
    server.call("ops", Method::DELETE, &one, None).await.ok();
    server.get("ops", &one).await.is(404);
}

#[tokio::test]
async fn a_limit_in_a_config_map_is_made_seen_changed_and_deleted_by_those_who_may() {
    let server = Server::new().await;
    let of =
        |key: &str, limit: i64| json!({"key": key, "limit": limit, "type": "CONFIG_MAP", "cmName": "limits"});
    let one = format!("{LIMITS}/builds?type=CONFIG_MAP&cmName=limits");
    let path = format!("{LIMITS}/builds");
    server.get("ops", &one).await.is(404);
    server.call("ops", Method::PUT, &path, Some(of("builds", 5))).await.is(404);
    for bad in [json!({"key": "builds", "limit": 4}), of("builds", 0), of("", 4)] {
        server.post("ops", LIMITS, bad).await.is(400);
    }
    // somebody else's namespace is neither seen nor written
    server.post("otto", LIMITS, of("builds", 4)).await.is(404);
    let made = server.post("ops", LIMITS, of("builds", 4)).await.ok();
    assert_eq!((&made["limit"], &made["cmName"]), (&json!(4), &json!("limits")));
    server.post("ops", LIMITS, of("builds", 4)).await.is(409);
    server.post("ops", LIMITS, of("tests", 2)).await.ok();
    server.get("otto", &one).await.is(404);
    server.call("otto", Method::DELETE, &one, None).await.is(404);
    server.call("ops", Method::PUT, &path, Some(of("builds", 5))).await.ok();
    assert_eq!(server.get("ops", &one).await.ok()["limit"], 5);
    server.call("ops", Method::DELETE, &one, None).await.ok();
    server.get("ops", &one).await.is(404);
    let other = format!("{LIMITS}/tests?type=CONFIG_MAP&cmName=limits");
    assert_eq!(server.get("ops", &other).await.ok()["limit"], 2, "the others stay");
}

#[tokio::test]
async fn cluster_templates_are_the_administrators() {
    let server = Server::new().await;
    let created = server.call("admin", Method::POST, CLUSTERS, Some(template("a"))).await.ok();
    assert_eq!(created["kind"], "ClusterWorkflowTemplate");
    server.call("admin", Method::POST, CLUSTERS, Some(template("a"))).await.is(409);
    let changed =
        server.call("admin", Method::PUT, &format!("{CLUSTERS}/shared"), Some(template("b"))).await.ok();
    assert_eq!(changed["spec"]["templates"][0]["container"]["command"][1], "b");
    assert_eq!(server.get("admin", CLUSTERS).await.ok()["items"].as_array().unwrap().len(), 1);
    for who in ["ops", "otto"] {
        let refused = server.call(who, Method::POST, CLUSTERS, Some(template("c"))).await;
        assert!([403, 404].contains(&refused.status.as_u16()), "{who}: {}", refused.text());
    }
    server.call("admin", Method::DELETE, &format!("{CLUSTERS}/shared"), None).await.ok();
    server.get("admin", &format!("{CLUSTERS}/shared")).await.is(404);
}

#[tokio::test]
async fn an_event_binding_and_a_secret_are_applied_and_the_secret_is_never_shown() {
    let server = Server::new().await;
    let text = "
apiVersion: v1
kind: Secret
metadata: {name: door, namespace: argo}
stringData: {code: sesame-open}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowEventBinding
metadata: {name: on-push, namespace: argo}
spec:
  event: {selector: 'true'}
  submit: {workflowTemplateRef: {name: nothing}}
";
    let body = json!({"files": [{"name": "a.yaml", "text": text}]});
    let applied = server.call("admin", Method::POST, "/api/marque/v1/apply", Some(body)).await;
    let shown = applied.text();
    applied.ok();
    assert!(!shown.contains("sesame"), "{shown}");
    let bindings = server.get("ops", "/api/v1/workflow-event-bindings/argo").await.ok();
    assert_eq!(bindings["items"][0]["metadata"]["name"], "on-push");
    let database = std::fs::read(server.folder.path().join("data/marque.db")).unwrap();
    let log = std::fs::read(server.folder.path().join("data/marque.db-wal")).unwrap_or_default();
    for bytes in [database, log] {
        assert!(!bytes.windows(11).any(|window| window == b"sesame-open"), "a secret is on disk in clear");
    }
}
