//! Who gets in, and what is on record of those who don't.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use identity::{Secret, hash_password};
use serde_json::{Value, json};
use server::config::LocalDirectory;

use crate::harness::{Server, config, request};

/// The table of endpoints that the crate's own test keeps true: method, path, whether it is public, its acts.
fn table() -> Vec<(Method, String, bool, Vec<String>)> {
    let line = |line: &str| {
        let mut parts = line.split(" | ");
        let (method, path) = parts.next().unwrap().split_once(' ').unwrap();
        let public = parts.next().unwrap().starts_with("public");
        let acts =
            parts.next().unwrap().split(", ").map(|act| act.split(' ').next().unwrap().to_owned()).collect();
        (Method::from_bytes(method.as_bytes()).unwrap(), path.to_owned(), public, acts)
    };
    include_str!("../endpoints.txt").lines().map(line).collect()
}

/// Fills a path's parameters in.
fn filled(path: &str) -> String {
    let mut filled = String::new();
    for part in path.split_inclusive('/') {
        let (name, slash) = part.strip_suffix('/').map_or((part, ""), |name| (name, "/"));
        let value = match name {
            "{namespace}" => "argo",
            name if name.starts_with('{') => "some-thing",
            name => name,
        };
        filled += &format!("{value}{slash}");
    }
    filled
}

#[tokio::test]
async fn without_credentials_only_public_endpoints_answer_and_every_refusal_is_on_record() {
    let server = Server::new().await;
    let mut refused = 0;
    for (method, path, public, _) in table() {
        let path = filled(&path);
        let answer = server.send(request(method.clone(), &path, None, Some("{}".to_owned()))).await;
        if public {
            assert_ne!(answer.header("www-authenticate"), "Bearer", "{method} {path}");
            continue;
        }
        refused += 1;
        assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{method} {path}");
        assert_eq!(answer.header("grpc-metadata-argo-version"), "", "{method} {path}");
        let body = answer.json();
        if path.starts_with("/api/marque") {
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(body["code"], "SRV0101");
        } else {
            assert_eq!(body, json!({"code": 16, "message": "token not valid"}), "{method} {path}");
        }
    }
    let record = server.record().await;
    let noted = record.iter().filter(|entry| entry["kind"] == "unauthenticated").count();
    assert_eq!(noted, refused);
}

#[tokio::test]
async fn every_endpoint_records_one_of_its_acts() {
    let server = Server::new().await;
    let mut template = crate::harness::saying("recorded", &["true"]);
    template["kind"] = json!("WorkflowTemplate");
    server.post("ops", "/api/v1/workflow-templates/argo", json!({ "template": template })).await.ok();
    for (method, path, public, acts) in table() {
        if public || path.starts_with("/api/marque/v1/audit") {
            continue;
        }
        let before = server.record().await.len();
        let body = match (method.as_str(), path.as_str()) {
            ("GET" | "DELETE", _) => None,
            (_, "/api/marque/v1/apply") => {
                Some(json!({"files": [{"name": "a", "text": crate::harness::ARGO_SCOPE}], "dryRun": true}))
            }
            (_, "/api/marque/v1/explain") => {
                Some(json!({"action": "submit", "component": "finance/payroll/payroll-export"}))
            }
            (_, path) if path.ends_with("/submit") => {
                Some(json!({"resourceKind": "WorkflowTemplate", "resourceName": "recorded"}))
            }
            (_, path) if path.starts_with("/api/v1/workflows/{namespace}") => {
                Some(json!({"workflow": crate::harness::saying("recorded", &["true"])}))
            }
            (_, path) if path.starts_with("/api/v1/cron-workflows") => {
                let workflow = crate::harness::saying("recorded", &["true"]);
                let spec = json!({"schedules": ["0 0 1 1 *"], "workflowSpec": workflow["spec"]});
                Some(json!({"cronWorkflow": {"metadata": {"name": "some-thing"}, "spec": spec}}))
            }
            (_, path) if path.starts_with("/api/v1/sync") => {
                Some(json!({"key": "some-thing", "limit": 1, "type": "DATABASE"}))
            }
            (_, path) if path.starts_with("/api/v1/cluster-workflow-templates") => {
                let mut template = crate::harness::saying("some-thing", &["true"]);
                template["kind"] = json!("ClusterWorkflowTemplate");
                template["metadata"] = json!({"name": "some-thing"});
                Some(json!({ "template": template }))
            }
            (_, path) if path.starts_with("/api/v1/workflow-templates") => {
                let mut template = crate::harness::saying("some-thing", &["true"]);
                template["kind"] = json!("WorkflowTemplate");
                Some(json!({ "template": template }))
            }
            _ => Some(json!({})),
        };
        let path = filled(&path);
        if path == "/api/v1/workflow-events/argo" || path == "/api/v1/workflow-events/" {
            drop(server.open(request(method.clone(), &path, Some(&server.tokens["ops"]), None)).await);
        } else {
            let who = if path.ends_with("/logout") { "otto" } else { "ops" };
            server.call(who, method.clone(), &path, body).await;
        }
        let record = server.record().await;
        let own = record[before..].iter().filter(|entry| entry["onBehalfRun"].is_null());
        let tried: Vec<&str> =
            own.filter_map(|entry| entry["action"].as_str()).filter(|act| *act != "viewAudit").collect();
        // what is about a run that is not there has nothing to decide about
        let about_a_run = path.contains("/some-thing")
            && ["/argo/", "/archived-workflows/", "-by-uid/"].iter().any(|part| path.contains(part));
        let about_a_run = about_a_run && !path.contains("template");
        if about_a_run && tried.is_empty() {
            continue;
        }
        assert!(tried.iter().any(|act| acts.iter().any(|known| known == act)), "{method} {path}: {tried:?}");
    }
}

#[tokio::test]
async fn what_is_not_one_bearer_token_is_refused_alike() {
    let server = Server::new().await;
    let good = &server.tokens["ops"];
    let path = "/api/v1/version";
    let headers = [
        vec![],
        vec![good.clone()],
        vec![format!("Bearer Bearer {good}")],
        vec![format!("Basic {good}")],
        vec!["Bearer ".to_owned()],
        vec!["Bearer mqs_".to_owned()],
        vec![format!("Bearer {}x", good)],
        vec![format!("Bearer {}", &good[..good.len() - 1])],
        vec![format!("Bearer {good},Bearer {good}")],
        vec![format!("Bearer {good}"), format!("Bearer {good}")],
        vec![
            "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL21hcnF1ZS50ZXN0Iiwic3ViIjoib3BzIn0.".to_owned(),
        ],
        vec![format!("Bearer {}", "a".repeat(20_000))],
        vec!["Bearer \u{7f}".to_owned()],
    ];
    let mut bodies = std::collections::BTreeSet::new();
    for values in headers {
        let mut request = Request::builder().uri(path);
        for value in &values {
            if let Ok(value) = header::HeaderValue::from_bytes(value.as_bytes()) {
                request = request.header(header::AUTHORIZATION, value);
            }
        }
        let answer = server.send(request.body(Body::empty()).unwrap()).await.is(401);
        bodies.insert(answer.text());
    }
    assert_eq!(bodies.len(), 1, "nobody learns what was wrong: {bodies:?}");
    server.get("ops", path).await.is(200);
    let record = server.record().await;
    let text = serde_json::to_string(&record).unwrap();
    assert!(!text.contains(good.as_str()) && !text.contains("mqs_"), "no token is on record");
}

#[tokio::test]
async fn a_token_in_the_query_or_a_cookie_does_not_count() {
    let server = Server::new().await;
    let token = &server.tokens["ops"];
    let path = format!("/api/v1/version?access_token={token}&authorization=Bearer%20{token}");
    server.send(request(Method::GET, &path, None, None)).await.is(401);
    let cookie =
        Request::builder().uri("/api/v1/version").header("cookie", format!("authorization=Bearer {token}"));
    server.send(cookie.body(Body::empty()).unwrap()).await.is(401);
    let text = serde_json::to_string(&server.record().await).unwrap();
    assert!(!text.contains(token.as_str()), "the query is not on record");
}

async fn with_password(name: &str, password: &str, disabled: bool) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    let hash = hash_password(&Secret::new(password), [7; 16]).unwrap();
    let file = folder.path().join("with-password.yaml");
    let user = json!({"name": name, "passwordHash": hash.expose(), "groups": ["argo"], "disabled": disabled});
    let audrey = json!({"name": "audrey", "passwordHash": hash.expose(), "groups": ["auditors"]});
    std::fs::write(&file, json!({"users": [user, audrey]}).to_string()).unwrap();
    config.local_directory = Some(LocalDirectory { file, session_minutes: 60 });
    Server::with(folder, config).await
}

fn login(user: &str, password: &str) -> Request<Body> {
    let body = json!({"user": user, "password": password}).to_string();
    request(Method::POST, "/api/marque/v1/login/local", None, Some(body))
}

#[tokio::test]
async fn a_password_opens_a_session_that_ends_with_logout() {
    let server = with_password("ops", "open sesame", false).await;
    let answer = server.send(login("ops", "open sesame")).await.ok();
    let token = answer["token"].as_str().unwrap();
    assert_eq!(answer["principal"]["groups"], json!(["argo"]));
    let whoami = |token: &str| request(Method::GET, "/api/marque/v1/whoami", Some(token), None);
    let who = server.send(whoami(token)).await.ok();
    assert_eq!(
        (who["subject"].as_str(), who["groupsFrom"].as_str()),
        (Some("ops"), Some("the local directory"))
    );
    server.send(request(Method::POST, "/api/marque/v1/logout", Some(token), None)).await.is(204);
    server.send(whoami(token)).await.is(401);
    let record = server.record().await;
    for action in ["logIn", "viewServer", "logOut"] {
        assert!(record.iter().any(|entry| entry["action"] == action), "{action}");
    }
    let text = serde_json::to_string(&record).unwrap();
    assert!(!text.contains("sesame") && !text.contains(token));
}

#[tokio::test]
async fn a_wrong_password_a_wrong_user_and_a_disabled_one_are_refused_alike_and_then_wait() {
    let server = with_password("ops", "open sesame", true).await;
    let wrong = server.send(login("ops", "open sesame")).await.is(401);
    let unknown = server.send(login("hunter2", "open sesame")).await.is(401);
    assert_eq!(wrong.text(), unknown.text());
    let text = serde_json::to_string(&server.record().await).unwrap();
    assert!(text.contains("user `ops`"), "{text}");
    assert!(!text.contains("hunter2"), "what is typed as a user may be a password");
    for _ in 0..4 {
        server.send(login("ops", "guess")).await;
    }
    let waits = server.send(login("ops", "guess")).await.is(429);
    assert!(waits.header("retry-after").parse::<u64>().unwrap() >= 1);
}

#[tokio::test]
async fn a_session_counts_no_more_once_its_person_is_disabled_or_gone() {
    let mut server = Server::new().await;
    server.get("otto", "/api/v1/userinfo").await.is(200);
    let path = server.folder.path().join("people.yaml");
    let mut people: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let users = people["users"].as_array_mut().unwrap();
    users.retain(|user| user["name"] != "vera");
    users.iter_mut().find(|user| user["name"] == "otto").unwrap()["disabled"] = json!(true);
    users.iter_mut().find(|user| user["name"] == "anna").unwrap()["groups"] = json!(["elsewhere"]);
    let tokens = std::mem::take(&mut server.tokens);
    let folder = server.folder;
    server.app.runner().shut_down().await;
    drop(server.app);
    let config = config(folder.path());
    std::fs::write(&path, people.to_string()).unwrap();
    let mut server = Server::with(folder, config).await;
    server.tokens = tokens;
    server.get("otto", "/api/v1/userinfo").await.is(401);
    server.get("vera", "/api/v1/userinfo").await.is(401);
    let anna = server.get("anna", "/api/v1/userinfo").await.ok();
    assert_eq!(anna["groups"], json!(["elsewhere"]), "groups are those of now");
}

#[tokio::test]
async fn public_documents_say_how_to_log_in_and_to_verify_run_tokens() {
    let server = Server::new().await;
    let open = |path: &str| server.send(request(Method::GET, path, None, None));
    assert_eq!(open("/healthz").await.is(200).text(), "ok\n");
    let login = open("/api/marque/v1/login").await.ok();
    assert_eq!(login["providers"], json!([{"name": "local", "kind": "local"}]));
    let discovery = open("/.well-known/openid-configuration").await.ok();
    assert_eq!(discovery["issuer"], "https://marque.test");
    assert_eq!(discovery["jwks_uri"], "https://marque.test/.well-known/jwks.json");
    let keys = open("/.well-known/jwks.json").await.ok();
    assert_eq!(keys["keys"][0]["kty"], "EC");
    assert_eq!(keys["keys"][0].get("d"), None, "the private half stays");
}

#[tokio::test]
async fn every_answer_is_dressed() {
    let server = Server::new().await;
    for path in ["/healthz", "/nothing", "/api/v1/version", "/api/marque/v1/whoami"] {
        let answer = server.get("ops", path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        assert_eq!(answer.header("set-cookie"), "", "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_refused_whoever_asks() {
    let server = Server::new().await;
    server.app.runner().store().close().await;
    let nobody = server.send(request(Method::GET, "/api/v1/version", None, None)).await.is(503);
    assert_eq!(nobody.json()["code"], 14);
    server.get("ops", "/api/v1/version").await.is(503);
    let body = json!({"workflow": crate::harness::saying("lost", &["true"])});
    server.post("ops", "/api/v1/workflows/argo", body).await.is(503);
}
