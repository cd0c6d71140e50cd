//! How many workflows run at once, what those that wait say, and who is next; what every workflow leaves open.

use serde_json::{Value, json};
use server::Config;

use crate::harness::{ARGO_SCOPE, Server, config};

const TOO_MANY: &str =
    "Workflow processing has been postponed because too many workflows are already running";

async fn server(change: impl FnOnce(&mut Config)) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    change(&mut config);
    Server::with(folder, config).await.with_examples().await
}

async fn submit(server: &Server, name: &str, spec: Value) -> Value {
    let mut whole = json!({"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]});
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let workflow = json!({"workflow": {"metadata": {"name": name}, "spec": whole}});
    server.post("ops", "/api/v1/workflows/argo", workflow).await.ok()
}

async fn phase(server: &Server, name: &str) -> (String, String) {
    let seen = server.get("ops", &format!("/api/v1/workflows/argo/{name}")).await.ok();
    let text = |field: &str| seen["status"][field].as_str().unwrap_or_default().to_owned();
    (text("phase"), text("message"))
}

async fn put(server: &Server, name: &str, act: &str) {
    server.put("ops", &format!("/api/v1/workflows/argo/{name}/{act}"), json!({})).await.ok();
}

fn waits() -> (String, String) {
    ("Pending".to_owned(), TOO_MANY.to_owned())
}

async fn runs(server: &Server, name: &str) {
    server.until("ops", "argo", name, |workflow| workflow["status"]["phase"] == "Running").await;
}

#[tokio::test]
async fn workflows_wait_by_priority_survive_a_restart_and_can_be_given_up() {
    let limited = |config: &mut Config| config.parallelism = 1;
    let server = server(limited).await;
    submit(&server, "first", json!({})).await;
    for (name, priority) in [("late", 0), ("urgent", 9), ("given-up", 8), ("deleted", 7)] {
        submit(&server, name, json!({"priority": priority})).await;
        assert_eq!(phase(&server, name).await, waits(), "{name}");
    }
    put(&server, "given-up", "terminate").await;
    assert_eq!(
        phase(&server, "given-up").await,
        ("Failed".to_owned(), "Stopped with strategy 'Terminate'".to_owned())
    );
    server.delete("ops", "/api/v1/workflows/argo/deleted").await.ok();
    let mut again = config(server.folder.path());
    limited(&mut again);
    let server = server.again_with(again).await;
    assert_eq!(phase(&server, "urgent").await, waits());
    put(&server, "first", "resume").await;
    runs(&server, "urgent").await;
    assert_eq!(phase(&server, "late").await, waits());
    put(&server, "urgent", "stop").await;
    runs(&server, "late").await;
}

#[tokio::test]
async fn a_namespace_has_its_own_limit() {
    let server = server(|config| config.namespace_parallelism = 1).await;
    submit(&server, "first", json!({})).await;
    submit(&server, "second", json!({})).await;
    assert_eq!(phase(&server, "second").await, waits());
    put(&server, "first", "resume").await;
    runs(&server, "second").await;
}

#[tokio::test]
async fn the_root_scope_of_a_namespace_says_how_many_run_in_it() {
    let server = server(|_| ()).await;
    let limited = async |limit: &str, status: u16| {
        let text = ARGO_SCOPE.replacen(
            "metadata: {",
            &format!("metadata: {{labels: {{workflows.argoproj.io/parallelism-limit: \"{limit}\"}}, "),
            1,
        );
        let files = json!({"files": [{"name": "scope.yaml", "text": text}]});
        server.post("admin", "/api/marque/v1/apply", files).await.is(status).text()
    };
    limited("1", 200).await;
    for name in ["first", "second", "third"] {
        submit(&server, name, json!({})).await;
    }
    assert_eq!(phase(&server, "second").await, waits());
    let refused = limited("some", 422).await;
    assert!(refused.contains("`some` is no whole number"), "{refused}");
    limited("2", 200).await;
    runs(&server, "second").await;
    assert_eq!(phase(&server, "third").await, waits());
    limited("0", 200).await;
    runs(&server, "third").await;
}

#[tokio::test]
async fn what_a_workflow_leaves_open_is_filled_in() {
    let server = server(|config| {
        let defaults = json!({
            "metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}},
            "spec": {"priority": 3, "ttlStrategy": {"secondsAfterSuccess": 3600}},
        });
        config.workflow_defaults = defaults.as_object().unwrap().clone();
    })
    .await;
    let made = submit(&server, "open", json!({"priority": 4})).await;
    assert_eq!((&made["spec"]["priority"], &made["metadata"]["labels"]["team"]), (&json!(4), &json!("a")));
    assert_eq!(made["spec"]["ttlStrategy"]["secondsAfterSuccess"], 3600);
    assert_eq!(made["metadata"]["annotations"]["note"], "b");
}

#[tokio::test]
async fn defaults_that_are_no_workflow_are_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.workflow_defaults = json!({"spec": {"templates": "x"}}).as_object().unwrap().clone();
    let said = config.check().unwrap_err().to_string();
    assert!(said.contains("`workflowDefaults` is no workflow"), "{said}");
}
