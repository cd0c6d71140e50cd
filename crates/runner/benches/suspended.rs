//! 10,000 runs that wait for a person, in one runner: the memory each takes, and how long one takes from being resumed to its
//! end on record. Not here: HTTP, the next start.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark measures, prints and may stop"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use backend::{Isolation, ProcessBackend, ProcessConfig};
use identity::Caller;
use model::{
    NamespacedName,
    argo::{Workflow, WorkflowPhase},
    oam::{Subject, Via},
};
use policy::ServerPolicy;
use runner::{ArtifactSettings, Keys, Parallelism, Runner, RunnerConfig, Submission, keys};
use serde_json::json;
use store::Store;

const RUNS: usize = 10_000;
/// Submissions under way at once: they share the disk's syncs.
const AT_ONCE: usize = 100;
/// How many are resumed, one after the other, from all over.
const RESUMED: usize = 200;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let caller = Caller::local_user("bench");
    let first = open(folder.path()).await;
    let before = resident();
    let begun = Instant::now();
    for batch in (0..RUNS).collect::<Vec<_>>().chunks(AT_ONCE) {
        let submitted: Vec<_> = batch
            .iter()
            .map(|number| {
                let (runner, caller, submission) = (first.clone(), caller.clone(), submission(*number));
                tokio::spawn(async move { runner.submit(&caller, submission).await.map(drop).unwrap() })
            })
            .collect();
        for one in submitted {
            one.await.unwrap();
        }
    }
    let submitted = begun.elapsed();
    let waiting = (resident() - before) / RUNS as f64;
    let mut woken: Vec<Duration> = Vec::new();
    for number in 0..RESUMED {
        woken.push(wake(&first, &caller, number * (RUNS / RESUMED)).await);
    }
    woken.sort();
    println!("| 10,000 suspended runs | |");
    println!("|---|---|");
    println!("| memory of each | {:.1} KiB |", waiting / 1024.0);
    println!("| accepted, {AT_ONCE} at a time | {:.2} ms each |", milliseconds(submitted) / RUNS as f64);
    println!("| resumed until it has ended, median | {:.1} ms |", milliseconds(woken[RESUMED / 2]));
    println!("| the same, the slowest of {RESUMED} | {:.1} ms |", milliseconds(woken[RESUMED - 1]));
    first.shut_down().await;
}

/// Resumes a run; returns how long it took until its end was durable and told.
async fn wake(runner: &Runner, caller: &Caller, number: usize) -> Duration {
    let name = NamespacedName { namespace: "default".to_owned(), name: name(number) };
    let mut changes = runner.changes();
    let begun = Instant::now();
    runner.resume(caller, &name, None).await.unwrap();
    loop {
        let change = changes.recv().await.unwrap();
        if change.name == name && change.phase == WorkflowPhase::Succeeded {
            return begun.elapsed();
        }
    }
}

fn name(number: usize) -> String {
    format!("waits-{number}")
}

fn submission(number: usize) -> Submission {
    let workflow = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"name": name(number), "namespace": "default"},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]},
    });
    let workflow: Workflow = serde_json::from_value(workflow).unwrap();
    Submission { workflow, via: Via::Manual, reason: None, ticket: None, dry_run: false }
}

async fn open(folder: &Path) -> Runner {
    let config = ProcessConfig {
        folder: folder.to_owned(),
        isolation: Isolation::None,
        images: BTreeMap::new(),
        mounts: Vec::new(),
        containers: None,
        program: std::env::current_exe().unwrap(),
    };
    let backend = ProcessBackend::new(config).unwrap();
    let at = folder.join("keys");
    let keys_of_runner =
        Keys { token: keys::run_token_key(&at).unwrap(), sealing: keys::sealing_key(&at).unwrap() };
    let store = Store::open(folder, keys::log_key(&at).unwrap()).unwrap();
    let user = Subject::User { issuer: "os".to_owned(), subject: "bench".to_owned() };
    let config = RunnerConfig {
        issuer: "http://localhost/bench".to_owned(),
        run_token_audience: "marque".to_owned(),
        run_token_seconds: 600,
        parallel_pods: 2,
        parallelism: Parallelism::default(),
        workflow_defaults: None,
        retention: engine::retention::RetentionPolicy::default(),
        policy: ServerPolicy { administrators: vec![user.clone()], auditors: vec![user], local: true },
        artifacts: ArtifactSettings::default(),
        executor_plugins: Vec::new(),
    };
    Runner::new(config, store, backend, keys_of_runner).await.unwrap()
}

/// Bytes of this process in memory.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
