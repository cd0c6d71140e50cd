//! Argo's cases of loops, names, lists of outputs and keys of ConfigMaps. Each is played by a run.
//! The corpus is not part of the project: where it is absent the test says so.

use std::{fs, path::PathBuf};

use engine::{Answer, CollectedOutputs, Command, Pod, PodEnd, PodOutcome, Question, RunOptions};
use jiff::Timestamp;
use model::argo::{AnyString, pod_name};
use serde_json::{Value, json};

use crate::driver::{World, ended, script, spec};

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

/// A step that is looped as `fields` says and gets `{{item}}` as its argument.
fn looped(name: &str, fields: Value) -> World {
    let mut step = json!({
        "name": name, "template": "t", "arguments": {"parameters": [{"name": "p", "value": "{{item}}"}]},
    });
    step.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let workflow = json!({"entrypoint": "main", "templates": [
        {"name": "t", "inputs": {"parameters": [{"name": "p"}]}, "container": {"image": "a"}},
        {"name": "main", "steps": [[step]]},
    ]});
    let mut world = World::new(spec(&workflow.to_string()), RunOptions::default());
    world.play(&script(""));
    world
}

/// The names of the items' nodes and what each got, in their order.
fn items(world: &World) -> Vec<(String, String)> {
    let mut found: Vec<(usize, String, String)> = world
        .run
        .nodes()
        .values()
        .filter_map(|node| {
            let index = node.display_name.split_once('(')?.1.split_once(':')?.0.parse().ok()?;
            let inputs = node.inputs.as_ref()?;
            let got = inputs.parameters.first()?.value.as_ref()?.0.clone();
            Some((index, node.display_name.clone(), got))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, name, got)| (name, got)).collect()
}

#[test]
fn loops_over_lists_name_and_fill_their_items_as_argo_does() {
    for case in cases("with_param") {
        let world = looped(case["task_name"].as_str().unwrap(), json!({"withParam": case["with_param"]}));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let wanted = case["expected"].as_array().unwrap();
        let wanted: Vec<_> = wanted.iter().map(|item| (text(&item["name"]), text(&item["item"]))).collect();
        assert_eq!(items(&world), wanted, "{}", case["id"]);
    }
    for case in cases("node_name") {
        let index = usize::try_from(case["index"].as_u64().unwrap()).unwrap();
        let mut list = vec![json!(0); index];
        list.push(serde_json::from_str(case["item_json"].as_str().unwrap()).unwrap());
        let wanted = case["expected"].as_str().unwrap();
        let world = looped(wanted.split_once('(').unwrap().0, json!({ "withItems": list }));
        assert_eq!(items(&world)[index].0, wanted, "{}", case["id"]);
    }
    for case in cases("item_string") {
        let item: Value = serde_json::from_str(case["json"].as_str().unwrap()).unwrap();
        let world = looped("s", json!({"withItems": [item]}));
        let wanted = case["expected"].as_str().unwrap();
        let got = items(&world)[0].1.clone();
        // a list or a map keeps Argo's spelling up to the blanks between its parts
        let plain = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| json!(text));
        assert_eq!(plain(&got), plain(wanted), "{}", case["id"]);
    }
}

#[test]
fn loops_over_numbers_count_as_argo_does() {
    for case in cases("with_sequence") {
        let world = looped("s", json!({"withSequence": case["sequence"]}));
        let got: Vec<String> = items(&world).into_iter().map(|(_, item)| item).collect();
        let wanted = &case["expected"];
        assert_eq!(got.len() as u64, wanted["length"].as_u64().unwrap(), "{}", case["id"]);
        let ends = (got.first().map(String::as_str), got.last().map(String::as_str));
        assert_eq!(ends, (wanted["first"].as_str(), wanted["last"].as_str()), "{}", case["id"]);
    }
}

#[test]
fn outputs_of_a_loop_are_listed_as_argo_lists_them() {
    for case in cases("aggregate_parameter") {
        let values: Vec<String> = serde_json::from_value(case["values"].clone()).unwrap();
        let count = values.len().to_string();
        let workflow = json!({"entrypoint": "main", "templates": [
            {"name": "make", "container": {"image": "a"},
                "outputs": {"parameters": [{"name": "o", "valueFrom": {"path": "/o"}}]}},
            {"name": "take", "inputs": {"parameters": [{"name": "p"}]}, "container": {"image": "a"}},
            {"name": "main", "steps": [
                [{"name": "make", "template": "make", "withSequence": {"count": count}}],
                [{"name": "take", "template": "take", "arguments": {"parameters":
                    [{"name": "p", "value": "{{steps.make.outputs.parameters.o}}"}]}}],
            ]},
        ]});
        let mut world = World::new(spec(&workflow.to_string()), RunOptions::default());
        let ends = |pod: &Pod| -> PodOutcome {
            let index = pod.display_name.strip_prefix("make(").and_then(|rest| rest.split_once(':'));
            let Some((index, _)) = index else { return ended(0) };
            let mut outputs = CollectedOutputs::default();
            outputs.parameters.insert("o".to_owned(), values[index.parse::<usize>().unwrap()].clone());
            PodOutcome::new(PodEnd::Exited(0), outputs)
        };
        world.play(&ends);
        let inputs = world.node("take").inputs.clone().unwrap();
        let got = inputs.parameters[0].value.as_ref().map(AnyString::as_str);
        assert_eq!(got, case["expected"].as_str(), "{}", case["id"]);
    }
}

#[test]
fn the_name_of_a_config_map_is_written_as_argo_writes_it() {
    for case in cases("config_map_key_ref") {
        let parameters: Vec<Value> = case["vars"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| {
                json!({"name": name.strip_prefix("workflow.parameters.").unwrap(), "value": value})
            })
            .collect();
        let key = json!({"name": case["template"], "key": "k"});
        let workflow = json!({"entrypoint": "main", "arguments": {"parameters": parameters}, "templates": [{
            "name": "main", "container": {"image": "a"},
            "inputs": {"parameters": [{"name": "p", "valueFrom": {"configMapKeyRef": key}}]},
        }]});
        let mut world = World::new(spec(&workflow.to_string()), RunOptions::default());
        world.knows = |question| match question {
            Question::ConfigMapKey { .. } => Some(Answer::Text("told".to_owned())),
            _ => None,
        };
        world.play(&script(""));
        let asked = world.commands.iter().find_map(|command| match command {
            Command::Ask { question: Question::ConfigMapKey { name, .. }, .. } => Some(name.clone()),
            _ => None,
        });
        match case["expected"].as_str() {
            Some(wanted) => assert_eq!(asked.as_deref(), Some(wanted), "{}: {}", case["id"], world.shown()),
            None => {
                let shown = world.shown();
                assert!(shown.contains(case["error_contains"].as_str().unwrap()), "{}: {shown}", case["id"]);
            }
        }
    }
}

#[test]
fn pods_are_named_as_argo_names_them() {
    // names of the first version are the ids of nodes; they cannot be chosen here
    for case in cases("pod_name").iter().filter(|case| case["version"] == "v2") {
        let text = |field: &str| case[field].as_str().unwrap();
        let got = pod_name(text("workflow"), text("node_name"), text("template"));
        assert_eq!(got, text("expected"), "{}", case["id"]);
    }
}

#[test]
fn texts_may_be_written_as_numbers_or_booleans() {
    for case in cases("any_string") {
        let read: AnyString = serde_json::from_str(case["json"].as_str().unwrap()).unwrap();
        assert_eq!(read.as_str(), case["expected"].as_str().unwrap(), "{}", case["id"]);
        assert_eq!(serde_json::to_string(&read).unwrap(), case["marshals_as"].as_str().unwrap());
    }
}

/// `workflow.creationTimestamp.<letter>` has each letter of a format apart.
#[test]
fn times_are_spelled_as_argo_spells_them() {
    for case in cases("strftime").iter().filter(|case| case["id"] == "strftime/datetime") {
        let format = case["format"].as_str().unwrap();
        let letters = format.split('%').skip(1).map(|part| {
            let (letter, rest) = part.split_at(1);
            format!("{{{{workflow.creationTimestamp.{letter}}}}}{rest}")
        });
        let workflow = json!({"entrypoint": "main", "templates": [{
            "name": "main", "container": {"image": "a", "args": [letters.collect::<String>()]},
        }]});
        let mut world = World::new(spec(&workflow.to_string()), RunOptions::default());
        world.now = Timestamp::from_second(case["unix"].as_i64().unwrap()).unwrap();
        world.send(engine::EventKind::Started);
        let got = world.pods[0].template.container.as_ref().unwrap().args[0].as_str().to_owned();
        assert_eq!(Some(got.as_str()), case["expected"].as_str());
    }
}
