//! The requests of Argo's own end-to-end tests, in their order. What is not as Argo has it stands in `gaps.txt` with its
//! reason; the list may only shrink: a gap that is none any more fails the test too.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Server, request};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/argo/api/http-cases.json");
const GAPS: &str = include_str!("gaps.txt");

/// Values that are known only while the cases run, by their name in braces.
type Known = BTreeMap<String, String>;

fn gaps() -> BTreeMap<String, String> {
    let line = |line: &str| {
        let (key, reason) = line.split_once(" | ").unwrap_or_else(|| panic!("no reason: {line}"));
        (key.to_owned(), reason.to_owned())
    };
    GAPS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(line).collect()
}

fn filled(text: &str, known: &Known) -> Result<String, String> {
    let mut text = text.to_owned();
    for (name, value) in known {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    let unknown = text.split('{').nth(1).filter(|_| !text.contains("${"));
    match unknown {
        Some(rest) => Err(format!("`{}` is not known", rest.split('}').next().unwrap_or_default())),
        None => Ok(text),
    }
}

fn path_and_query(case: &Value, known: &Known) -> Result<String, String> {
    let mut path = filled(case["path"].as_str().unwrap(), known)?;
    let query = case["query"].as_object().into_iter().flatten();
    for (index, (key, value)) in query.enumerate() {
        let value = filled(value.as_str().unwrap(), known)?;
        let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        path += &format!("{}{key}={encoded}", if index == 0 { '?' } else { '&' });
    }
    Ok(path)
}

/// Returns the value at `$.a.b[0].c`; none if there is none.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = value;
    for part in path.trim_start_matches('$').split('.').filter(|part| !part.is_empty()) {
        let (name, index) =
            part.split_once('[').map_or((part, None), |(name, index)| (name, index.strip_suffix(']')));
        value = value.get(name)?;
        if let Some(index) = index {
            value = value.get(index.parse::<usize>().ok()?)?;
        }
    }
    Some(value)
}

fn check(case: &Value, answer: &Answer, known: &Known) -> Result<(), String> {
    if answer.status.as_u16() != u16::try_from(case["status"].as_u64().unwrap()).unwrap() {
        return Err(format!(
            "{} {}",
            answer.status.as_u16(),
            answer.text().chars().take(200).collect::<String>()
        ));
    }
    for check in case["checks"].as_array().unwrap() {
        let expected = &check["value"];
        let holds = if let Some(header) = check["header"].as_str() {
            let actual = answer.header(header);
            match check["op"].as_str().unwrap() {
                "not_empty" => !actual.is_empty(),
                "empty" => actual.is_empty(),
                "equal" => Some(actual) == expected.as_str(),
                op => panic!("unknown operation {op}"),
            }
        } else if check["body"] == json!(true) || check["path"] == "$" {
            expected.as_str().is_some_and(|expected| answer.text().contains(expected))
        } else {
            let body = answer.json();
            let found = at(&body, check["path"].as_str().unwrap());
            let length = found.and_then(Value::as_array).map_or(0, Vec::len);
            let key =
                || expected.as_str().is_some_and(|key| found.is_some_and(|found| found.get(key).is_some()));
            match check["op"].as_str().unwrap() {
                "not_null" => found.is_some_and(|found| !found.is_null()),
                "null" => found.is_none_or(Value::is_null),
                "has_key" => key(),
                "no_key" => !key(),
                "equal" if check["length"] == json!(true) => expected.as_u64() == Some(length as u64),
                "greater" if check["length"] == json!(true) => {
                    expected.as_u64().is_some_and(|e| length as u64 > e)
                }
                "equal" => match expected.as_str() {
                    Some(text) => found.and_then(Value::as_str) == filled(text, known).ok().as_deref(),
                    None => found == Some(expected),
                },
                op => panic!("unknown operation {op}"),
            }
        };
        if !holds {
            return Err(format!(
                "{check} does not hold: {}",
                answer.text().chars().take(300).collect::<String>()
            ));
        }
    }
    Ok(())
}

async fn play(server: &Server, case: &Value, known: &mut Known) -> Result<(), String> {
    let path = path_and_query(case, known)?;
    let method = Method::from_bytes(case["method"].as_str().unwrap().as_bytes()).unwrap();
    let token = match case["token"].as_str().unwrap() {
        "none" => None,
        "badToken" => Some(server.tokens["otto"].as_str()),
        "fakeToken" => Some("faketoken"),
        _ => Some(server.tokens["ops"].as_str()),
    };
    let body = case.get("body").map(Value::to_string);
    let answer = server.send(request(method.clone(), &path, token, body)).await;
    check(case, &answer, known)?;
    if method == Method::POST && path.starts_with("/api/v1/workflows/argo") && answer.status.is_success() {
        remember(server, case["test"].as_str().unwrap(), &answer.json(), known).await;
    }
    if path.ends_with("/terminate") {
        server.until_ended("ops", "argo", &known["name"]).await;
    }
    Ok(())
}

async fn remember(server: &Server, test: &str, made: &Value, known: &mut Known) {
    let (Some(name), Some(uid)) = (made["metadata"]["name"].as_str(), made["metadata"]["uid"].as_str())
    else {
        return;
    };
    if !test.ends_with("LintWorkflow") {
        server.until("ops", "argo", name, |workflow| workflow["status"]["nodes"].is_object()).await;
    }
    for (key, of) in [("nameAliceWf", "CreateAlice"), ("nameBobWf", "CreateArchivedBobWf")] {
        if test.ends_with(of) {
            known.insert(key.to_owned(), name.to_owned());
        }
    }
    known.insert("name".to_owned(), name.to_owned());
    known.insert("uid".to_owned(), uid.to_owned());
}

/// Argo's suite deletes everything between its tests.
async fn clean(server: &Server) {
    let list = server.get("ops", "/api/v1/workflows/argo").await.ok();
    for workflow in list["items"].as_array().into_iter().flatten() {
        let name = workflow["metadata"]["name"].as_str().unwrap();
        server.delete("ops", &format!("/api/v1/workflows/argo/{name}")).await.ok();
    }
}

/// What a test of Argo's suite makes by kubectl before its requests.
async fn prepare(server: &Server, test: &str, known: &mut Known) {
    if test == "TestRetryStoppedButIncompleteWorkflow" {
        let templates = json!([
            {"name": "main", "steps": [[{"name": "wait", "template": "wait"}], [{"name": "then", "template": "wait"}]]},
            {"name": "wait", "suspend": {}},
        ]);
        let spec = json!({"entrypoint": "main", "templates": templates});
        let workflow = json!({"workflow": {"metadata": {"name": "incomplete"}, "spec": spec}});
        server.post("ops", "/api/v1/workflows/argo", workflow).await.ok();
        server.put("ops", "/api/v1/workflows/argo/incomplete/stop", json!({})).await.ok();
        server.until_ended("ops", "argo", "incomplete").await;
        known.insert("workflowName".to_owned(), "incomplete".to_owned());
    }
    if test == "TestEventOnMalformedWorkflowEventBinding" {
        let binding = "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowEventBinding\n\
            metadata: {name: malformed, namespace: argo}\nspec: {event: {selector: a}}\n";
        let files = json!({"files": [{"name": "a.yaml", "text": binding}]});
        server.post("admin", "/api/marque/v1/apply", files).await.ok();
    }
}

#[tokio::test]
async fn argos_own_requests_are_answered_as_argo_answers_them() {
    let Ok(text) = std::fs::read_to_string(CASES) else {
        println!("ABSENT: the corpus shared/argo/api is not there, so Argo's requests were not played");
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let server = Server::new().await;
    let fresh = || Known::from([("nsName".to_owned(), "argo".to_owned())]);
    let (mut known, mut last, mut played) = (fresh(), String::new(), BTreeSet::new());
    let (mut gaps, mut faults) = (gaps(), Vec::new());
    for case in &cases {
        let test = case["test"].as_str().unwrap().split('/').nth(1).unwrap().to_owned();
        if test != last {
            clean(&server).await;
            known = fresh();
            prepare(&server, &test, &mut known).await;
            last = test;
        }
        let key = format!(
            "{} {} {}",
            case["source"].as_str().unwrap().rsplit('/').next().unwrap(),
            case["method"].as_str().unwrap(),
            case["path"].as_str().unwrap()
        );
        assert!(played.insert(key.clone()), "two cases are called {key}");
        match (play(&server, case, &mut known).await, gaps.remove(&key)) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some(reason)) => {
                faults.push(format!("no gap any more, take it off the list: {key} | {reason}"))
            }
            (Err(why), None) => faults.push(format!("{key} | {why}")),
        }
    }
    faults.extend(gaps.into_keys().map(|key| format!("no such case: {key}")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
