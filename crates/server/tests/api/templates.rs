//! WorkflowTemplates through Argo's API, and workflows made of them.

use serde_json::{Value, json};

use crate::harness::{Server, saying};

const MANY: &str = "/api/v1/workflow-templates/argo";
const ONE: &str = "/api/v1/workflow-templates/argo/hello";

fn hello(says: &str) -> Value {
    json!({
        "metadata": {"name": "hello", "labels": {"team": "a"}},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": [{"name": "what", "value": says}]},
            "templates": [{"name": "main", "container": {
                "image": "busybox", "command": ["echo", "{{workflow.parameters.what}}"],
            }}],
        },
    })
}

#[tokio::test]
async fn a_template_is_made_seen_changed_submitted_and_deleted() {
    let server = Server::new().await;
    assert_eq!(server.get("ops", MANY).await.ok()["items"], Value::Null);
    server.post("ops", &format!("{MANY}/lint"), json!({"template": hello("a")})).await.ok();
    server.get("ops", ONE).await.is(404);
    server.post("ops", MANY, json!({"template": hello("a")})).await.ok();
    assert_eq!(server.post("ops", MANY, json!({"template": hello("a")})).await.is(409).json()["code"], 6);
    let list = server.get("ops", &format!("{MANY}?listOptions.labelSelector=team=a")).await.ok();
    assert_eq!(list["items"][0]["metadata"]["name"], "hello");
    server.put("ops", ONE, json!({"template": hello("b")})).await.ok();
    let one = server.get("ops", ONE).await.ok();
    assert_eq!(one["spec"]["arguments"]["parameters"][0]["value"], "b");

    let submit = json!({
        "resourceKind": "WorkflowTemplate",
        "resourceName": "hello",
        "submitOptions": {"generateName": "said-", "parameters": ["what=good = day"], "labels": "from=test"},
    });
    let run = server.post("ops", "/api/v1/workflows/argo/submit", submit).await.ok();
    let name = run["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("said-"), "{name}");
    assert_eq!(run["metadata"]["labels"]["from"], "test");
    let ended = server.until_ended("ops", "argo", name).await;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended}");
    let log = server.get("ops", &format!("/api/v1/workflows/argo/{name}/log")).await.is(200).text();
    assert!(log.contains("good = day"), "{log}");

    server.delete("ops", ONE).await.ok();
    server.get("ops", ONE).await.is(404);
    server.delete("ops", ONE).await.is(404);
}

#[tokio::test]
async fn a_template_that_a_component_binds_is_changed_by_apply_alone() {
    let server = Server::new().await;
    let path = "/api/v1/workflow-templates/finance/payroll-export";
    let mut template = server.get("admin", path).await.ok();
    template["spec"]["templates"][0]["steps"] = json!([[{"name": "x", "template": "extract"}]]);
    let changed = server.put("admin", path, json!({ "template": template })).await;
    assert!(matches!(changed.status.as_u16(), 400 | 403), "{}", changed.text());
    let deleted = server.delete("admin", path).await;
    assert!(matches!(deleted.status.as_u16(), 400 | 403), "{}", deleted.text());
    server.get("admin", path).await.is(200);
}

#[tokio::test]
async fn strangers_neither_see_nor_write_templates() {
    let server = Server::new().await;
    server.post("ops", MANY, json!({"template": hello("a")})).await.ok();
    for answer in [
        server.get("otto", MANY).await,
        server.get("otto", ONE).await,
        server.post("otto", MANY, json!({"template": hello("x")})).await,
        server.put("otto", ONE, json!({"template": hello("x")})).await,
        server.delete("otto", ONE).await,
    ] {
        assert!(matches!(answer.status.as_u16(), 403 | 404), "{}", answer.text());
    }
    server.get("ops", ONE).await.is(200);
}

#[tokio::test]
async fn what_a_dry_run_makes_is_not_there() {
    let server = Server::new().await;
    let body = json!({"workflow": saying("dry", &["true"]), "createOptions": {"dryRun": ["All"]}});
    let dry = server.post("ops", "/api/v1/workflows/argo", body).await.ok();
    assert_eq!(dry["metadata"].get("uid"), None);
    server.get("ops", "/api/v1/workflows/argo/dry").await.is(404);
}

#[tokio::test]
async fn the_creator_is_who_the_server_knows_and_not_what_the_client_says() {
    let server = Server::new().await;
    let mut workflow = saying("whose", &["true"]);
    workflow["metadata"]["labels"] = json!({"workflows.argoproj.io/creator": "mallory", "workflows.argoproj.io/creator-email": "m.at.evil"});
    let made = server.post("ops", "/api/v1/workflows/argo", json!({ "workflow": workflow })).await.ok();
    let labels = &made["metadata"]["labels"];
    assert_eq!(labels["workflows.argoproj.io/creator"], "ops");
    assert_eq!(labels.get("workflows.argoproj.io/creator-email"), None);
}

#[tokio::test]
async fn what_gos_clients_send_is_read_as_go_reads_it() {
    let server = Server::new().await;
    let mut workflow = saying("from-go", &["true"]);
    workflow["metadata"]["creationTimestamp"] = Value::Null;
    workflow["metadata"]["labels"] = Value::Null;
    workflow["status"] =
        json!({"phase": "Forged", "startedAt": null, "nodes": {"x": {"phase": "Succeeded"}}});
    let body = json!({"namespace": null, "workflow": workflow, "createOptions": null, "serverDryRun": null});
    let made = server.post("ops", "/api/v1/workflows/argo", body).await.ok();
    assert_ne!(made["status"]["phase"], "Forged");
    assert_eq!(made["status"]["nodes"].get("x"), None);
}
