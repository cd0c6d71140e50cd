//! Nothing is lost: the server is killed at random moments of runs of 60 nodes, 50 times over. Each run ends Succeeded, no
//! node ran twice, and the log verifies. Not here: power cuts of the whole machine (the store's own crash tests).

use std::{fs, path::Path, time::Duration};

use crate::support::{Server, namespace_root};
use reqwest::Method;
use serde_json::{Value, json};

/// How often the server is killed.
const KILLS: u64 = 50;
/// How often it is killed while steps are plain processes.
const KILLS_WITHOUT_SANDBOX: u64 = 15;
/// Nodes of each run that append to a file outside.
const NODES: usize = 60;
/// Tasks side by side.
const WIDTH: usize = 6;

/// A small generator, so that a failing seed can be tried again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        // Knuth's MMIX constants
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_no_finished_node_is_lost_or_runs_twice() {
    storm("namespaces", KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_sandbox_a_kill_loses_no_more() {
    storm("none", KILLS_WITHOUT_SANDBOX).await;
}

async fn storm(isolation: &str, most: u64) {
    let folder = tempfile::tempdir().unwrap();
    let outside = crate::support::outside(folder.path());
    let more = format!(
        "isolation: {isolation}\nparallelPods: 4\nadministrators: ['group:lab']\nauditors: ['group:lab']\n\
         mounts: [{{host: outside, path: /outside, writable: true}}]\n"
    );
    // plain processes see the machine's own folders
    let seen = if isolation == "none" { outside.display().to_string() } else { "/outside".to_owned() };
    // they are so quick that hardly a kill would meet one
    let work = if isolation == "none" { "sleep 0.05" } else { "true" };
    let mut server = Server::start(folder.path(), &[("ada", &["lab"])], &more).await;
    let token = server.log_in("ada").await;
    let (status, plan) = server.apply(&token, &[namespace_root("lab", "lab")]).await;
    assert_eq!(status, 200, "{plan}");

    let seed = std::env::var("MARQUE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut dice = Dice(seed);
    let (mut kills, mut runs, mut while_running) = (0, 0, 0);
    while kills < most {
        runs += 1;
        let name = format!("run-{runs}");
        println!("{isolation}, seed {seed}, {name}, {kills} kills so far");
        submit(&server, &token, &name, &format!("{work}; echo ran >> {seen}")).await;
        // most runs are killed once, some again and again
        for _ in 0..=dice.below(3) {
            tokio::time::sleep(Duration::from_millis(dice.below(700))).await;
            server.kill();
            kills += 1;
            while_running += usize::from(pods_running(&server.data()));
            server.spawn().await;
        }
        let workflow = server.ended(&token, "lab", &name).await;
        if workflow["status"]["phase"] != "Succeeded" {
            let path = format!("/api/v1/workflows/lab/{name}/log");
            println!("{}", server.call(Method::GET, &path, &token, None).await.1);
        }
        check(&workflow, &outside, &name, seed);
    }
    assert!(while_running > 0, "no kill came while a pod was running, so nothing was taken up again");
    server.stop();
    let verified = server.verify();
    assert!(verified.status.success(), "{}{}", text(&verified.stdout), text(&verified.stderr));
}

async fn submit(server: &Server, token: &str, name: &str, append: &str) {
    let task = |at: usize| {
        let mut task = json!({
            "name": format!("t{at}"), "template": "one",
            "arguments": {"parameters": [{"name": "n", "value": at.to_string()}]},
        });
        if at >= WIDTH {
            task["dependencies"] = json!([format!("t{}", at - WIDTH)]);
        }
        task
    };
    // a file for each node, since a root server gives each pod a user of its own
    let source = format!("{append}/{name}.{{{{inputs.parameters.n}}}}");
    let workflow = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"name": name, "namespace": "lab", "annotations": {"marque.dev/reason": "the kill -9 test"}},
        "spec": {
            "entrypoint": "main",
            "templates": [
                {"name": "main", "dag": {"tasks": (0..NODES).map(task).collect::<Vec<_>>()}},
                {
                    "name": "one", "inputs": {"parameters": [{"name": "n"}]},
                    "script": {"image": "busybox", "command": ["sh"], "source": source},
                },
            ],
        },
    });
    let body = json!({"workflow": workflow});
    let (status, answer) = server.call(Method::POST, "/api/v1/workflows/lab", token, Some(body)).await;
    assert_eq!(status, 200, "{answer}");
}

fn check(workflow: &Value, outside: &Path, name: &str, seed: u64) {
    let nodes = workflow["status"]["nodes"].as_object().unwrap();
    let bad: Vec<&Value> = nodes.values().filter(|node| node["phase"] != "Succeeded").collect();
    assert_eq!(workflow["status"]["phase"], "Succeeded", "seed {seed}: {bad:#?}");
    assert_eq!(nodes.len(), NODES + 1, "seed {seed}");
    for at in 0..NODES {
        let file = outside.join(format!("{name}.{at}"));
        let ran = fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("seed {seed}: {}: {error}", file.display()));
        assert_eq!(ran, "ran\n", "seed {seed}: node t{at} of {name}");
    }
}

/// Whether some pod has started and not ended.
fn pods_running(data: &Path) -> bool {
    let mut folders = vec![data.join("pods").join("runs"), data.join("runs")];
    while let Some(folder) = folders.pop() {
        // a supervisor writes into its lock when it starts the pod's process
        let started = fs::metadata(folder.join("lock")).is_ok_and(|lock| lock.len() > 0);
        if started && !folder.join("result.json").exists() {
            return true;
        }
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
    }
    false
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
