//! Templates of other WorkflowTemplates: asked for when a node starts, pinned, looked up where they were written,
//! shown as Argo shows them.

use engine::{Answer, Question, RunOptions};
use model::argo::{Template, WorkflowPhase};
use serde_json::json;

use crate::driver::{World, script, spec};

const CALLER: &str = "
entrypoint: main
arguments: {parameters: [{name: kind, value: big}]}
templates:
- name: main
  steps:
  - - {name: a, templateRef: {name: 'wft-{{workflow.parameters.kind}}', template: outer}}
    - {name: b, templateRef: {name: wft-big, template: inner}}
    - {name: c, templateRef: {name: wft-none, template: inner}, continueOn: {error: true}}
  - - {name: d, templateRef: {name: wft-big, template: none}}
- name: inner
  container: {image: a, args: [mine]}
";

fn templates() -> Vec<Template> {
    serde_json::from_value(json!([
        {"name": "outer", "steps": [[{"name": "x", "template": "inner"}]]},
        {"name": "inner", "container": {"image": "a", "args": ["theirs"]}},
    ]))
    .unwrap()
}

#[test]
fn a_reference_is_asked_for_when_its_node_starts_and_once_for_the_run() {
    let mut world = World::new(spec(CALLER), RunOptions::default());
    world.send(engine::EventKind::Started);
    let asked = |name: &str| Question::Templates { name: name.to_owned(), cluster_scope: false };
    assert_eq!(world.questions, [asked("wft-big"), asked("wft-none")]);
    world.answer(&asked("wft-big"), Answer::Templates(templates()));
    assert_eq!(world.pods.len(), 2);
    assert!(
        world.pods.iter().all(|pod| pod.template.container.as_ref().unwrap().args[0].as_str() == "theirs")
    );
    world.settle(&script(""));
    world.answer(&asked("wft-none"), Answer::NotFound("workflow template \"wft-none\" not found".to_owned()));
    let (a, x, b) = (world.node("a"), world.node("x"), world.node("b"));
    let reference = a.template_ref.as_ref().unwrap();
    assert_eq!((reference.name.as_str(), reference.template.as_str()), ("wft-big", "outer"));
    assert_eq!((a.template_name.as_str(), a.template_scope.as_str()), ("", "local/wf"));
    assert_eq!((x.template_name.as_str(), x.template_scope.as_str()), ("inner", "namespaced/wft-big"));
    assert!(x.template_ref.is_none() && b.template_ref.is_some());
    assert_eq!(world.node("c").message, "workflow template \"wft-none\" not found");
    let stored: Vec<&String> =
        world.run.status().rest["storedTemplates"].as_object().unwrap().keys().collect();
    assert_eq!(stored, ["namespaced/wft-big/outer", "namespaced/wft-big/inner"]);
    assert_eq!(world.run.status().phase, WorkflowPhase::Failed);
}

#[test]
fn a_template_that_is_not_in_its_workflow_template_is_an_error_of_the_node() {
    let yaml = "entrypoint: main\ntemplates:\n- name: main\n  dag: {tasks: [{name: d, templateRef: {name: w, template: none, clusterScope: true}}]}";
    let mut world = World::new(spec(yaml), RunOptions::default());
    world.knows = |_| Some(Answer::Templates(templates()));
    world.play(&script(""));
    assert_eq!(world.node("d").message, "task 'wf.d' errored: template reference w.none not found");
    assert_eq!(world.run.status().phase, WorkflowPhase::Error);
}

#[test]
fn a_template_copied_before_the_run_is_shown_as_what_it_is_a_copy_of() {
    let yaml = "entrypoint: main\ntemplates:\n- name: main\n  steps: [[{name: a, template: w.outer}, {name: b, template: cluster/v.inner}]]\n- name: w.outer\n  steps: [[{name: x, template: w.inner}]]\n- name: w.inner\n  container: {image: a}\n- name: cluster/v.inner\n  container: {image: a}";
    let mut world = World::new(spec(yaml), RunOptions::default());
    world.play(&script(""));
    let reference = |node: &str| serde_json::to_value(&world.node(node).template_ref).unwrap();
    assert_eq!(reference("a"), json!({"name": "w", "template": "outer"}));
    assert_eq!(reference("b"), json!({"name": "v", "template": "inner", "clusterScope": true}));
    let x = world.node("x");
    assert_eq!((x.template_name.as_str(), x.template_scope.as_str()), ("inner", "namespaced/w"));
    let stored: Vec<&String> =
        world.run.status().rest["storedTemplates"].as_object().unwrap().keys().collect();
    assert_eq!(stored, ["namespaced/w/outer", "cluster/v/inner", "namespaced/w/inner"]);
}

#[test]
fn the_workflows_defaults_lie_under_every_template_wherever_it_was_written() {
    let yaml = "
entrypoint: main
templateDefaults:
  retryStrategy: {limit: 1}
  container: {image: default, args: [hello]}
templates:
- name: main
  steps:
  - - {name: own, template: mine}
    - {name: theirs, templateRef: {name: wft-big, template: inner}}
    - {name: inline, inline: {container: {image: own}}}
- name: mine
  container: {command: [echo]}
";
    let mut world = World::new(spec(yaml), RunOptions::default());
    world.send(engine::EventKind::Started);
    let asked = Question::Templates { name: "wft-big".to_owned(), cluster_scope: false };
    world.answer(&asked, Answer::Templates(templates()));
    let shown: Vec<(&str, &str)> = world
        .pods
        .iter()
        .map(|pod| pod.template.container.as_ref().unwrap())
        .map(|container| (container.image.as_str(), container.args[0].as_str()))
        .collect();
    assert_eq!(shown, [("default", "hello"), ("own", "hello"), ("a", "theirs")]);
    assert!(world.pods.iter().all(|pod| pod.template.steps.is_none() && pod.node_name.ends_with("(0)")));
}
