//! Parameters: where their values come from, in which order, and what is asked for outside the run.

use engine::{Answer, Command, EventKind, Question, RunOptions, ShutdownStrategy};
use model::argo::WorkflowPhase;

use crate::driver::{World, script, spec};

fn key(name: &str, key: &str) -> Question {
    Question::ConfigMapKey { name: name.to_owned(), key: key.to_owned() }
}

fn first_input(world: &World, node: &str) -> String {
    let inputs = world.node(node).inputs.clone().unwrap();
    inputs.parameters[0].value.as_ref().unwrap().as_str().to_owned()
}

const OF_RUN: &str = "
entrypoint: main
arguments:
  parameters:
  - {name: given, value: v, valueFrom: {configMapKeyRef: {name: not-asked, key: k}}}
  - {name: map, value: conf}
  - {name: p, valueFrom: {default: d, configMapKeyRef: {name: c, key: k}}}
templates:
- name: main
  container: {image: a, args: ['{{workflow.parameters.p}}']}
";

#[test]
fn a_workflow_argument_is_asked_for_before_the_entry_node_starts() {
    let mut world = World::new(spec(OF_RUN), RunOptions::default());
    world.send(EventKind::Started);
    assert_eq!((world.run.nodes().len(), world.questions.clone()), (0, vec![key("c", "k")]));
    assert_eq!(world.run.outstanding(), [Command::Ask { node: None, question: key("c", "k") }]);
    world.answer(&key("c", "k"), Answer::Text("told".to_owned()));
    assert_eq!(world.pods[0].template.container.as_ref().unwrap().args[0].as_str(), "told");
    world.settle(&script(""));
    assert_eq!(world.run.status().phase, WorkflowPhase::Succeeded);
}

#[test]
fn a_missing_key_is_the_default_and_a_refused_one_fails_the_workflow() {
    let ends = |answer: Answer| {
        let mut world = World::new(spec(OF_RUN), RunOptions::default());
        world.send(EventKind::Started);
        world.answer(&key("c", "k"), answer);
        let args = world.pods.first().map(|pod| pod.template.container.as_ref().unwrap().args[0].0.clone());
        args.unwrap_or_else(|| world.shown())
    };
    assert_eq!(ends(Answer::NotFound("configmap \"c\" not found".to_owned())), "d");
    assert_eq!(
        ends(Answer::Refused("ConfigMap 'c' needs to have the label".to_owned())),
        "Failed 0/0 failed to set global parameter p from configmap with name c and key k: ConfigMap 'c' needs to have the label"
    );
}

#[test]
fn a_run_that_waits_for_an_answer_can_be_stopped() {
    let mut world = World::new(spec(OF_RUN), RunOptions::default());
    world.send(EventKind::Started);
    world.send(EventKind::ShutdownRequested { strategy: ShutdownStrategy::Stop, message: None });
    assert_eq!(world.shown(), "Failed 0/0 Stopped with strategy 'Stop'");
}

#[test]
fn arguments_go_before_values_values_before_keys_and_keys_before_defaults() {
    let yaml = |argument: &str, declared: &str| {
        format!(
            "entrypoint: main\ntemplates:\n- name: main\n  steps: [[{{name: a, template: t, arguments: {{parameters: [{{name: other, value: x}}{argument}]}}}}]]\n- name: t\n  inputs: {{parameters: [{{name: p{declared}}}]}}\n  container: {{image: a}}"
        )
    };
    let from = |name: &str| format!(", valueFrom: {{configMapKeyRef: {{name: {name}, key: k}}}}");
    let argument = |rest: &str| format!(", {{name: p{rest}}}");
    for (given, declared, wanted) in [
        (argument(", value: arg"), ", value: own".to_owned(), "arg"),
        (argument(&from("c")), ", value: own".to_owned(), "told of c"),
        (String::new(), format!(", value: own{}", from("c")), "own"),
        (String::new(), format!(", default: def{}", from("d")), "told of d"),
        (String::new(), ", default: def".to_owned(), "def"),
    ] {
        let mut world = World::new(spec(&yaml(&given, &declared)), RunOptions::default());
        world.knows = |question| match question {
            Question::ConfigMapKey { name, .. } => Some(Answer::Text(format!("told of {name}"))),
            _ => None,
        };
        world.play(&script(""));
        assert_eq!(world.run.status().phase, WorkflowPhase::Succeeded, "{}", world.shown());
        assert_eq!(first_input(&world, "a"), wanted);
    }
}

#[test]
fn a_key_is_asked_for_once_for_all_who_wait_and_its_name_may_hold_tags() {
    let yaml = "entrypoint: main\ntemplates:\n- name: main\n  steps: [[{name: a, template: t, withItems: [1, 2, 3], arguments: {parameters: [{name: p, valueFrom: {configMapKeyRef: {name: '{{workflow.name}}', key: k}}}]}}]]\n- name: t\n  inputs: {parameters: [{name: p}]}\n  container: {image: a}";
    let mut world = World::new(spec(yaml), RunOptions::default());
    world.send(EventKind::Started);
    assert_eq!((world.questions.clone(), world.pods.len()), (vec![key("wf", "k")], 0));
    world.answer(&key("wf", "k"), Answer::NotFound("configmap \"wf\" not found".to_owned()));
    assert_eq!(world.run.status().phase, WorkflowPhase::Failed);
    let message = &world.node("a(0:1)").message;
    assert_eq!(message, "unable to retrieve inputs.parameters.p: configmap \"wf\" not found");
}
