//! A backfill through the program: a run for each time that is missed, one after the other, none of them twice.

use std::process::Output;

use serde_json::json;

use crate::support::{Server, marque, namespace_root, until};

fn backfill(server: &Server, token: &str, more: &[&str]) -> Output {
    let mut command = marque();
    command.args([
        "cron",
        "backfill",
        "nightly",
        "-n",
        "team",
        "--start",
        "2026-03-01",
        "--end",
        "2026-03-03",
    ]);
    command.args(more).args(["--server", &server.url]).env("MARQUE_TOKEN", token).output().unwrap()
}

#[tokio::test]
async fn a_backfill_starts_a_run_for_each_time_and_none_twice() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::start(folder.path(), &[("ada", &["team"])], "administrators: ['group:team']\n").await;
    let token = server.log_in("ada").await;
    let cron = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "CronWorkflow",
        "metadata": {"name": "nightly", "namespace": "team"},
        "spec": {
            "schedules": ["0 12 * * *"],
            "timezone": "UTC",
            "suspend": true,
            "workflowSpec": {
                "entrypoint": "main",
                "arguments": {"parameters": [{"name": "day", "value": "none"}]},
                "templates": [{"name": "main", "container": {
                    "image": "busybox",
                    "command": ["echo"],
                    "args": ["{{workflow.parameters.day}} {{workflow.scheduledTime}}"],
                }}],
            },
        },
    });
    let (status, said) = server.apply(&token, &[namespace_root("team", "team"), cron]).await;
    assert_eq!(status, 200, "{said}");
    let names = ["nightly-backfill-b-1772366400", "nightly-backfill-b-1772452800"];
    for (nth, expected) in ["submitted for", "is there already"].into_iter().enumerate() {
        let output = backfill(&server, &token, &["--name", "b", "--argname", "day"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{nth}: {text}{}", String::from_utf8_lossy(&output.stderr));
        for name in names {
            assert!(text.contains(&format!("{name} {expected}")), "{text}");
        }
    }
    for (name, day) in names.into_iter().zip(["2026-03-01", "2026-03-02"]) {
        let ended = server.ended(&token, "team", name).await;
        assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
        assert_eq!(ended["spec"]["synchronization"]["mutexes"][0]["name"], "b");
        let mut logs = marque();
        logs.args(["logs", name, "-n", "team", "--server", &server.url]).env("MARQUE_TOKEN", &token);
        let expected = format!("{day} 12:00:00 +0000 UTC {day}T12:00:00Z");
        until("the log", async || {
            let text = String::from_utf8_lossy(&logs.output().unwrap().stdout).into_owned();
            text.contains(&expected).then_some(())
        })
        .await;
    }
    let none = backfill(&server, &token, &["--end", "2026-03-01"]);
    assert!(!none.status.success(), "an option is given twice");
}
