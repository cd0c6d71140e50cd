//! What clients send that is not what it should be: refused clearly, soon, and without an effect.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::{Value, json};

use crate::harness::{Server, request, saying};

const MANY: &str = "/api/v1/workflows/argo";

async fn post_text(server: &Server, path: &str, body: String, kind: Option<&str>) -> crate::harness::Answer {
    let mut request = Request::builder().method(Method::POST).uri(path);
    request = request.header(header::AUTHORIZATION, format!("Bearer {}", server.tokens["ops"]));
    if let Some(kind) = kind {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    server.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn nonsense_is_refused_and_stores_nothing() {
    let server = Server::new().await;
    let json = Some("application/json");
    let good = json!({"workflow": saying("good", &["true"])}).to_string();
    let huge = format!("{{\"workflow\": \"{}\"}}", "x".repeat(10 * 1024 * 1024));
    let deep = format!("{{\"workflow\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let twice = r#"{"workflow": {"metadata": {"name": "a", "name": "b"}, "spec": {}}}"#;
    let outside = json!({"workflow": saying("../../etc", &["true"])}).to_string();
    let elsewhere = {
        let mut workflow = saying("good", &["true"]);
        workflow["metadata"]["namespace"] = json!("finance");
        json!({ "workflow": workflow }).to_string()
    };
    let other_kind = {
        let mut workflow = saying("good", &["true"]);
        workflow["kind"] = json!("Secret");
        json!({ "workflow": workflow }).to_string()
    };
    let table: Vec<(&str, String, Option<&str>, u16, &str)> = vec![
        ("10 MiB", huge, json, 413, "larger than 2097152 bytes"),
        ("10,000 levels", deep, json, 400, "recursion limit"),
        ("a key twice", twice.to_owned(), json, 400, "`name` stands twice"),
        ("cut off", good[..good.len() - 5].to_owned(), json, 400, "EOF"),
        ("not JSON", "metadata: {name: a}".to_owned(), json, 400, "line 1"),
        ("not UTF-8 escaped", "{\"workflow\": \"\\ud800\"}".to_owned(), json, 400, "line 1"),
        ("YAML by name", good.clone(), Some("application/yaml"), 415, "application/yaml"),
        ("a form", good.clone(), Some("application/x-www-form-urlencoded"), 415, "x-www-form-urlencoded"),
        ("no workflow", "{}".to_owned(), json, 400, "no Workflow"),
        ("a list", "[]".to_owned(), json, 400, "expected an object"),
        ("a name outside", outside, json, 400, "not a valid name"),
        ("another namespace", elsewhere, json, 400, "not that of the path"),
        ("another kind", other_kind, json, 400, "`kind` must be `Workflow`"),
        ("no spec", json!({"workflow": {"metadata": {"name": "a"}}}).to_string(), json, 400, ""),
        ("not an object", "[[1]]".to_owned(), json, 400, "expected"),
    ];
    for (what, body, kind, status, says) in table {
        let answer = post_text(&server, MANY, body, kind).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
        let body = answer.json();
        assert!(body["code"].as_u64().is_some_and(|code| code > 0), "{what}: {body}");
        assert!(body["message"].as_str().is_some_and(|message| message.contains(says)), "{what}: {body}");
    }
    assert_eq!(server.get("ops", MANY).await.ok()["items"], Value::Null);
    post_text(&server, MANY, good, json).await.is(200);
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused_wherever_they_stand() {
    let server = Server::new().await;
    for path in [
        "/api/v1/workflows/..%2f..%2fetc/passwd",
        "/api/v1/workflows/argo/..%2f..%2fetc%2fpasswd",
        "/api/v1/workflows/argo/a%00b",
        "/api/v1/workflows/argo/A_B/log",
        "/api/v1/workflow-templates/argo/..%2fx",
        "/artifacts/argo/..%2f..%2fx/node/artifact",
        "/api/marque/v1/runs/argo/..%2fx/gates",
    ] {
        let answer = server.get("ops", path).await;
        let status = answer.status.as_u16();
        assert!(matches!(status, 400 | 422), "{path}: {status} {}", answer.text());
    }
    let run = json!({"workflow": saying("plain", &["true"])});
    server.post("ops", MANY, run).await.ok();
    server.until_ended("ops", "argo", "plain").await;
    for path in
        ["/artifacts/argo/plain/..%2f..%2fx/main-logs", "/artifacts/argo/plain/plain/..%2f..%2fmarque.db"]
    {
        server.get("ops", path).await.is(404);
    }
}

#[tokio::test]
async fn selectors_and_numbers_that_cannot_be_read_are_refused_not_ignored() {
    let server = Server::new().await;
    for query in [
        "listOptions.labelSelector=a%20in%20(b",
        "listOptions.fieldSelector=spec.secret=x",
        "listOptions.limit=many",
        "listOptions.limit=-1",
        "listOptions.continue=abc",
        "nameFilter=Sideways",
        "createdAfter=yesterday",
        "listOptions.labelSelector=a&listOptions.labelSelector=b",
    ] {
        server.get("ops", &format!("{MANY}?{query}")).await.is(400);
    }
    server.get("ops", "/api/v1/workflows/argo/x/log?logOptions.tailLines=-3").await.is(400);
    server.get("ops", "/api/v1/workflows/argo/x/log?logOptions.follow=perhaps").await.is(400);
}

#[tokio::test]
async fn faults_of_manifests_have_their_places_and_nothing_is_stored() {
    let server = Server::new().await;
    let files = json!([
        {"name": "broken.yaml", "text": "a: [\n"},
        {"name": "bomb.yaml", "text": bomb()},
        {"name": "odd.yaml", "text": "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n"},
        {"name": "typo.yaml", "text": "apiVersion: marque.dev/v1alpha1\nkind: IdentityScope\nmetadata: {name: x}\nspec:\n  vewers: []\n"},
    ]);
    let answer = server.post("admin", "/api/marque/v1/apply", json!({ "files": files })).await.is(422);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let body = answer.json();
    let faults = body["faults"].as_array().unwrap();
    for file in ["broken.yaml", "bomb.yaml", "odd.yaml", "typo.yaml"] {
        let fault = faults.iter().find(|fault| fault["file"] == file);
        let fault = fault.unwrap_or_else(|| panic!("{file}: {body}"));
        assert!(fault["line"].as_u64().is_some_and(|line| line > 0), "{fault}");
        assert!(fault["code"].as_str().is_some_and(|code| code.len() == 7), "{fault}");
    }
    let typo = faults.iter().find(|fault| fault["file"] == "typo.yaml").unwrap();
    assert_eq!(typo["line"], 5);
}

fn bomb() -> String {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for n in 1..12 {
        let last = n - 1;
        text += &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{last}"); 10].join(","));
    }
    text
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_in_the_words_of_their_api() {
    let server = Server::new().await;
    assert_eq!(server.get("ops", "/api/v1/nothing").await.is(404).json()["code"], 5);
    assert_eq!(server.call("ops", Method::PATCH, MANY, None).await.is(501).json()["code"], 12);
    assert_eq!(server.get("ops", "/api/marque/v1/nothing").await.is(404).json()["code"], "SRV0113");
    let method = server.call("ops", Method::DELETE, "/api/marque/v1/whoami", None).await.is(405);
    assert_eq!(method.json()["code"], "SRV0112");
    let absent = server.get("ops", "/api/v1/sensors/argo").await.is(501);
    assert_eq!(absent.json()["code"], 12);
    assert!(!absent.header("grpc-metadata-argo-version").is_empty());
    server.send(request(Method::GET, "/api/v1/sensors/argo", None, None)).await.is(401);
}
