//! The payroll example as its people live it, through the API alone.

use serde_json::{Value, json};

use crate::harness::{Server, saying};

const SUBMIT: &str = "/api/v1/workflows/finance/submit";

fn payroll(reason: Option<&str>) -> Value {
    let annotations = reason.map(|reason| format!("marque.dev/reason={reason}")).unwrap_or_default();
    json!({
        "resourceKind": "WorkflowTemplate",
        "resourceName": "payroll-export",
        "submitOptions": {"name": "november", "annotations": annotations},
    })
}

async fn waiting(server: &Server) -> Value {
    server.post("olga", SUBMIT, payroll(Some("month end"))).await.ok();
    let suspended = |workflow: &Value| {
        workflow["status"]["nodes"].as_object().is_some_and(|nodes| {
            nodes.values().any(|node| node["type"] == "Suspend" && node["phase"] == "Running")
        })
    };
    server.until("olga", "finance", "november", suspended).await
}

#[tokio::test]
async fn an_operator_starts_an_approver_approves_and_viewers_see() {
    let server = Server::new().await;
    let workflow = waiting(&server).await;
    assert_eq!(workflow["metadata"]["labels"]["workflows.argoproj.io/creator"], "olga");

    let gates = server.get("anna", "/api/marque/v1/runs/finance/november/gates").await.ok();
    let gate = &gates["gates"][0];
    assert_eq!((gate["displayName"].as_str(), gate["needed"].as_u64()), (Some("approve"), Some(1)));
    assert_eq!(gate["parameters"]["month"], "2026-11");
    let approve = "/api/marque/v1/runs/finance/november/approve";

    let own = server.post("olga", approve, json!({})).await.is(403).json();
    assert_eq!(own["decision"]["verdict"], "deny");
    assert!(
        own["detail"].as_str().unwrap().contains("never the submitter")
            || own["decision"]["rules"].to_string().contains("never the submitter"),
        "{own}"
    );
    let resumed = server.put("olga", "/api/v1/workflows/finance/november/resume", json!({})).await.is(403);
    assert_eq!(resumed.json()["code"], 7);
    server.post("anna", approve, json!({"digest": "00".repeat(32)})).await.is(409);
    let given =
        server.post("anna", approve, json!({"digest": gate["digest"], "reason": "checked"})).await.ok();
    assert_eq!(given["given"][0]["subject"], "anna");

    let ended = server.until_ended("olga", "finance", "november").await;
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended}");

    let logs = server
        .get("vera", "/api/v1/workflows/finance/november/log?logOptions.container=main")
        .await
        .is(200)
        .text();
    let lines: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["result"]["content"] == "wrote 3 rows"), "{logs}");
    assert!(
        lines.iter().all(|line| line["result"]["podName"].as_str().unwrap().starts_with("november-")),
        "{logs}"
    );
    let grep = server.get("vera", "/api/v1/workflows/finance/november/log?grep=wrote").await.is(200).text();
    assert_eq!(grep.lines().count(), 1, "{grep}");

    let nodes = ended["status"]["nodes"].as_object().unwrap();
    let extract = nodes.values().find(|node| node["displayName"] == "extract").unwrap();
    let path = format!("/artifacts/finance/november/{}/payroll", extract["id"].as_str().unwrap());
    let artifact = server.get("vera", &path).await.is(200);
    assert!(artifact.header("content-disposition").starts_with("attachment; filename=\"payroll"));
    assert!(artifact.header("content-security-policy").starts_with("sandbox"));
    assert_eq!(artifact.header("x-content-type-options"), "nosniff");
    assert!(!artifact.body.is_empty());
    server.get("otto", &path).await.is(404);
}

#[tokio::test]
async fn a_contractor_is_refused_and_told_why() {
    let server = Server::new().await;
    let refused = server.post("carl", SUBMIT, payroll(Some("month end"))).await.is(403).json();
    assert_eq!(refused["code"], 7);
    assert!(refused["message"].as_str().unwrap().contains("submit"), "{refused}");

    let ask = json!({"action": "submit", "component": "payroll/payroll-export", "namespace": "finance", "reason": "x"});
    let decision = server.post("carl", "/api/marque/v1/explain", ask).await.ok();
    assert_eq!(decision["verdict"], "deny");
    let rules = decision["rules"].to_string();
    assert!(rules.contains("application.yaml:"), "the rule's place: {rules}");
    let mut ask = json!({"action": "submit", "component": "finance/payroll/payroll-export", "reason": "x"});
    let decision = server.post("olga", "/api/marque/v1/explain", ask.clone()).await.ok();
    assert_eq!(decision["verdict"], "allow", "{decision}");
    ask["as"] = json!("carl");
    let decision = server.post("admin", "/api/marque/v1/explain", ask.clone()).await.ok();
    assert_eq!(decision["verdict"], "deny");
    ask["as"] = json!(["group:finance", "group:payroll-operators"]);
    let decision = server.post("admin", "/api/marque/v1/explain", ask).await.ok();
    assert_eq!(decision["verdict"], "allow", "{decision}");
}

#[tokio::test]
async fn a_missing_reason_refuses_and_is_named_and_a_header_may_give_it() {
    let server = Server::new().await;
    let refused = server.post("olga", SUBMIT, payroll(None)).await.is(403).json();
    assert!(refused["message"].as_str().unwrap().contains("reason"), "{refused}");
    let mut request = crate::harness::request(
        axum::http::Method::POST,
        SUBMIT,
        Some(&server.tokens["olga"]),
        Some(payroll(None).to_string()),
    );
    request.headers_mut().insert("marque-reason", "month end".parse().unwrap());
    server.send(request).await.is(200);
}

#[tokio::test]
async fn a_stranger_cannot_tell_a_run_from_none() {
    let server = Server::new().await;
    waiting(&server).await;
    for (method, rest) in [
        ("GET", ""),
        ("GET", "/log"),
        ("DELETE", ""),
        ("PUT", "/stop"),
        ("PUT", "/terminate"),
        ("PUT", "/suspend"),
        ("PUT", "/resume"),
    ] {
        let answer = async |name: &str| {
            let method = axum::http::Method::from_bytes(method.as_bytes()).unwrap();
            let body = (method == axum::http::Method::PUT).then(|| json!({}));
            let path = format!("/api/v1/workflows/finance/{name}{rest}");
            let answer = server.call("otto", method, &path, body).await;
            (answer.status, answer.text().replace(name, "NAME"))
        };
        let there = answer("november").await;
        assert_eq!(there, answer("december").await, "{method} {rest}");
        assert_eq!(there.0, 404, "{method} {rest}");
    }
    for act in ["approve", "deny"] {
        let answer = async |name: &str| {
            let answer =
                server.post("otto", &format!("/api/marque/v1/runs/finance/{name}/{act}"), json!({})).await;
            (answer.status, answer.text().replace(name, "NAME"))
        };
        assert_eq!(answer("november").await, answer("december").await, "{act}");
    }
    let list = server.get("otto", "/api/v1/workflows/finance").await.ok();
    assert_eq!(list["items"], Value::Null);
}

#[tokio::test]
async fn the_record_is_for_auditors_and_verifies() {
    let server = Server::new().await;
    server.post("ops", "/api/v1/workflows/argo", json!({"workflow": saying("one", &["true"])})).await.ok();
    server.until_ended("ops", "argo", "one").await;
    server.get("ops", "/api/marque/v1/audit/entries").await.is(403);
    let record = server.record().await;
    let tried = |action: &str| record.iter().any(|entry| entry["action"] == action);
    assert!(tried("submit") && tried("startPod") && tried("apply"), "{record:?}");
    let key = server.get("audrey", "/api/marque/v1/audit/key").await.ok();
    let key = audit::LogPublicKey::parse(key["key"].as_str().unwrap()).unwrap();
    let checkpoint = server.get("audrey", "/api/marque/v1/audit/checkpoint").await.ok();
    let opened = audit::Checkpoint::open(checkpoint["checkpoint"].as_str().unwrap(), &key).unwrap();
    assert!(opened.size > 0);
    let page = server.get("audrey", "/api/marque/v1/audit/entries?first=1&limit=2").await.ok();
    let numbers: Vec<u64> =
        page["entries"].as_array().unwrap().iter().map(|entry| entry["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2]);
}

#[tokio::test]
async fn apply_plans_and_then_does() {
    let server = Server::empty().await;
    let files = json!([{"name": "argo.yaml", "text": crate::harness::ARGO_SCOPE}]);
    let planned =
        server.post("admin", "/api/marque/v1/apply", json!({"files": files, "dryRun": true})).await.ok();
    assert_eq!(
        (planned["changes"][0]["change"].as_str(), planned["revision"].as_str()),
        (Some("created"), None)
    );
    server.post("ops", "/api/v1/workflows/argo", json!({"workflow": saying("x", &["true"])})).await.is(403);
    server.post("ops", "/api/marque/v1/apply", json!({ "files": files })).await.is(403);
    let done = server.post("admin", "/api/marque/v1/apply", json!({ "files": files })).await.ok();
    assert!(done["revision"].as_str().is_some_and(|revision| revision.starts_with("apply_")), "{done}");
    let again = server.post("admin", "/api/marque/v1/apply", json!({ "files": files })).await.ok();
    assert_eq!(
        (again["changes"][0]["change"].as_str(), again["revision"].as_str()),
        (Some("unchanged"), None)
    );
    server.post("ops", "/api/v1/workflows/argo", json!({"workflow": saying("x", &["true"])})).await.is(200);
}
