//! Argo's cases of arguments: parts of artifacts, and outputs that were never made. Each is played by a run.
//! The corpus is not part of the project: where it is absent the test says so.

use std::{fs, path::PathBuf};

use engine::{Answer, InputSource, Question, RunOptions};
use model::argo::{Location, WorkflowPhase};
use serde_json::{Value, json};

use crate::driver::{World, script, spec};

fn cases(engine: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo/expressions/cases.json");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("the corpus is absent: {} cannot be read", path.display());
        return Vec::new();
    };
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let of_engine: Vec<Value> = all.into_iter().filter(|case| case["engine"] == engine).collect();
    assert!(!of_engine.is_empty(), "there are cases of `{engine}`");
    of_engine
}

fn fails_as_expected(case: &Value, message: &str) {
    let expected = case["error_contains"].as_str().unwrap_or_else(|| panic!("{}: {message}", case["id"]));
    assert!(message.contains(expected), "{}: {message}", case["id"]);
}

#[test]
fn a_part_of_an_artifact_lies_where_argo_says() {
    for case in cases("artifact_subpath") {
        let mut argument = case["artifact"].clone();
        argument["name"] = json!("i");
        argument["subPath"] = case["sub_path"].clone();
        let workflow = json!({"entrypoint": "main", "templates": [
            {"name": "main", "steps": [
                [{"name": "test", "template": "make"}],
                [{"name": "take", "template": "take", "arguments": {"artifacts": [argument]}}],
            ]},
            {"name": "make", "container": {"image": "a"},
                "outputs": {"parameters": [{"name": "subkey", "valueFrom": {"path": "/p"}}]}},
            {"name": "take", "container": {"image": "a"}, "inputs": {"artifacts": [{"name": "i", "path": "/i"}]}},
        ]});
        let mut world = World::new(spec(&workflow.to_string()), RunOptions::default());
        world.send(engine::EventKind::Started);
        world.end_pod(0, &script("test writes subkey some"));
        let Some(pod) = world.pods.first() else {
            fails_as_expected(&case, &world.node("take").message);
            continue;
        };
        let InputSource::Located(at) = &pod.inputs[0].source else { panic!("{}: {pod:?}", case["id"]) };
        let expected = Location::of(case["expected"].as_object().unwrap()).unwrap().unwrap();
        assert_eq!(**at, expected, "{}", case["id"]);
    }
}

#[test]
fn an_absent_output_is_replaced_as_argo_replaces_it() {
    for case in cases("process_input") {
        assert_eq!(case["argument"], "absent optional output", "{}", case["id"]);
        let workflow = json!({"entrypoint": "main", "templates": [
            {"name": "main", "dag": {"tasks": [
                {"name": "a", "template": "make", "when": "x == y"},
                {"name": "b", "template": "take", "depends": "a.Skipped",
                    "arguments": {"parameters": [{"name": "in", "value": "{{tasks.a.outputs.parameters.o}}"}]}},
            ]}},
            {"name": "make", "container": {"image": "a"},
                "outputs": {"parameters": [{"name": "o", "valueFrom": {"path": "/o"}}]}},
            {"name": "take", "container": {"image": "a", "args": ["{{inputs.parameters.in}}"]},
                "inputs": {"parameters": [case["input"].clone()]}},
        ]});
        let mut world = World::new(spec(&workflow.to_string()), RunOptions::default());
        world.knows = |question| match question {
            Question::ConfigMapKey { name, key, .. } => {
                assert_eq!((name.as_str(), key.as_str()), ("config-map-name", "config-map-key"));
                Some(Answer::Text("config-map-value".to_owned()))
            }
            _ => None,
        };
        world.play(&script(""));
        let started = world.commands.iter().find_map(|command| match command {
            engine::Command::StartPod(pod) => Some(pod),
            _ => None,
        });
        let Some(pod) = started else {
            fails_as_expected(&case, &world.node("b").message);
            continue;
        };
        assert_eq!(world.run.status().phase, WorkflowPhase::Succeeded);
        assert_eq!(pod.template.container.as_ref().unwrap().args[0].0, case["expected"], "{}", case["id"]);
    }
}
