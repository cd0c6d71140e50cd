//! Artifacts: where they are, what of them is handed on, and whose keys nobody may name.

use engine::{InputSource, RunOptions};
use model::argo::{ArchiveLocation, Location, WorkflowPhase};
use serde_json::json;

use crate::driver::{World, script, spec};

const STORED: &str = "01900000-0000-7000-8000-000000000001/a/o";

fn consumer(argument: &str, declared: &str) -> String {
    format!(
        "entrypoint: main\ntemplates:\n- name: main\n  steps:\n  - - {{name: a, template: p}}\n  - - {{name: b, template: c, arguments: {{artifacts: [{{name: i{argument}}}]}}}}\n- name: p\n  outputs: {{artifacts: [{{name: o, path: /o, archive: {{zip: {{}}}}}}]}}\n  container: {{image: a}}\n- name: c\n  inputs: {{artifacts: [{{name: i, path: /i{declared}}}]}}\n  container: {{image: a}}"
    )
}

/// Returns what the consumer gets, or why not.
fn handed(argument: &str, declared: &str) -> Result<(InputSource, bool), String> {
    let mut world = World::new(spec(&consumer(argument, declared)), RunOptions::default());
    world.send(engine::EventKind::Started);
    world.end_pod(0, &script("a stores o 01900000-0000-7000-8000-000000000001/a/o"));
    match world.pods.first() {
        Some(pod) => Ok((pod.inputs[0].source.clone(), pod.inputs[0].archive.is_some())),
        None => Err(world.node("b").message.clone()),
    }
}

fn located(value: serde_json::Value) -> InputSource {
    let Some((driver, fields)) = value.as_object().and_then(|fields| fields.iter().next()) else { panic!() };
    InputSource::Located(Box::new(Location::of_driver(driver, fields).unwrap()))
}

#[test]
fn an_artifact_is_handed_on_as_it_was_packed_and_a_part_of_it_by_its_key() {
    let from = ", from: '{{steps.a.outputs.artifacts.o}}'";
    assert_eq!(handed(from, ""), Ok((InputSource::Stored(STORED.to_owned()), true)));
    let part = format!("{from}, subPath: 'x/{{{{workflow.name}}}}.txt'");
    assert_eq!(handed(&part, ""), Ok((InputSource::Stored(format!("{STORED}/x/wf.txt")), true)));
    assert_eq!(
        handed(&format!("{from}, subPath: ../other"), ""),
        Err("unable to resolve references: subPath `../other` holds `..`".to_owned())
    );
}

#[test]
fn a_place_may_be_written_in_the_argument_or_the_template_which_wins() {
    let key = ", s3: {key: 'some/{{workflow.name}}'}";
    assert_eq!(handed(key, ""), Ok((located(json!({"s3": {"key": "some/wf"}})), false)));
    let url = ", http: {url: 'http://x/{{workflow.name}}'}";
    assert_eq!(handed(key, url), Ok((located(json!({"http": {"url": "http://x/wf"}})), false)));
}

#[test]
fn a_key_of_another_run_can_be_named_by_nobody() {
    let key = format!(", s3: {{key: {STORED}}}");
    let refused = format!("the key `{STORED}` of artifact `i` is one of another run's");
    assert_eq!(handed(&key, ""), Err(format!("unable to resolve references: {refused}")));
    assert_eq!(handed("", &key), Err(refused));
}

#[test]
fn a_pods_outputs_go_where_its_template_or_the_repository_says() {
    let yaml = |own: &str| {
        format!(
            "entrypoint: main\narchiveLogs: true\ntemplates:\n- name: main\n{own}  container: {{image: a}}"
        )
    };
    let repository =
        Location::of_driver("s3", &json!({"bucket": "b", "key": "{{workflow.name}}/{{pod.name}}"}));
    let options = RunOptions {
        archive: ArchiveLocation { location: repository.ok(), logs: false },
        ..RunOptions::default()
    };
    let archive = |own: &str| {
        let mut world = World::new(spec(&yaml(own)), options.clone());
        world.send(engine::EventKind::Started);
        assert_eq!(world.run.status().phase, WorkflowPhase::Running, "{}", world.shown());
        let archive = world.pods[0].archive.clone();
        (archive.location.unwrap().key().unwrap().to_owned(), archive.logs)
    };
    assert_eq!(archive(""), ("wf/wf".to_owned(), true));
    assert_eq!(
        archive("  archiveLocation: {archiveLogs: false, s3: {bucket: c, key: 'own/{{workflow.name}}'}}\n"),
        ("own/wf".to_owned(), false)
    );
}
