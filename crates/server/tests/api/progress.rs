//! How far a run is, through the whole server, while its pod runs.

use serde_json::json;

use crate::harness::Server;

#[tokio::test]
async fn a_workflow_shows_how_far_its_pod_says_it_is() {
    let server = Server::new().await;
    let go = server.folder.path().join("go");
    let text = format!(
        "echo 50/100 > $ARGO_PROGRESS_FILE; while ! test -e {}; do sleep 0.1; done",
        go.to_string_lossy()
    );
    let workflow = json!({"workflow": {
        "metadata": {"name": "telling"},
        "spec": {"entrypoint": "main", "templates": [
            {"name": "main", "container": {"image": "any", "command": ["sh", "-c", text]}},
        ]},
    }});
    server.post("ops", "/api/v1/workflows/argo", workflow).await.ok();
    let half = |workflow: &serde_json::Value| workflow["status"]["progress"] == "50/100";
    let seen = server.until("ops", "argo", "telling", half).await;
    assert_eq!(seen["status"]["nodes"]["telling"]["progress"], "50/100");
    std::fs::write(go, "").unwrap();
    let ended = server.until_ended("ops", "argo", "telling").await;
    assert_eq!(ended["status"]["progress"], "100/100", "{ended:#}");
}
