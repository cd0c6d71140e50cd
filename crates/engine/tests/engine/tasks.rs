//! Argo's cases of data transformations and node field selectors. The corpus is not part of the project: where it is
//! absent the test says so.

use engine::{operate::NodeSelector, task::transformed};
use jiff::Timestamp;
use model::argo::{NodeStatus, TransformationStep};
use serde_json::Value;

fn cases(engine: &str) -> Vec<Value> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/argo/expressions/cases.json");
    let Ok(text) = std::fs::read_to_string(file) else {
        println!("{file} is absent: its cases are not run");
        return Vec::new();
    };
    let all: Value = serde_json::from_str(&text).unwrap();
    let all = all.as_array().or(all["cases"].as_array()).unwrap();
    let found: Vec<Value> = all.iter().filter(|case| case["engine"] == engine).cloned().collect();
    assert!(!found.is_empty(), "no case of {engine}");
    found
}

#[test]
fn every_transformation_of_the_corpus_gives_what_it_does_in_argo() {
    for case in cases("data_transformation") {
        let files: Vec<String> = serde_json::from_value(case["data"].clone()).unwrap();
        let steps: Vec<TransformationStep> = case["expressions"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|text| TransformationStep { expression: text.as_str().unwrap().to_owned() })
            .collect();
        match transformed(&files, &steps, Timestamp::UNIX_EPOCH) {
            Ok(text) => {
                let value: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(value, case["expected"], "{case}");
            }
            Err(why) => assert!(case.get("error_contains").is_some(), "{case}: {why}"),
        }
    }
}

#[test]
fn every_selector_of_the_corpus_means_what_it_does_in_argo() {
    for case in cases("node_field_selector") {
        let mut node = case["node"].clone();
        let fields = node.as_object_mut().unwrap();
        for (field, value) in [("displayName", "node"), ("type", "Pod")] {
            fields.entry(field).or_insert_with(|| value.into());
        }
        let node: NodeStatus = serde_json::from_value(node).unwrap();
        let selector = NodeSelector::parse(case["selector"].as_str().unwrap()).unwrap();
        assert_eq!(selector.matches(&node), case["expected"] == true, "{case}");
    }
}
