//! Steps: names, order, skipped and failed steps, what later groups see.

use crate::driver::check;

#[test]
fn a_container_is_the_root_node_and_bears_the_workflows_name() {
    let world = check(
        "entrypoint: main\ntemplates:\n- name: main\n  container: {image: a, args: ['{{workflow.name}}/{{pod.name}}']}",
        "",
        "Succeeded 1/1
         wf Pod Succeeded",
    );
    let engine::Command::StartPod(pod) = &world.commands[0] else { panic!("no pod") };
    assert_eq!(pod.template.container.as_ref().unwrap().args[0].0, "wf/wf");
    assert_eq!((pod.node.as_str(), pod.pod_name.as_str(), pod.wants_result), ("wf", "wf", false));
    assert_eq!(world.commands[1], engine::Command::Complete { phase: model::argo::WorkflowPhase::Succeeded });
}

const TWO_GROUPS: &str = "
entrypoint: main
templates:
- name: main
  steps:
  - - {name: a, template: t}
    - {name: b, template: t}
  - - {name: c, template: t, when: '{{steps.a.outputs.result}} == heads'}
    - {name: d, template: t, when: '{{steps.a.outputs.result}} != heads'}
- name: t
  container: {image: a}
";

#[test]
fn groups_run_one_after_the_other_and_a_false_when_skips() {
    let world = check(
        TWO_GROUPS,
        "a prints heads",
        "Succeeded 3/3
         wf Steps Succeeded
         wf[0] StepGroup Succeeded
         wf[0].a Pod Succeeded
         wf[0].b Pod Succeeded
         wf[1] StepGroup Succeeded
         wf[1].d Skipped Skipped when 'heads != heads' evaluated false
         wf[1].c Pod Succeeded",
    );
    let ids = |names: &[&str]| names.iter().map(|name| world.node(name).id.clone()).collect::<Vec<_>>();
    assert_eq!(world.node("wf").children, ids(&["[0]"]));
    assert_eq!(world.node("[0]").children, ids(&["a", "b"]));
    assert_eq!(world.node("a").children, ids(&["[1]"]));
    assert_eq!(world.node("wf").outbound_nodes, ids(&["d", "c"]));
    assert_eq!(world.node("a").boundary_id.as_ref().unwrap().as_str(), "wf");
    assert_eq!(world.node("a").template_scope, "local/wf");
    assert_eq!(world.node("a").outputs.as_ref().unwrap().result.as_deref(), Some("heads"));
    assert_eq!(world.node("b").outputs.as_ref().unwrap().exit_code.as_deref(), Some("0"));
}

#[test]
fn a_failed_step_fails_its_group_once_its_siblings_have_ended() {
    let world = check(
        TWO_GROUPS,
        "a exits 1",
        "Failed 2/2 child 'wf-3986212215' failed
         wf Steps Failed child 'wf-3986212215' failed
         wf[0] StepGroup Failed child 'wf-3986212215' failed
         wf[0].a Pod Failed main: Error (exit code 1)
         wf[0].b Pod Succeeded",
    );
    assert_eq!(world.node("a").id.as_str(), "wf-3986212215");
}

#[test]
fn the_steps_node_is_failed_although_the_child_is_in_error() {
    check(
        "entrypoint: main\ntemplates:\n- name: main\n  steps: [[{name: a, template: t}]]\n- name: t\n  container: {image: a}",
        "a breaks lost",
        "Failed 1/1 child 'wf-3986212215' failed
         wf Steps Failed child 'wf-3986212215' failed
         wf[0] StepGroup Failed child 'wf-3986212215' failed
         wf[0].a Pod Error lost",
    );
}

#[test]
fn continue_on_lets_later_groups_run() {
    check(
        "entrypoint: main\ntemplates:\n- name: main\n  steps: [[{name: a, template: t, continueOn: {failed: true}}], [{name: b, template: t, arguments: {}}]]\n- name: t\n  container: {image: a}",
        "a exits 3",
        "Succeeded 2/2
         wf Steps Succeeded
         wf[0] StepGroup Succeeded
         wf[0].a Pod Failed main: Error (exit code 3)
         wf[1] StepGroup Succeeded
         wf[1].b Pod Succeeded",
    );
}

#[test]
fn a_pod_that_cannot_be_made_is_an_error_of_where_it_belongs() {
    let yaml = |head: &str| {
        format!(
            "{head}templates:\n- name: s\n  steps: [[{{name: a, template: t}}, {{name: b, template: u}}], [{{name: c, template: u}}]]\n- name: d\n  dag: {{tasks: [{{name: a, template: t}}, {{name: b, template: u}}]}}\n- name: t\n  container: {{image: a, volumeMounts: [{{name: v}}]}}\n- name: u\n  container: {{image: a}}"
        )
    };
    let lacks = "volume 'v' not found in workflow spec";
    check(
        &yaml("entrypoint: t\nonExit: u\n"),
        "",
        &format!("Error 0/0 error in entry template execution: {lacks}\nwf Pod Error {lacks}"),
    );
    check(
        &yaml("entrypoint: u\nonExit: t\n"),
        "",
        &format!(
            "Error 1/1 error in exit template execution : {lacks}
             wf Pod Succeeded
             wf.onExit Pod Error {lacks}"
        ),
    );
    let group = format!("step group deemed errored due to child wf[0].a error: {lacks}");
    check(
        &yaml("entrypoint: s\n"),
        "",
        &format!(
            "Failed 0/0 {group}
             wf Steps Failed {group}
             wf[0] StepGroup Error {group}
             wf[0].a Pod Error {lacks}"
        ),
    );
    check(
        &yaml("entrypoint: d\n"),
        "",
        &format!(
            "Error 1/1
             wf DAG Error
             wf.a Pod Error task 'wf.a' errored: {lacks}
             wf.b Pod Succeeded"
        ),
    );
}

#[test]
fn a_missing_input_is_an_error_of_the_step_and_its_group() {
    check(
        "entrypoint: main\ntemplates:\n- name: main\n  steps: [[{name: a, template: t}]]\n- name: t\n  inputs: {parameters: [{name: p}]}\n  container: {image: a}",
        "",
        "Failed 0/0 step group deemed errored due to child wf[0].a error: inputs.parameters.p was not supplied
         wf Steps Failed step group deemed errored due to child wf[0].a error: inputs.parameters.p was not supplied
         wf[0] StepGroup Error step group deemed errored due to child wf[0].a error: inputs.parameters.p was not supplied
         wf[0].a Skipped Error inputs.parameters.p was not supplied",
    );
}

#[test]
fn inputs_come_from_arguments_then_values_then_defaults_and_outputs_go_up() {
    let world = check(
        "
entrypoint: main
arguments: {parameters: [{name: who, value: 'a \"b\"'}]}
templates:
- name: main
  inputs: {parameters: [{name: who}]}
  outputs: {parameters: [{name: o, valueFrom: {parameter: '{{steps.a.outputs.parameters.x}}'}, globalName: g}]}
  steps:
  - - name: a
      template: t
      arguments: {parameters: [{name: p, value: '{{inputs.parameters.who}}!'}]}
- name: t
  inputs: {parameters: [{name: p, value: own}, {name: q, value: own}, {name: r, default: dflt}]}
  outputs: {parameters: [{name: x, valueFrom: {path: /x, default: none}}]}
  script: {image: a, command: [sh], source: '{{inputs.parameters.p}} {{inputs.parameters.q}} {{inputs.parameters.r}} {{ .foreign }} {{outputs.parameters.x.path}}'}
",
        "a writes x out",
        "Succeeded 1/1
         wf Steps Succeeded
         wf[0] StepGroup Succeeded
         wf[0].a Pod Succeeded",
    );
    let engine::Command::StartPod(pod) = &world.commands[0] else { panic!("no pod") };
    assert_eq!(pod.template.script.as_ref().unwrap().source, "a \"b\"! own dflt {{ .foreign }} /x");
    let outputs = world.run.status().outputs.as_ref().unwrap();
    assert_eq!(
        (outputs.parameters[0].name.as_str(), outputs.parameters[0].value.as_ref().unwrap().as_str()),
        ("g", "out")
    );
    assert_eq!(
        world.node("wf").outputs.as_ref().unwrap().parameters[0].value.as_ref().unwrap().as_str(),
        "out"
    );
}

#[test]
fn artifacts_pass_by_store_key_and_a_users_key_is_refused() {
    let yaml = "
entrypoint: main
templates:
- name: main
  steps:
  - - {name: a, template: make}
  - - name: b
      template: take
      arguments: {artifacts: [{name: i, from: '{{steps.a.outputs.artifacts.o}}'}]}
- name: make
  outputs: {artifacts: [{name: o, path: /o}]}
  container: {image: a}
- name: take
  inputs: {artifacts: [{name: i, path: /i, mode: 420}, {name: lit, path: /lit, raw: {data: 'hi'}}, {name: none, path: /n, optional: true}]}
  container: {image: a}
";
    let world = check(
        yaml,
        "a stores o 01900000-0000-7000-8000-000000000001/a/o",
        "Succeeded 2/2
         wf Steps Succeeded
         wf[0] StepGroup Succeeded
         wf[0].a Pod Succeeded
         wf[1] StepGroup Succeeded
         wf[1].b Pod Succeeded",
    );
    let engine::Command::StartPod(pod) = &world.commands[1] else { panic!("no pod") };
    let sources: Vec<_> =
        pod.inputs.iter().map(|input| (input.path.as_str(), input.source.clone(), input.mode)).collect();
    assert_eq!(
        sources,
        [
            (
                "/i",
                engine::InputSource::Stored("01900000-0000-7000-8000-000000000001/a/o".to_owned()),
                Some(420)
            ),
            ("/lit", engine::InputSource::Raw("hi".to_owned()), None),
        ]
    );
    let forged = "entrypoint: main\ntemplates:\n- name: main\n  inputs: {artifacts: [{name: i, path: /i, s3: {key: 01900000-0000-7000-8000-000000000002/b/o}}]}\n  container: {image: a}";
    check(
        forged,
        "",
        "Error 0/0 error in entry template execution: the key `01900000-0000-7000-8000-000000000002/b/o` of artifact `i` is one of another run's
         wf Skipped Error the key `01900000-0000-7000-8000-000000000002/b/o` of artifact `i` is one of another run's",
    );
}

#[test]
fn recursion_ends_at_the_limit() {
    let world = {
        let yaml = "entrypoint: main\ntemplates:\n- name: main\n  steps: [[{name: a, template: main}]]";
        let mut world = crate::driver::World::new(crate::driver::spec(yaml), engine::RunOptions::default());
        world.play(&crate::driver::script(""));
        world
    };
    assert_eq!(world.run.status().phase, model::argo::WorkflowPhase::Failed);
    let last = world.run.nodes().values().last().unwrap();
    assert!(last.message.starts_with("Maximum recursion depth exceeded"), "{}", last.message);
    assert_eq!(world.run.nodes().len(), 2 * model::limits::MAX_RECURSION + 1);
}

#[test]
fn a_template_may_say_under_which_name_its_nodes_are_shown() {
    let yaml = "entrypoint: main\ntemplates:\n- name: main\n  steps: [[{name: a, template: t, withItems: [x, z], continueOn: {failed: true}, arguments: {parameters: [{name: p, value: '{{item}}'}]}}], [{name: b, template: t, arguments: {parameters: [{name: p, value: '{{steps.a.outputs.result}}'}]}}]]\n- name: t\n  annotations: {workflows.argoproj.io/display-name: 'shown {{inputs.parameters.p}}'}\n  inputs: {parameters: [{name: p}]}\n  container: {image: a}";
    let world = check(
        yaml,
        "shown x exits 1\nshown z prints 5",
        "Succeeded 3/3
         wf Steps Succeeded
         wf[0] StepGroup Succeeded
         wf[0].a(0:x) Pod Failed main: Error (exit code 1)
         wf[0].a(1:z) Pod Succeeded
         wf[1] StepGroup Succeeded
         wf[1].b Pod Succeeded",
    );
    assert_eq!(world.node("shown [5]").name, "wf[1].b");
}
