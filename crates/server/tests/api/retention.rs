//! Ended runs whose time is over: gone from the list, still in the archive, each on record.

use serde_json::{Value, json};

use crate::harness::{Server, TOO_LONG, config};

const MANY: &str = "/api/v1/workflows/argo";

fn run(name: &str, command: &str, ttl: &Value) -> Value {
    json!({"workflow": {
        "metadata": {"name": name},
        "spec": {
            "entrypoint": "main",
            "ttlStrategy": ttl,
            "templates": [{"name": "main", "container": {"image": "a", "command": [command]}}],
        },
    }})
}

async fn names(server: &Server, path: &str) -> Vec<String> {
    let list = server.get("ops", path).await.ok();
    let names = list["items"].as_array().into_iter().flatten();
    names.map(|run| run["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

/// Waits until the list of runs is what it should be.
async fn until(server: &Server, expected: &[&str]) {
    let mut changes = server.app.runner().changes();
    let waiting = async {
        while names(server, MANY).await != expected {
            changes.recv().await.unwrap();
        }
    };
    if tokio::time::timeout(TOO_LONG, waiting).await.is_err() {
        panic!("never reached {expected:?}: {:?}", names(server, MANY).await);
    }
}

#[tokio::test]
async fn a_run_whose_time_is_over_is_deleted_and_stays_in_the_archive() {
    let server = Server::new().await;
    let at_once = json!({"secondsAfterFailure": 0});
    server.post("ops", MANY, run("fails", "false", &at_once)).await.ok();
    until(&server, &[]).await;
    server.post("ops", MANY, run("succeeds", "true", &at_once)).await.ok();
    server.until_ended("ops", "argo", "succeeds").await;
    assert_eq!(names(&server, MANY).await, ["succeeds"]);
    assert_eq!(names(&server, "/api/v1/archived-workflows?namePrefix=").await, ["succeeds", "fails"]);
    let expired: Vec<Value> = server
        .record()
        .await
        .into_iter()
        .filter(|entry| entry.to_string().contains("\"expireRun\""))
        .collect();
    assert!(!expired.is_empty(), "no record of it");
}

#[tokio::test]
async fn only_so_many_ended_runs_are_kept_also_of_those_before_a_start() {
    let server = Server::new().await;
    for name in ["a", "b", "c"] {
        server.post("ops", MANY, run(name, "true", &Value::Null)).await.ok();
        server.until_ended("ops", "argo", name).await;
    }
    assert_eq!(names(&server, MANY).await, ["c", "b", "a"]);
    let mut less = config(server.folder.path());
    less.retention_policy.completed = Some(2);
    let server = server.again_with(less).await;
    until(&server, &["c", "b"]).await;
    server.post("ops", MANY, run("d", "false", &Value::Null)).await.ok();
    server.until_ended("ops", "argo", "d").await;
    server.post("ops", MANY, run("e", "true", &Value::Null)).await.ok();
    until(&server, &["e", "d", "c"]).await;
}
