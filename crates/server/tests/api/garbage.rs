//! Pods and claims that nobody needs any more are deleted as the workflow says, on record; their artifacts stay.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{Server, TOO_LONG, ended};

async fn until(what: &str, reached: impl Fn() -> bool) {
    let waiting = async {
        while !reached() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(TOO_LONG, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Returns the folders of the run's pods by display name.
fn pods(server: &Server, workflow: &Value) -> Vec<(String, PathBuf)> {
    let runs = server.folder.path().join("data/runs").join(workflow["metadata"]["uid"].as_str().unwrap());
    let nodes = workflow["status"]["nodes"].as_object().unwrap().iter();
    let pods = nodes.filter(|(_, node)| node["type"] == "Pod");
    pods.map(|(id, node)| (node["displayName"].as_str().unwrap().to_owned(), runs.join(id))).collect()
}

fn workflow(name: &str, gc: &Value) -> Value {
    let pod = |name: &str, text: &str| {
        json!({"name": name, "metadata": {"labels": {"of": name}},
            "outputs": {"artifacts": [{"name": "kept", "path": "/tmp/marque-garbage", "optional": true}]},
            "container": {"image": "any", "command": ["sh", "-c", text]}})
    };
    json!({"workflow": {"metadata": {"name": name}, "spec": {
        "entrypoint": "main",
        "podGC": gc,
        "templates": [
            {"name": "main", "steps": [
                [{"name": "good", "template": "good"}, {"name": "bad", "template": "bad", "continueOn": {"failed": true}}],
                [{"name": "wait", "template": "wait"}],
                [{"name": "last", "template": "good"}],
            ]},
            pod("good", "true"),
            pod("bad", "exit 1"),
            {"name": "wait", "suspend": {}},
        ],
    }}})
}

#[tokio::test]
async fn pods_are_deleted_at_the_moment_their_workflow_says() {
    let server = Server::new().await;
    let only_bad = json!({"matchLabels": {"of": "bad"}});
    let cases: [(&str, Value, &[&str], &[&str]); 5] = [
        (
            "each",
            json!({"strategy": "OnPodCompletion", "deleteDelayDuration": "0s"}),
            &["good", "bad"],
            &["last"],
        ),
        ("success", json!({"strategy": "OnPodSuccess", "deleteDelayDuration": "0s"}), &["good"], &["last"]),
        (
            "chosen",
            json!({"strategy": "OnPodCompletion", "deleteDelayDuration": "0s", "labelSelector": only_bad}),
            &["bad"],
            &[],
        ),
        (
            "whole",
            json!({"strategy": "OnWorkflowSuccess", "deleteDelayDuration": "0s"}),
            &[],
            &["good", "bad", "last"],
        ),
        ("late", json!({"strategy": "OnWorkflowCompletion", "deleteDelayDuration": "1h"}), &[], &[]),
    ];
    for (name, gc, at_once, at_the_end) in cases {
        server.post("ops", "/api/v1/workflows/argo", workflow(name, &gc)).await.ok();
        let waits = |workflow: &Value| {
            let nodes = workflow["status"]["nodes"].as_object();
            nodes.is_some_and(|nodes| nodes.values().any(|node| node["type"] == "Suspend"))
        };
        let seen = server.until("ops", "argo", name, waits).await;
        let gone = |pods: &[(String, PathBuf)], which: &[&str]| {
            pods.iter().all(|(name, path)| which.contains(&name.as_str()) != path.exists())
        };
        let now = pods(&server, &seen);
        until(name, || gone(&now, at_once)).await;
        server.put("ops", &format!("/api/v1/workflows/argo/{name}/resume"), json!({})).await.ok();
        let seen = server.until("ops", "argo", name, ended).await;
        assert_eq!(seen["status"]["phase"], "Succeeded");
        let all = [at_once, at_the_end].concat();
        let now = pods(&server, &seen);
        until(name, || gone(&now, &all)).await;
        let log = server.get("ops", &format!("/api/v1/workflows/argo/{name}/log")).await;
        assert!(log.status.is_success(), "a log that is gone is empty: {}", log.text());
    }
    let record = server.record().await;
    assert!(record.iter().any(|entry| entry.to_string().contains("\"collectPods\"")), "no record of it");
}

fn claiming(name: &str, gc: &Value) -> Value {
    json!({"workflow": {"metadata": {"name": name}, "spec": {
        "entrypoint": "main",
        "volumeClaimGC": gc,
        "volumeClaimTemplates": [{"metadata": {"name": "work"}, "spec": {}}],
        "templates": [{"name": "main", "suspend": {}}],
    }}})
}

fn claim(server: &Server, name: &str) -> PathBuf {
    let folder = server.folder.path().join("data/volumes/argo").join(format!("{name}-work"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("file"), "").unwrap();
    folder
}

async fn gone(path: &Path) {
    until("the claim is deleted", || !path.exists()).await;
}

#[tokio::test]
async fn claims_are_deleted_with_success_or_any_end_and_always_with_their_workflow() {
    let server = Server::new().await;
    let always = json!({"strategy": "OnWorkflowCompletion"});
    for (name, gc, end, kept) in [
        ("good", json!(null), "resume", false),
        ("bad", json!(null), "stop", true),
        ("any", always, "stop", false),
    ] {
        let made = server.post("ops", "/api/v1/workflows/argo", claiming(name, &gc)).await.ok();
        assert_eq!(
            made["status"]["persistentVolumeClaims"],
            json!([{"name": "work", "persistentVolumeClaim": {"claimName": format!("{name}-work")}}])
        );
        let folder = claim(&server, name);
        server.put("ops", &format!("/api/v1/workflows/argo/{name}/{end}"), json!({})).await.ok();
        let seen = server.until("ops", "argo", name, ended).await;
        assert_eq!(seen["status"].get("persistentVolumeClaims").is_some(), kept, "{name}");
        if !kept {
            gone(&folder).await;
        }
        assert_eq!(folder.exists(), kept, "{name}");
        server.delete("ops", &format!("/api/v1/workflows/argo/{name}")).await.ok();
        gone(&folder).await;
    }
}

#[tokio::test]
async fn a_run_whose_time_is_over_takes_its_artifacts_with_it() {
    let server = Server::new().await;
    let made = json!({"workflow": {"metadata": {"name": "brief"}, "spec": {
        "entrypoint": "main",
        "ttlStrategy": {"secondsAfterCompletion": 1},
        "artifactGC": {"strategy": "OnWorkflowDeletion"},
        "templates": [{
            "name": "main",
            "outputs": {"artifacts": [{"name": "a", "path": server.folder.path().join("a")}]},
            "container": {"image": "any", "command": ["touch", server.folder.path().join("a")]},
        }],
    }}});
    let made = server.post("ops", "/api/v1/workflows/argo", made).await.ok();
    let artifacts =
        server.folder.path().join("data/artifacts").join(made["metadata"]["uid"].as_str().unwrap());
    server.until_ended("ops", "argo", "brief").await;
    assert!(artifacts.join("brief/a").exists(), "{artifacts:?}");
    until("the artifact is deleted", || !artifacts.join("brief/a").exists()).await;
    let mut gone = server.get("ops", "/api/v1/workflows/argo/brief").await;
    while gone.status.is_success() {
        tokio::task::yield_now().await;
        gone = server.get("ops", "/api/v1/workflows/argo/brief").await;
    }
    gone.is(404);
}
