//! Schedules through the whole server: runs in the schedule's own name, refusals on record, a server that starts again.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Server, TOO_LONG};

const CRONS: &str = "/api/v1/cron-workflows/argo";

/// The root scope of `argo`, which lets the schedule `tick` start runs.
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
    - {subject: "workload:cron/argo/tick", via: [cron]}
"#;

async fn apply(server: &Server, text: &str) {
    let body = json!({"files": [{"name": "a.yaml", "text": text}]});
    server.call("admin", Method::POST, "/api/marque/v1/apply", Some(body)).await.ok();
}

fn cron(name: &str, more: Value) -> Value {
    let mut spec = json!({
        "schedules": ["@every 1s"],
        "successfulJobsHistoryLimit": 2,
        "workflowSpec": {
            "entrypoint": "main",
            "templates": [{"name": "main", "container": {"image": "a", "command": ["true"]}}],
        },
    });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"cronWorkflow": {"metadata": {"name": name}, "spec": spec}})
}

/// Waits until the schedule is as `reached` wants it, and returns it.
async fn until(server: &Server, name: &str, reached: impl Fn(&Value) -> bool) -> Value {
    let mut changes = server.app.runner().changes();
    let path = format!("{CRONS}/{name}");
    let waiting = async {
        loop {
            let cron = server.get("ops", &path).await.ok();
            if reached(&cron) {
                return cron;
            }
            // a refusal changes no run: a schedule of every second is looked at again at least as often
            let _ = tokio::time::timeout(std::time::Duration::from_millis(200), changes.recv()).await;
        }
    };
    match tokio::time::timeout(TOO_LONG, waiting).await {
        Ok(cron) => cron,
        Err(_) => panic!("never reached: {}", server.get("ops", &path).await.text()),
    }
}

fn count(cron: &Value, field: &str) -> i64 {
    cron["status"][field].as_i64().unwrap_or_default()
}

#[tokio::test]
async fn a_schedule_starts_runs_in_its_own_name_and_tidies_up() {
    let server = Server::new().await;
    apply(&server, SCOPE).await;
    server.post("ops", CRONS, cron("tick", json!({}))).await.ok();
    let shown = until(&server, "tick", |cron| count(cron, "succeeded") >= 4).await;
    assert_eq!((count(&shown, "failed"), shown["status"]["phase"].as_str()), (0, Some("Active")));
    assert!(shown["status"]["lastScheduledTime"].as_str().unwrap().ends_with('Z'));
    let list = server.get("ops", "/api/v1/workflows/argo").await.ok();
    let runs = list["items"].as_array().unwrap();
    assert!((1..=4).contains(&runs.len()), "{} runs are kept", runs.len());
    let run = &runs[0]["metadata"];
    assert!(run["name"].as_str().unwrap().starts_with("tick-1"), "{run}");
    assert_eq!(run["labels"]["workflows.argoproj.io/cron-workflow"], "tick");
    assert_eq!(run["labels"]["workflows.argoproj.io/creator"], "cron-argo-tick");
    assert!(run["annotations"]["workflows.argoproj.io/scheduled-time"].is_string());
    assert_eq!(run["ownerReferences"][0]["kind"], "CronWorkflow");
    let record = server.record().await;
    let submitted = record.iter().find(|entry| entry["action"] == "submit").unwrap();
    assert_eq!(submitted["principal"]["sub"], "cron/argo/tick", "{submitted}");
    server.put("ops", &format!("{CRONS}/tick/suspend"), json!({})).await.ok();
    let quiet = until(&server, "tick", |cron| cron["status"]["active"].is_null()).await;
    assert_eq!(quiet["spec"]["suspend"], true);
}

#[tokio::test]
async fn a_schedule_that_no_scope_lists_starts_nothing_and_is_on_record() {
    let server = Server::new().await;
    apply(&server, SCOPE).await;
    server.post("ops", CRONS, cron("other", json!({}))).await.ok();
    let shown = until(&server, "other", |cron| count(cron, "failed") >= 1).await;
    let condition = &shown["status"]["conditions"][0];
    assert_eq!(condition["type"], "SubmissionError");
    let message = condition["message"].as_str().unwrap();
    assert!(message.starts_with("Failed to submit Workflow: "), "{message}");
    assert_eq!(server.get("ops", "/api/v1/workflows/argo").await.ok()["items"], Value::Null);
    let record = server.record().await;
    let denied =
        |entry: &&Value| entry["action"] == "submit" && entry["principal"]["sub"] == "cron/argo/other";
    assert!(record.iter().any(|entry| denied(&entry)), "the refusal is on record");
}

#[tokio::test]
async fn a_server_that_starts_again_goes_on_where_the_schedule_was() {
    let server = Server::new().await;
    apply(&server, SCOPE).await;
    server.post("ops", CRONS, cron("tick", json!({"startingDeadlineSeconds": 60}))).await.ok();
    let before = until(&server, "tick", |cron| count(cron, "succeeded") >= 1).await;
    let server = server.again().await;
    let after =
        until(&server, "tick", |cron| count(cron, "succeeded") > count(&before, "succeeded") + 1).await;
    assert_eq!(count(&after, "failed"), 0);
    let when = |cron: &Value| cron["status"]["lastScheduledTime"].as_str().unwrap().to_owned();
    assert!(when(&after) > when(&before));
}

#[tokio::test]
async fn a_run_is_started_by_hand_from_a_schedule_or_a_template_of_the_cluster() {
    let server = Server::new().await;
    let spec = json!({"schedules": ["0 0 1 1 *"], "workflowSpec": {
        "entrypoint": "main",
        "arguments": {"parameters": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]},
        "templates": [{"name": "main", "container": {"image": "a", "command": ["true"]}}],
    }});
    server.post("ops", CRONS, cron("yearly", spec)).await.ok();
    let from = |kind: &str, name: &str, options: Value| json!({"resourceKind": kind, "resourceName": name, "submitOptions": options});
    let options = json!({"parameters": ["b=3"], "labels": "x=y"});
    let started =
        server.post("ops", "/api/v1/workflows/argo/submit", from("cronwf", "yearly", options)).await.ok();
    let metadata = &started["metadata"];
    assert!(metadata["name"].as_str().unwrap().starts_with("yearly-"), "{metadata}");
    assert_eq!(metadata["labels"]["workflows.argoproj.io/cron-workflow"], "yearly");
    assert_eq!((&metadata["labels"]["x"], &metadata["ownerReferences"]), (&json!("y"), &Value::Null));
    assert_eq!(metadata["labels"]["workflows.argoproj.io/creator"], "ops", "it is started by the person");
    let parameters = json!([{"name": "a", "value": "1"}, {"name": "b", "value": "3"}]);
    assert_eq!(started["spec"]["arguments"]["parameters"], parameters);
    server.post("otto", "/api/v1/workflows/argo/submit", from("cronwf", "yearly", json!({}))).await.is(404);
    apply(
        &server,
        "apiVersion: argoproj.io/v1alpha1\nkind: ClusterWorkflowTemplate\nmetadata: {name: shared}\n\
         spec: {entrypoint: main, templates: [{name: main, container: {image: a, command: ['true']}}]}",
    )
    .await;
    let started = server.post(
        "ops",
        "/api/v1/workflows/argo/submit",
        from("ClusterWorkflowTemplate", "shared", json!({})),
    );
    let metadata = started.await.ok()["metadata"].clone();
    assert_eq!(metadata["labels"]["workflows.argoproj.io/cluster-workflow-template"], "shared");
    server.until_ended("ops", "argo", metadata["name"].as_str().unwrap()).await;
}
