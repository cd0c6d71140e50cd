//! Streams: watching runs and following logs.

use axum::{
    body::BodyDataStream,
    http::{Method, header},
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::harness::{Server, TOO_LONG, request, saying};

/// Reads a stream line by line.
struct Lines {
    stream: BodyDataStream,
    read: String,
}

impl Lines {
    async fn open(server: &Server, who: &str, path: &str, accept: Option<&str>) -> Self {
        let mut request = request(Method::GET, path, Some(&server.tokens[who]), None);
        if let Some(accept) = accept {
            request.headers_mut().insert(header::ACCEPT, accept.parse().unwrap());
        }
        let answer = server.open(request).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], accept.unwrap_or("application/json"));
        Self { stream: answer.into_body().into_data_stream(), read: String::new() }
    }

    /// Returns the next line that is not empty; none at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((line, rest)) = self.read.split_once('\n') {
                let (line, rest) = (line.to_owned(), rest.to_owned());
                self.read = rest;
                if !line.is_empty() {
                    return Some(line);
                }
                continue;
            }
            let chunk =
                tokio::time::timeout(TOO_LONG, self.stream.next()).await.expect("the stream goes on")?;
            self.read += std::str::from_utf8(&chunk.unwrap()).unwrap();
        }
    }

    async fn value(&mut self) -> Value {
        let line = self.next().await.expect("the stream has not ended");
        serde_json::from_str(line.strip_prefix("data: ").unwrap_or(&line)).unwrap()
    }
}

#[tokio::test]
async fn a_watch_tells_what_is_there_and_then_every_change_until_the_deletion() {
    let server = Server::new().await;
    let create = |name: &str| json!({"workflow": saying(name, &["true"])});
    server.post("ops", "/api/v1/workflows/argo", create("old")).await.ok();
    server.until_ended("ops", "argo", "old").await;
    let mut lines = Lines::open(&server, "ops", "/api/v1/workflow-events/argo", None).await;
    let first = lines.value().await;
    assert_eq!(
        (first["result"]["type"].as_str(), first["result"]["object"]["metadata"]["name"].as_str()),
        (Some("ADDED"), Some("old"))
    );
    server.post("ops", "/api/v1/workflows/argo", create("new")).await.ok();
    let mut kinds = Vec::new();
    loop {
        let event = lines.value().await;
        let object = &event["result"]["object"];
        assert_eq!(object["metadata"]["name"], "new");
        assert!(object["spec"]["templates"].is_array(), "the whole object");
        kinds.push(event["result"]["type"].as_str().unwrap().to_owned());
        if object["status"]["phase"] == "Succeeded" {
            break;
        }
    }
    assert_eq!(kinds[0], "ADDED");
    assert!(kinds[1..].iter().all(|kind| kind == "MODIFIED"), "{kinds:?}");
    server.delete("ops", "/api/v1/workflows/argo/new").await.ok();
    let mut event = lines.value().await;
    while event["result"]["type"] == "MODIFIED" {
        event = lines.value().await;
    }
    let told = (event["result"]["type"].as_str(), event["result"]["object"]["metadata"]["name"].as_str());
    assert_eq!(told, (Some("DELETED"), Some("new")));
}

#[tokio::test]
async fn a_watch_of_one_run_as_server_sent_events_tells_of_no_other() {
    let server = Server::new().await;
    let path = "/api/v1/workflow-events/argo?listOptions.fieldSelector=metadata.name=mine";
    let mut lines = Lines::open(&server, "ops", path, Some("text/event-stream")).await;
    for name in ["other", "mine"] {
        server.post("ops", "/api/v1/workflows/argo", json!({"workflow": saying(name, &["true"])})).await.ok();
    }
    let line = lines.next().await.unwrap();
    assert!(line.starts_with("data: {\"result\":"), "{line}");
    assert!(line.contains("\"name\":\"mine\""), "{line}");
}

#[tokio::test]
async fn a_stranger_watches_and_sees_nothing() {
    let server = Server::new().await;
    let mut strange = Lines::open(&server, "otto", "/api/v1/workflow-events/argo", None).await;
    let mut known = Lines::open(&server, "ops", "/api/v1/workflow-events/argo", None).await;
    server.post("ops", "/api/v1/workflows/argo", json!({"workflow": saying("secret", &["true"])})).await.ok();
    server.until_ended("ops", "argo", "secret").await;
    assert_eq!(known.value().await["result"]["object"]["metadata"]["name"], "secret");
    server.app.runner().shut_down().await;
    let Server { app, folder, .. } = server;
    let serving = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // a server that closes ends its streams, so that what was never sent is known never to come
    server::serve(app, serving, std::future::ready(())).await.unwrap();
    assert_eq!(strange.next().await, None);
    drop(folder);
}

#[tokio::test]
async fn a_log_is_followed_to_its_end() {
    let server = Server::new().await;
    let gate = server.folder.path().join("gate");
    let script = format!("echo first; while [ ! -e {} ]; do sleep 0.05; done; echo last", gate.display());
    server
        .post("ops", "/api/v1/workflows/argo", json!({"workflow": saying("talks", &["sh", "-c", &script])}))
        .await
        .ok();
    let path = "/api/v1/workflows/argo/talks/talks/log?logOptions.container=main&logOptions.follow=true";
    let mut lines = Lines::open(&server, "ops", path, None).await;
    assert_eq!(lines.value().await, json!({"result": {"content": "first", "podName": "talks"}}));
    std::fs::write(gate, "").unwrap();
    assert_eq!(lines.value().await, json!({"result": {"content": "last", "podName": "talks"}}));
    assert_eq!(lines.next().await, None);
    let tail =
        server.get("ops", "/api/v1/workflows/argo/@latest/log?logOptions.tailLines=1").await.is(200).text();
    assert_eq!(tail.lines().count(), 1, "{tail}");
    assert!(tail.contains("last"), "{tail}");
}
