//! The client against a server of the test's own making: what is refused before it is sent, what each status means,
//! and streams that come in pieces.

use insta::assert_snapshot;
use model::argo::WorkflowPhase;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{Client, address, answer::LogEntry, answer::Problem, answer::WatchEvent, failure};
use crate::error::CliError;

#[test]
fn only_addresses_of_servers_are_taken() {
    for bad in [
        "",
        "marque.example",
        "ftp://marque.example",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@marque.example",
        "https://marque.example/?token=x",
        "https://marque.example/#x",
        "https:// marque",
    ] {
        assert!(matches!(address(bad), Err(CliError::Usage(_))), "{bad}");
    }
    for good in [
        "https://marque.example",
        "https://marque.example/below/",
        "http://127.0.0.1:2746",
        "http://[::1]:2746",
    ] {
        assert!(address(good).is_ok(), "{good}");
    }
}

#[test]
fn nothing_secret_goes_over_the_network_in_clear() {
    for clear in [
        "http://marque.example",
        "http://10.0.0.1:2746",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
    ] {
        let made = Client::new(address(clear).unwrap(), Some("mqs_secret".to_owned()));
        assert!(matches!(made, Err(CliError::Usage(_))), "{clear}");
    }
    for safe in ["https://marque.example", "http://localhost:1", "http://127.0.0.9:1", "http://[::1]:1"] {
        assert!(Client::new(address(safe).unwrap(), Some("mqs_secret".to_owned())).is_ok(), "{safe}");
    }
}

#[test]
fn a_client_does_not_show_its_token_when_printed() {
    let client =
        Client::new(address("https://marque.example").unwrap(), Some("mqs_secret".to_owned())).unwrap();
    assert!(!format!("{client:?}").contains("mqs_secret"));
}

#[test]
fn names_cannot_leave_their_place_in_a_path() {
    let client = Client::new(address("https://marque.example/below").unwrap(), None).unwrap();
    let url = client.url(&["api", "v1", "workflows", "a/../../b", "..", "?x=1#y"]);
    assert_eq!(url.as_str(), "https://marque.example/below/api/v1/workflows/a%2F..%2F..%2Fb/%3Fx=1%23y");
}

#[test]
fn each_status_has_its_meaning() {
    let cases = [
        (401, json!({"code": 16, "message": "token not valid"})),
        (403, json!({"code": 7, "message": "`submit` on `x` is not allowed"})),
        (
            403,
            json!({"code": "SRV0103", "detail": "no", "decision": {"verdict": "deny", "action": "submit"}}),
        ),
        (404, json!({"code": 5, "message": "workflows.argoproj.io \"x\" not found"})),
        (409, json!({"code": 6, "message": "already exists"})),
        (400, json!({"code": 9, "message": "cannot be done in this state"})),
        (400, json!({"code": 3, "message": "parameter `x` is unknown"})),
        (
            422,
            json!({"code": "SRV0105", "detail": "d", "faults": [{"code": "MDL0201", "message": "m", "file": "f", "line": 2, "column": 3}]}),
        ),
        (422, json!({"faults": "not even a list"})),
        (429, json!({"detail": "too many attempts"})),
        (500, json!({"code": "SRV0118", "detail": "internal error"})),
        (503, Value::Null),
        (302, Value::Null),
    ];
    let told: Vec<String> = cases
        .into_iter()
        .map(|(status, body)| {
            let problem = serde_json::from_value::<Problem>(body).unwrap_or_default();
            let error = failure("https://s", StatusCode::from_u16(status).unwrap(), problem);
            format!("{status} → {} exit {}: {error}", error.code(), error.exit().0)
        })
        .collect();
    assert_snapshot!(told.join("\n"));
}

/// Answers one request with `pieces`, each sent by itself, and returns the request's head.
async fn answering(pieces: Vec<&'static str>) -> (Client, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut byte = [0; 1];
            stream.read_exact(&mut byte).await.unwrap();
            head.push(byte[0]);
        }
        for piece in pieces {
            stream.write_all(piece.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        }
        String::from_utf8(head).unwrap()
    });
    (Client::new(address(&server).unwrap(), Some("mqs_secret".to_owned())).unwrap(), served)
}

const STREAM: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_stream_is_read_message_by_message_however_it_is_cut() {
    let pieces = vec![
        STREAM,
        "{\"result\":{\"content\":\"on",
        "e\",\"podName\":\"p\"}}\n\n{\"result\":{\"content\":\"two\"}}\n{\"result\":",
        "{\"content\":\"three\"}}",
    ];
    let (client, served) = answering(pieces).await;
    let mut lines = client.logs("finance", "pay", &[("logOptions.follow", "true")]).await.unwrap();
    let mut told = Vec::new();
    while let Some(entry) = lines.next::<LogEntry>().await.unwrap() {
        told.push(entry.content);
    }
    assert_eq!(told, ["one", "two", "three"]);
    let head = served.await.unwrap();
    assert!(head.starts_with("GET /api/v1/workflows/finance/pay/log?"), "{head}");
    assert!(head.contains("authorization: Bearer mqs_secret"));
    assert!(!head.lines().next().unwrap().contains("mqs_secret"));
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_an_error() {
    let pieces = vec![STREAM, "{\"error\":{\"grpc_code\":7,\"http_code\":403,\"message\":\"no longer\"}}\n"];
    let (client, _) = answering(pieces).await;
    let mut lines = client.watch("finance", None).await.unwrap();
    let next = lines.next::<WatchEvent>().await;
    assert!(matches!(next, Err(CliError::Refused(refused)) if refused.message == "no longer"));
}

#[tokio::test]
async fn what_is_no_message_is_an_answer_that_is_not_understood() {
    let (client, _) = answering(vec![STREAM, "<html>login here</html>\n"]).await;
    let mut lines = client.watch("finance", None).await.unwrap();
    assert!(matches!(lines.next::<WatchEvent>().await, Err(CliError::Answer { .. })));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let moved =
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/steal\r\ncontent-length: 0\r\n\r\n";
    let (client, _) = answering(vec![moved]).await;
    assert!(matches!(client.who_am_i().await, Err(CliError::Server { status: 307, .. })));
}

#[tokio::test]
async fn a_workflow_is_read_as_argo_writes_it() {
    let body = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\
        {\"metadata\":{\"name\":\"pay\",\"namespace\":\"finance\"},\"spec\":{},\"status\":{\"phase\":\"Running\",\"startedAt\":null,\
        \"nodes\":{},\"conditions\":[{\"type\":\"PodRunning\"}]}}";
    let (client, _) = answering(vec![body]).await;
    let workflow = client.get("finance", "pay").await.unwrap();
    assert_eq!(workflow.status.unwrap().phase, WorkflowPhase::Running);
}
