//! Suspend nodes: resumed, timed out, supplied with outputs; gates that only an approval opens.

use engine::{Command, Event, EventKind, Gate, RunOptions, StepError, TimerId, step};
use model::argo::WorkflowPhase;

use crate::driver::{World, script, spec};

const TWO: &str = "
entrypoint: main
templates:
- name: main
  steps:
  - - {name: approve, template: gate}
    - {name: plain, template: wait}
  - - {name: after, template: t}
- name: gate
  suspend: {duration: '5'}
- name: wait
  suspend: {}
- name: t
  container: {image: a}
";

fn gated() -> World {
    let gates = vec![Gate { node: "approve".to_owned(), expires_after_ms: 60_000 }];
    let mut world = World::new(spec(TWO), RunOptions { gates, ..RunOptions::default() });
    world.send(EventKind::Started);
    world
}

#[test]
fn a_gate_opens_and_its_own_duration_is_no_timer() {
    let world = gated();
    let id = world.node("approve").id.clone();
    let expires = "2026-01-01T00:01:00Z".parse().unwrap();
    assert_eq!(
        world.commands,
        [
            Command::OpenGate { node: id.clone(), gate: "approve".to_owned() },
            Command::SetTimer { timer: TimerId::GateExpired(id), at: expires },
        ]
    );
    assert_eq!(world.run.outstanding(), world.commands);
}

#[test]
fn resuming_all_leaves_gated_nodes_and_naming_one_resumes_it() {
    let mut world = gated();
    world.resume(None, &[]);
    assert_eq!(world.node("approve").phase.as_str(), "Running");
    assert_eq!(
        (world.node("plain").phase.as_str(), world.node("plain").message.as_str()),
        ("Succeeded", "resumed")
    );
    world.resume(Some("approve"), &[]);
    world.settle(&script(""));
    assert_eq!(world.run.status().phase, WorkflowPhase::Succeeded);
    assert!(world.timers.is_empty());
}

#[test]
fn an_expired_gate_fails_the_node() {
    let mut world = gated();
    world.resume(None, &[]);
    assert!(world.fire());
    assert_eq!(
        (world.node("approve").phase.as_str(), world.node("approve").message.as_str()),
        ("Failed", "approval expired")
    );
    assert_eq!(world.run.status().phase, WorkflowPhase::Failed);
}

#[test]
fn a_duration_ends_by_itself_with_defaults_or_fails_without() {
    let yaml = |from: &str| {
        format!(
            "entrypoint: main\ntemplates:\n- name: main\n  suspend: {{duration: 1m}}\n  outputs: {{parameters: [{{name: o, enum: [x, z], valueFrom: {from}}}]}}"
        )
    };
    let mut world = World::new(spec(&yaml("{supplied: {}, default: x}")), RunOptions::default());
    world.play(&script(""));
    assert_eq!(world.shown(), "Succeeded 0/0\nwf Suspend Succeeded");
    assert_eq!(
        world.node("wf").outputs.as_ref().unwrap().parameters[0].value.as_ref().unwrap().as_str(),
        "x"
    );
    let mut world = World::new(spec(&yaml("{supplied: {}}")), RunOptions::default());
    world.play(&script(""));
    let message = "raw output parameter 'o' has not been set and does not have a default value";
    assert_eq!(world.shown(), format!("Failed 0/0 {message}\nwf Suspend Failed {message}"));
}

#[test]
fn supplied_values_are_checked_before_anything_changes() {
    let yaml = "entrypoint: main\ntemplates:\n- name: main\n  suspend: {}\n  outputs: {parameters: [{name: o, enum: [x, z], valueFrom: {supplied: {}}}]}";
    let mut world = World::new(spec(yaml), RunOptions::default());
    world.send(EventKind::Started);
    let refused = |parameters: &[(&str, &str)]| {
        let parameters = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let kind = EventKind::Resumed { node: None, message: String::new(), parameters };
        let rejected = step(world.run.clone(), &Event { at: world.now, kind }).unwrap_err();
        assert_eq!(format!("{:?}", rejected.run), format!("{:?}", world.run));
        rejected.reason
    };
    assert_eq!(refused(&[]), StepError::NotSupplied { parameter: "o".to_owned() });
    assert_eq!(refused(&[("o", "w")]), StepError::NotInEnum { parameter: "o".to_owned() });
    assert_eq!(
        refused(&[("o", "x"), ("p", "x")]),
        StepError::NotAskedFor { parameter: "p".to_owned(), node: "wf".to_owned() }
    );
    world.resume(Some("wf"), &[("o", "z")]);
    assert_eq!(
        world.node("wf").outputs.as_ref().unwrap().parameters[0].value.as_ref().unwrap().as_str(),
        "z"
    );
    assert_eq!(world.run.status().phase, WorkflowPhase::Succeeded);
}
