//! Argo's own examples and end-to-end workflows, driven to their end where their pods' results do not matter.
//! The corpus is not part of the project: where it is absent the test says so.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use engine::{Answer, ContainerEnd, Pod, PodEnd, PodOutcome, Question, RunOptions};
use jiff::Timestamp;
use model::{
    argo::{Container, Template, Workflow},
    catalog::Catalog,
    manifest::{Manifest, parse},
};
use serde_json::Value;

use crate::driver::{World, ended};

fn corpus() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("the corpus is absent: {} is not a folder", folder.display());
    None
}

/// The workflows that do not end as Argo's tests expect, each because of a kind or field that is not supported
/// yet, or because the simulated pods cannot behave as the real ones. The list may only shrink.
const GAPS: &str = include_str!("gaps.txt");

/// Results to try: a list, a number, a word, objects; what fits depends on what the workflow does with them.
const RESULTS: &[&str] = &["[1,2]", "3", "heads", "tails", "{\"a\":1}", "{\"num\":2,\"evenness\":\"even\"}"];

/// What a script decides by an `if` is not known here: it is tried that it goes well, and that it does not.
const CONDITIONS: &[i32] = &[0, 1];

/// Returns the exit code of a container, as far as its arguments tell; `condition` is that of one that decides itself.
fn exit_code(container: &Container, source: &str, condition: i32) -> i32 {
    let command = container.command.iter().flatten();
    let words: Vec<&str> = command.chain(&container.args).map(|word| word.0.as_str()).collect();
    let text = words.join(" ") + source;
    if matches!(words.as_slice(), ["invalid", ..]) {
        return 64;
    }
    // a block of that size is more than any limit of memory here
    if text.contains("bs=512M") {
        return 137;
    }
    if text.contains("kill ") {
        return 143;
    }
    if text.contains("if ") && text.contains("exit") {
        return condition;
    }
    let fails =
        ["exit 1", "exit(1)"].iter().any(|end| text.contains(end)) || matches!(text.trim(), "exit" | "false");
    i32::from(fails)
}

/// What a pod of the corpus does, as far as its arguments tell.
fn behaves(pod: &Pod, result: &str, condition: i32) -> PodOutcome {
    let script = pod.template.script.iter().map(|script| (&script.container, script.source.as_str()));
    let mut mains = pod.template.container.iter().map(|container| (container, "")).chain(script);
    let code = mains.next().map_or(0, |(container, source)| exit_code(container, source, condition));
    let mut outcome = ended(code);
    for container in pod.template.container_set.iter().flat_map(|set| &set.containers) {
        let code = exit_code(&container.container, "", condition);
        let (exit_code, message) = (Some(code), String::new());
        let end = ContainerEnd { exit_code, message, started_at: None, finished_at: Timestamp::UNIX_EPOCH };
        outcome.containers.insert(container.container.name.clone(), end);
        if outcome.end == PodEnd::Exited(0) {
            outcome.end = PodEnd::Exited(code);
        }
    }
    let sleeps = |container: &Container| container.args.iter().any(|word| word.0.contains("sleep"));
    if pod.deadline_seconds.is_some() && pod.template.container.as_ref().is_some_and(sleeps) {
        outcome.end = PodEnd::DeadlineExceeded;
    }
    for parameter in &pod.template.outputs.parameters {
        outcome.outputs.parameters.insert(parameter.name.clone(), result.to_owned());
    }
    for artifact in &pod.template.outputs.artifacts {
        let key = format!("01900000-0000-7000-8000-000000000001/{}/{}", pod.node, artifact.name);
        outcome.outputs.artifacts.insert(artifact.name.clone(), engine::StoredArtifact::Key(key));
    }
    outcome.outputs.result = pod.wants_result.then(|| result.to_owned());
    outcome
}

/// The seconds a pod sleeps, if that is what it does.
fn sleeps(pod: &Pod) -> i64 {
    let words: Vec<&str> = pod
        .template
        .container
        .iter()
        .flat_map(|container| &container.args)
        .map(|word| word.0.as_str())
        .collect();
    match words.as_slice() {
        ["sleep", seconds] => seconds.trim_end_matches('s').parse().unwrap_or(0),
        _ => 0,
    }
}

fn workflows(text: &str) -> Vec<Workflow> {
    let Ok(manifests) = parse("corpus.yaml", text) else { return Vec::new() };
    let workflow = |manifest| match manifest {
        Manifest::Workflow(written) => Some(written.object),
        _ => None,
    };
    manifests.into_iter().filter_map(workflow).collect()
}

/// The templates of the corpus's WorkflowTemplates, by name and whether they are a cluster's.
static TEMPLATES: OnceLock<BTreeMap<(String, bool), Vec<Template>>> = OnceLock::new();

fn templates(corpus: &Path) -> BTreeMap<(String, bool), Vec<Template>> {
    let folders =
        ["examples/workflow-template", "examples/cluster-workflow-template", "e2e/smoke", "e2e/testdata"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(corpus.join(folder)).into_iter().flatten());
    let mut known = BTreeMap::new();
    for file in files {
        let Ok(text) = fs::read_to_string(file.unwrap().path()) else { continue };
        for document in text.split("\n---") {
            // A cluster's template differs only in its kind.
            let cluster = document.contains("kind: ClusterWorkflowTemplate");
            let document = document.replace("kind: ClusterWorkflowTemplate", "kind: WorkflowTemplate");
            for manifest in parse("corpus.yaml", &document).unwrap_or_default() {
                if let Manifest::WorkflowTemplate(written) = manifest {
                    let template = written.object;
                    known.insert((template.metadata.name, cluster), template.spec.templates);
                }
            }
        }
    }
    known
}

/// Returns the workflow with what it takes from a WorkflowTemplate of the corpus as a whole.
fn effective(workflow: &Workflow, corpus: &Path) -> Workflow {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    if workflow.spec.workflow_template_ref.is_none() {
        return workflow.clone();
    }
    let catalog = CATALOG.get_or_init(|| {
        let files = ["workflow-template/templates.yaml", "cluster-workflow-template/clustertemplates.yaml"];
        let read = |file| fs::read_to_string(corpus.join("examples").join(file)).unwrap();
        let manifests = files.iter().flat_map(|file| parse(file, &read(file)).unwrap());
        let mut manifests: Vec<Manifest> = manifests.collect();
        model::manifest::default_namespace(&mut manifests, "default");
        Catalog::check(manifests).unwrap()
    });
    let mut workflow = workflow.clone();
    "default".clone_into(&mut workflow.metadata.namespace);
    model::lower::lower(catalog, workflow.clone())
        .map_or_else(|faults| panic!("{faults:?}"), |(lowered, _)| lowered)
}

/// Returns the phase a workflow ends in, resuming whatever waits to be resumed.
fn phase_of(workflow: &Workflow, result: &str, condition: i32) -> (String, String) {
    let mut workflow = effective(workflow, &corpus().unwrap());
    if workflow.metadata.name.is_empty() {
        workflow.metadata.name = "wf".to_owned();
    }
    let mut world = World::new(workflow, RunOptions::default());
    world.knows = |question| match question {
        Question::ConfigMapKey { .. } => Some(Answer::Text("from a ConfigMap".to_owned())),
        Question::Templates { name, cluster_scope } => {
            let known = TEMPLATES.get_or_init(|| templates(&corpus().unwrap()));
            known.get(&(name.clone(), *cluster_scope)).cloned().map(Answer::Templates)
        }
        _ => None,
    };
    world.send(engine::EventKind::Started);
    let deadline = world.run.workflow().spec.active_deadline_seconds;
    if deadline.is_some_and(|deadline| world.pods.iter().any(|pod| sleeps(pod) > deadline)) {
        world.fire();
    }
    world.go_on(&|pod| behaves(pod, result, condition));
    for _ in 0..20 {
        if world.run.status().phase.is_completed() {
            break;
        }
        world.resume_all_with("YES");
        world.settle(&|pod| behaves(pod, result, condition));
    }
    let status = world.run.status();
    let reason = world
        .run
        .nodes()
        .values()
        .rev()
        .find(|node| node.phase.is_failed_or_error())
        .map(|node| node.message.clone());
    (status.phase.as_str().to_owned(), reason.unwrap_or_else(|| status.message.clone()))
}

fn expected(corpus: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(corpus.join("e2e/expectations.json")).unwrap();
    let expectations: Value = serde_json::from_str(&text).unwrap();
    let mut wanted = BTreeMap::new();
    for test in expectations["tests"].as_array().unwrap() {
        let steps = test["steps"].as_array().unwrap();
        // Only what is submitted and waited for, without anything done to it in between.
        let plain = steps.iter().all(|step| {
            matches!(step["do"].as_str(), Some("given" | "submit" | "wait" | "expect" | "expect_node"))
        });
        let given: Vec<&Value> = steps.iter().filter(|step| step["do"] == "given").collect();
        if let (true, [given], Some(phase)) = (plain, given.as_slice(), test["final_phase"].as_str())
            && let (Some(file), "Failed" | "Error" | "Succeeded") = (given["file"].as_str(), phase)
        {
            wanted.insert(format!("e2e/{file}"), phase.to_owned());
        }
    }
    for example in expectations["examples"].as_array().unwrap() {
        if let (Some("Workflow"), Some(file), Some(phase)) =
            (example["kind"].as_str(), example["file"].as_str(), example["expected"].as_str())
        {
            wanted.insert(file.to_owned(), phase.to_owned());
        }
    }
    wanted
}

#[test]
fn argos_workflows_end_as_argos_tests_expect() {
    let Some(corpus) = corpus() else { return };
    let mut gaps = BTreeMap::new();
    let mut reached = 0_usize;
    for (file, wanted) in expected(&corpus) {
        let Ok(text) = fs::read_to_string(corpus.join(&file)) else { continue };
        let all = workflows(&text);
        let [workflow] = all.as_slice() else { continue };
        let ways = RESULTS.iter().flat_map(|result| CONDITIONS.iter().map(move |code| (result, *code)));
        let got: Vec<(String, String)> =
            ways.map(|(result, condition)| phase_of(workflow, result, condition)).collect();
        if got.iter().any(|(phase, _)| *phase == wanted) {
            reached += 1;
        } else {
            gaps.insert(file, format!("wanted {wanted}, got {} {}", got[0].0, got[0].1));
        }
    }
    let known: Vec<&str> = GAPS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let new: Vec<_> = gaps.iter().filter(|(file, _)| !known.contains(&file.as_str())).collect();
    let closed: Vec<_> = known.iter().filter(|file| !gaps.contains_key(**file)).collect();
    assert!(new.is_empty(), "new gaps: {new:#?}");
    assert!(closed.is_empty(), "closed gaps, take them off the list: {closed:#?}");
    println!("{reached} workflows end as expected, {} are known gaps", gaps.len());
}
