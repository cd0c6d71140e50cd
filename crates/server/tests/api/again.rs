//! Retry, resubmit, stop and set of single nodes, through the whole server with real pods; and what an approval must not
//! be stretched to.

use serde_json::{Value, json};

use crate::harness::Server;

const MANY: &str = "/api/v1/workflows/argo";

/// Two steps: the first writes down that it ran, the second fails until the file `go` is there.
fn two_steps(name: &str, folder: &std::path::Path) -> Value {
    let folder = folder.display();
    let sh = |text: String| json!({"image": "a", "command": ["sh", "-c"], "args": [text]});
    json!({"workflow": {
        "metadata": {"name": name},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": [{"name": "word", "value": "first"}]},
            "templates": [
                {"name": "main", "steps": [
                    [{"name": "one", "template": "one"}],
                    [{"name": "two", "template": "two"}],
                ]},
                {"name": "one", "container": sh(format!("echo '{{{{workflow.parameters.word}}}}' >> {folder}/one"))},
                {"name": "two", "container": sh(format!("echo x >> {folder}/two; test -e {folder}/go"))},
            ],
        },
    }})
}

fn lines(file: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn node<'a>(workflow: &'a Value, display_name: &str) -> &'a Value {
    let nodes = workflow["status"]["nodes"].as_object().unwrap();
    nodes.values().find(|node| node["displayName"] == display_name).unwrap()
}

async fn put(server: &Server, path: &str, body: Value) -> Value {
    server.put("ops", &format!("{MANY}/{path}"), body).await.ok()
}

#[tokio::test]
async fn a_retry_runs_again_what_failed_and_nothing_else() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    server.post("ops", MANY, two_steps("again", folder.path())).await.ok();
    let failed = server.until_ended("ops", "argo", "again").await;
    assert_eq!(failed["status"]["phase"], "Failed");
    // nobody else may, and what is still running or went well is not retried
    server.put("otto", &format!("{MANY}/again/retry"), json!({})).await.is(404);
    server.put("vera", &format!("{MANY}/again/retry"), json!({})).await.is(404);
    std::fs::write(folder.path().join("go"), "").unwrap();
    put(&server, "again/retry", json!({})).await;
    let done = server.until_ended("ops", "argo", "again").await;
    assert_eq!(
        (&done["status"]["phase"], &node(&done, "two")["phase"]),
        (&json!("Succeeded"), &json!("Succeeded"))
    );
    assert_eq!((lines(&folder.path().join("one")).len(), lines(&folder.path().join("two")).len()), (1, 2));
    let why = server.put("ops", &format!("{MANY}/again/retry"), json!({})).await;
    assert!(why.text().contains("restartSuccessful"), "{}", why.text());
    let asked = json!({"restartSuccessful": true, "nodeFieldSelector": "displayName=one", "parameters": ["word=second"]});
    put(&server, "again/retry", asked).await;
    let done = server.until_ended("ops", "argo", "again").await;
    assert_eq!(done["status"]["phase"], "Succeeded");
    assert_eq!(lines(&folder.path().join("one")), ["first", "second"]);
    assert_eq!(lines(&folder.path().join("two")).len(), 3);
}

#[tokio::test]
async fn a_server_that_starts_again_goes_on_with_what_was_retried() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let mut workflow = two_steps("again", folder.path());
    let wait = format!("while ! test -e {}/go; do sleep 0.05; done", folder.path().display());
    server.post("ops", MANY, workflow.clone()).await.ok();
    server.until_ended("ops", "argo", "again").await;
    workflow["workflow"]["spec"]["templates"][2]["container"]["args"][0] = json!(wait);
    let asked = json!({"memoized": false});
    let again = put(&server, "again/resubmit", asked).await;
    let name = again["metadata"]["name"].as_str().unwrap().to_owned();
    server.until_ended("ops", "argo", &name).await;
    std::fs::write(folder.path().join("go"), "").unwrap();
    put(&server, &format!("{name}/retry"), json!({})).await;
    let server = server.again().await;
    let done = server.until_ended("ops", "argo", &name).await;
    assert_eq!(done["status"]["phase"], "Succeeded");
}

#[tokio::test]
async fn a_resubmit_is_a_new_run_by_whoever_asks_and_memoized_takes_over_what_went_well() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    server.post("ops", MANY, two_steps("first", folder.path())).await.ok();
    server.until_ended("ops", "argo", "first").await;
    server.put("otto", &format!("{MANY}/first/resubmit"), json!({})).await.is(404);
    std::fs::write(folder.path().join("go"), "").unwrap();
    let plain = put(&server, "first/resubmit", json!({"parameters": ["word=second"]})).await;
    let metadata = &plain["metadata"];
    let name = metadata["name"].as_str().unwrap();
    assert!(name.starts_with("first-"), "{name}");
    assert_eq!(metadata["labels"]["workflows.argoproj.io/resubmitted-from-workflow"], "first");
    assert_eq!(metadata["labels"]["workflows.argoproj.io/creator"], "ops");
    assert_eq!(server.until_ended("ops", "argo", name).await["status"]["phase"], "Succeeded");
    assert_eq!(lines(&folder.path().join("one")), ["first", "second"]);
    let memoized = put(&server, "first/resubmit", json!({"memoized": true})).await;
    let name = memoized["metadata"]["name"].as_str().unwrap();
    let done = server.until_ended("ops", "argo", name).await;
    assert_eq!(done["status"]["phase"], "Succeeded");
    assert_eq!(node(&done, "one")["phase"], "Skipped");
    assert_eq!(lines(&folder.path().join("one")).len(), 2, "it did not run again");
    let succeeded = server.put("ops", &format!("{MANY}/{name}/resubmit"), json!({"memoized": true})).await;
    assert!(succeeded.text().contains("must be Failed/Error"), "{}", succeeded.text());
}

#[tokio::test]
async fn the_archive_resubmits_what_was_deleted_and_retries_what_was_not() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let made = server.post("ops", MANY, two_steps("old", folder.path())).await.ok();
    let archived = format!("/api/v1/archived-workflows/{}", made["metadata"]["uid"].as_str().unwrap());
    server.until_ended("ops", "argo", "old").await;
    std::fs::write(folder.path().join("go"), "").unwrap();
    server.put("ops", &format!("{archived}/retry"), json!({})).await.ok();
    assert_eq!(server.until_ended("ops", "argo", "old").await["status"]["phase"], "Succeeded");
    server.delete("ops", &format!("{MANY}/old")).await.ok();
    let gone = server.put("ops", &format!("{archived}/retry"), json!({})).await;
    assert!(!gone.status.is_success() && gone.text().contains("resubmit"), "{}", gone.text());
    server.put("otto", &format!("{archived}/resubmit"), json!({})).await.is(404);
    let again = server.put("ops", &format!("{archived}/resubmit"), json!({})).await.ok();
    let name = again["metadata"]["name"].as_str().unwrap();
    assert_eq!(server.until_ended("ops", "argo", name).await["status"]["phase"], "Succeeded");
}

/// Two suspend nodes side by side; the second has an output that is supplied.
fn suspended(name: &str) -> Value {
    json!({"workflow": {
        "metadata": {"name": name},
        "spec": {
            "entrypoint": "main",
            "templates": [
                {"name": "main", "steps": [[
                    {"name": "a", "template": "wait", "continueOn": {"failed": true}},
                    {"name": "b", "template": "ask"},
                ]]},
                {"name": "wait", "suspend": {}},
                {"name": "ask", "suspend": {}, "outputs": {"parameters": [{"name": "answer", "valueFrom": {"supplied": {}}}]}},
            ],
        },
    }})
}

#[tokio::test]
async fn single_suspend_nodes_are_failed_set_or_resumed_and_none_that_is_not_there() {
    let server = Server::new().await;
    server.post("ops", MANY, suspended("both")).await.ok();
    let waits = |workflow: &Value| {
        let nodes = workflow["status"]["nodes"].as_object();
        nodes.into_iter().flatten().filter(|(_, node)| node["type"] == "Suspend").count() == 2
    };
    server.until("ops", "argo", "both", waits).await;
    for act in ["stop", "resume", "set"] {
        let selector = json!({"nodeFieldSelector": "displayName=c"});
        let none = server.put("ops", &format!("{MANY}/both/{act}"), selector).await;
        let told = none.text().contains("no suspend nodes matching nodeFieldSelector");
        assert!(!none.status.is_success() && told, "{act}: {}", none.text());
    }
    let bad =
        server.put("ops", &format!("{MANY}/both/set"), json!({"nodeFieldSelector": "displayName"})).await;
    assert!(!bad.status.is_success(), "{}", bad.text());
    put(&server, "both/stop", json!({"nodeFieldSelector": "displayName=a", "message": "not needed"})).await;
    let told = json!({"nodeFieldSelector": "displayName=b", "outputParameters": "{\"answer\": \"42\"}", "message": "told"});
    let shown = put(&server, "both/set", told).await;
    assert_eq!(
        (&node(&shown, "a")["phase"], &node(&shown, "a")["message"]),
        (&json!("Failed"), &json!("not needed"))
    );
    assert_eq!(
        (&node(&shown, "b")["phase"], &node(&shown, "b")["message"]),
        (&json!("Running"), &json!("told"))
    );
    put(&server, "both/set", json!({"nodeFieldSelector": "displayName=b", "phase": "Succeeded"})).await;
    let done = server.until_ended("ops", "argo", "both").await;
    assert_eq!(node(&done, "b")["outputs"]["parameters"][0]["value"], "42");
    assert_eq!(done["status"]["phase"], "Succeeded");
}

#[tokio::test]
async fn a_gate_is_neither_set_nor_stopped_and_is_asked_anew_by_a_resubmit() {
    let server = Server::new().await;
    let submit = json!({"resourceKind": "WorkflowTemplate", "resourceName": "payroll-export",
        "submitOptions": {"annotations": "marque.dev/reason=monthly"}});
    let run = server.post("olga", "/api/v1/workflows/finance/submit", submit).await.ok();
    let name = run["metadata"]["name"].as_str().unwrap().to_owned();
    let gate = |workflow: &Value| {
        let nodes = workflow["status"]["nodes"].as_object();
        nodes.into_iter().flatten().any(|(_, node)| node["type"] == "Suspend" && node["phase"] == "Running")
    };
    server.until("olga", "finance", &name, gate).await;
    let path = format!("/api/v1/workflows/finance/{name}");
    for (act, body) in [
        ("set", json!({"nodeFieldSelector": "phase=Running", "phase": "Succeeded"})),
        ("stop", json!({"nodeFieldSelector": "phase=Running"})),
    ] {
        let refused = server.put("olga", &format!("{path}/{act}"), body).await;
        assert!(!refused.status.is_success(), "{act}: {}", refused.text());
    }
    server.put("olga", &format!("{path}/terminate"), json!({})).await.ok();
    server.until_ended("olga", "finance", &name).await;
    // past the gate by a retry with other parameters, or by choosing the gate itself
    for body in [
        json!({"parameters": ["month=2026-10"]}),
        json!({"restartSuccessful": true, "nodeFieldSelector": "templateName=approve"}),
    ] {
        let refused = server.put("olga", &format!("{path}/retry"), body).await;
        assert!(!refused.status.is_success() && refused.text().contains("resubmit"), "{}", refused.text());
    }
    // a reason is asked for anew, too
    let silent = server.put("olga", &format!("{path}/resubmit"), json!({})).await;
    assert_eq!(silent.status.as_u16(), 403, "{}", silent.text());
    let again = server.put("olga", &format!("{path}/resubmit"), json!({"reason": "once more"})).await.ok();
    let name = again["metadata"]["name"].as_str().unwrap().to_owned();
    server.until("olga", "finance", &name, gate).await;
    let gates = server.get("anna", &format!("/api/marque/v1/runs/finance/{name}/gates")).await.ok();
    assert_eq!(gates["gates"][0]["given"], json!([]), "the gate of the new run is asked anew: {gates}");
}
