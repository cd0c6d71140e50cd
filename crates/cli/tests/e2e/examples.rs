//! Argo's own examples, run as a user would: each that Argo's tests require to succeed does so on one machine, or stands
//! on the list with its reason. The corpus is not part of the project: where it is absent the test says so.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    marque,
    plugin::{self, Plugin},
    service::Services,
};

/// The examples that do not succeed here, each with the reason. The list may only shrink.
const GAPS: &str = include_str!("examples.txt");
/// How long one example may take; what hangs is a gap.
const PATIENCE: Duration = Duration::from_secs(240);
/// How long one may take that is known not to succeed.
const PATIENCE_WITH_GAPS: Duration = Duration::from_secs(10);
/// How many run at once.
const LANES: usize = 3;

/// One document of the corpus that has to succeed.
struct Example {
    file: String,
    workflow: PathBuf,
}

fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    documents
}

fn kind(document: &str) -> &str {
    document.lines().find_map(|line| line.strip_prefix("kind:")).unwrap_or_default().trim()
}

fn names(document: &str, name: &str) -> bool {
    let mut lines = document.lines().map(|line| line.trim().replace(['"', '\''], ""));
    lines.any(|line| {
        let rest = line.strip_prefix("generateName:").or_else(|| line.strip_prefix("name:"));
        rest.is_some_and(|rest| rest.split('#').next().unwrap_or_default().trim() == name)
    })
}

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

/// Writes what the examples refer to into one file, and each example into one of its own.
fn prepare(corpus: &Path, folder: &Path, services: &Services) -> (PathBuf, Vec<Example>) {
    let mut files = Vec::new();
    yaml_files(&corpus.join("examples"), &mut files);
    files.sort();
    let support = ["ConfigMap", "PersistentVolumeClaim", "WorkflowTemplate", "ClusterWorkflowTemplate"];
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    let mut referred: Vec<String> = texts
        .flat_map(|text| documents(&text))
        .filter(|document| support.contains(&kind(document)))
        .collect();
    let repositories = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "artifact-repositories"},
        "data": {"my-key": services.repository()},
    });
    let documents_of_services = services.secrets("default").into_iter().chain([repositories]);
    referred.extend(documents_of_services.map(|object| format!("{object}\n")));
    let shared = folder.join("shared.yaml");
    fs::write(&shared, referred.join("---\n")).unwrap();
    let expected = fs::read_to_string(corpus.join("e2e/expectations.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let mut examples = Vec::new();
    for (number, entry) in expected["examples"].as_array().unwrap().iter().enumerate() {
        if entry["expected"] != "Succeeded" {
            continue;
        }
        let file = entry["file"].as_str().unwrap().to_owned();
        let text = fs::read_to_string(corpus.join(&file)).unwrap();
        let name = entry["name"].as_str().unwrap();
        let mut workflows = documents(&text).into_iter().filter(|document| kind(document) == "Workflow");
        let document = workflows.find(|document| names(document, name)).unwrap_or(text);
        let workflow = folder.join(format!("{number}.yaml"));
        fs::write(&workflow, services.here(&document)).unwrap();
        examples.push(Example { file, workflow });
    }
    (shared, examples)
}

/// Runs an example; returns why it did not succeed within `patience`.
#[expect(clippy::disallowed_methods, reason = "a test waits for another process, under a bound")]
fn run(example: &Example, shared: &Path, driver: &str, patience: Duration) -> Result<(), String> {
    let data = tempfile::tempdir().unwrap();
    let mut child = marque()
        .args(["run", "--log=false", "-o", "json", "--artifact-driver", driver, "--data"])
        .arg(data.path().join("data"))
        .args([&example.workflow, shared])
        .stdout(fs::File::create(data.path().join("out")).unwrap())
        .stderr(fs::File::create(data.path().join("err")).unwrap())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if begun.elapsed() > patience {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("it did not end in {patience:?}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let text = fs::read_to_string(data.path().join("out")).unwrap_or_default();
    let shown: Value = serde_json::from_str(&text).unwrap_or_default();
    if code == Some(0) && shown["status"]["phase"] == "Succeeded" {
        return Ok(());
    }
    let nodes = shown["status"]["nodes"].as_object();
    let said = nodes.into_iter().flatten().find_map(|(_, node)| node["message"].as_str());
    let errors = fs::read_to_string(data.path().join("err")).unwrap_or_default();
    Err(said.map(str::to_owned).unwrap_or(errors).chars().take(300).collect())
}

#[test]
fn argos_examples_succeed_on_this_machine() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo");
    if !corpus.is_dir() {
        println!("{} is absent: Argo's examples are not run", corpus.display());
        return;
    }
    let gaps: BTreeMap<&str, &str> = GAPS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(" | ").unwrap_or_else(|| panic!("no reason: {line}")))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let services = Services::start();
    let (shared, examples) = prepare(&corpus, folder.path(), &services);
    assert!(examples.len() > 90, "only {} examples were found", examples.len());
    let plugin = Plugin::start();
    let driver = format!("{}={}", plugin::NAME, plugin.socket().display());
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                while let Some(example) = examples.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let known = gaps.contains_key(example.file.as_str());
                    let patience = if known { PATIENCE_WITH_GAPS } else { PATIENCE };
                    if let Err(why) = run(example, &shared, &driver, patience) {
                        failed.lock().unwrap().insert(example.file.as_str(), why);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let new: Vec<_> = failed.iter().filter(|(file, _)| !gaps.contains_key(*file)).collect();
    assert!(new.is_empty(), "these do not succeed: {new:#?}");
    let closed: Vec<_> = gaps.keys().filter(|file| !failed.contains_key(*file)).collect();
    assert!(closed.is_empty(), "closed gaps, take them off the list: {closed:#?}");
}
