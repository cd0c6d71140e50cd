//! Hera 7, unmodified, submits a DAG with a bearer token, waits for its end and reads its logs.
//! Not here: the other endpoints of Argo's API (the server's own tests replay the recorded cases).

use std::process::Command;

use crate::support::{Server, namespace_root, peer};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hera_submits_a_dag_waits_and_reads_logs() {
    let folder = tempfile::tempdir().unwrap();
    let more = "administrators: ['group:lab']\nauditors: ['group:lab']\n";
    let people: &[crate::support::Person<'_>] = &[("ada", &["lab"]), ("eve", &["marketing"])];
    let server = Server::start(folder.path(), people, more).await;
    let ada = server.log_in("ada").await;
    let (status, plan) = server.apply(&ada, &[namespace_root("lab", "lab")]).await;
    assert_eq!(status, 200, "{plan}");

    let told: Value = serde_json::from_str(&hera(&server, &ada).unwrap()).unwrap();
    assert_eq!(told["phase"], "Succeeded", "{told}");
    for (node, kind) in [("a", "Pod"), ("b", "Pod"), ("c", "Pod"), ("d", "Pod")] {
        assert_eq!(
            (&told["nodes"][node], &told["types"][node]),
            (&"Succeeded".into(), &kind.into()),
            "{told}"
        );
    }
    let log: Vec<&str> = told["log"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for line in ["hello world", "hello b", "flipped heads", "hello d"] {
        assert!(log.contains(&line), "{log:?}");
    }
    assert_eq!(told["listed"], serde_json::json!([told["name"]]));
    assert_eq!(told["user"], "ada");

    let refused = hera(&server, &server.log_in("eve").await).unwrap_err();
    assert!(refused.contains("NotFound") || refused.contains("Forbidden"), "{refused}");
}

fn hera(server: &Server, token: &str) -> Result<String, String> {
    let folder = peer("MARQUE_PEER_HERA");
    let output = Command::new(folder.join("venv/bin/python"))
        .arg(folder.join("dag.py"))
        .env("MARQUE_HOST", &server.url)
        .env("MARQUE_TOKEN", token)
        .env("MARQUE_NAMESPACE", "lab")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(out.into_owned()) } else { Err(format!("{out}{err}")) }
}
