//! Expressions (expr-lang): in tags, conditions of retries, outputs of steps and DAGs.

use engine::{Command, RunOptions};
use model::argo::WorkflowPhase;

use crate::driver::{World, check, script, spec};

fn args(world: &World) -> Vec<String> {
    let args = |command: &Command| match command {
        Command::StartPod(pod) => Some(pod.template.container.as_ref().unwrap().args[0].0.clone()),
        _ => None,
    };
    world.commands.iter().filter_map(args).collect()
}

/// Plays one container whose argument is `text`, with the workflow's parameter `num`.
fn said(text: &str) -> (WorkflowPhase, String, Vec<String>) {
    let yaml = format!(
        "entrypoint: main\narguments: {{parameters: [{{name: num, value: '3'}}]}}\ntemplates:\n- name: main\n  inputs: {{parameters: [{{name: x, default: \"it's\"}}]}}\n  container: {{image: a, args: [{text:?}]}}"
    );
    let options = RunOptions {
        variables: [("workflow.submitter.name".to_owned(), "Olga".to_owned())].into(),
        ..RunOptions::default()
    };
    let mut world = World::new(spec(&yaml), options);
    world.play(&script(""));
    (world.run.status().phase, world.run.status().message.clone(), args(&world))
}

#[test]
fn a_tag_may_be_computed_from_what_simple_tags_may_name() {
    for (text, expected) in [
        ("{{=1+1}}", "2"),
        ("{{=asInt(workflow.parameters.num) * 2}} {{workflow.parameters.num}}", "6 3"),
        ("{{=inputs.parameters.x}}", "it's"),
        ("{{=sprig.upper(workflow.submitter.name)}}", "OLGA"),
        ("{{=workflow.name == 'wf' ? 'yes' : 'no'}}", "yes"),
        ("{{=toJson({'a': [1, true]})}}", "{\"a\":[1,true]}"),
        ("{{=map(1..3, {# * 2})}}", "[2,4,6]"),
        ("{{=node.name}}", "wf"),
    ] {
        let (phase, message, args) = said(text);
        assert_eq!((phase, args), (WorkflowPhase::Succeeded, vec![expected.to_owned()]), "{text}: {message}");
    }
}

#[test]
fn an_expression_without_a_value_is_an_error_that_says_so() {
    for text in
        ["{{=workflow.parameters.nothing}}", "{{=inputs.parameters.n}}", "{{=1 +}}", "{{=workflow.name + 1}}"]
    {
        let (phase, message, args) = said(text);
        assert_eq!((phase, args.len()), (WorkflowPhase::Error, 0), "{text}");
        assert!(message.contains("failed to evaluate expression"), "{text}: {message}");
    }
}

#[test]
fn an_output_that_was_not_produced_is_nil() {
    let world = check(
        "entrypoint: main
templates:
- name: main
  steps:
  - - {name: skipped, template: gives, when: 'false'}
  - - name: next
      template: takes
      arguments: {parameters: [{name: x, value: \"{{=steps.skipped.outputs.parameters.p ?? 'none'}}\"}]}
- name: gives
  outputs: {parameters: [{name: p, valueFrom: {path: /p}}]}
  container: {image: a}
- name: takes
  inputs: {parameters: [{name: x}]}
  container: {image: a, args: ['{{inputs.parameters.x}}']}",
        "",
        "Succeeded 1/1
         wf Steps Succeeded
         wf[0] StepGroup Succeeded
         wf[0].skipped Skipped Skipped when 'false' evaluated false
         wf[1] StepGroup Succeeded
         wf[1].next Pod Succeeded",
    );
    assert_eq!(args(&world), ["none"]);
}

#[test]
fn a_retry_goes_on_while_its_expression_is_true_and_then_repeats_errors_too() {
    let retried = |expression: &str| {
        format!(
            "entrypoint: main\ntemplates:\n- name: main\n  retryStrategy: {{limit: 5, expression: {expression:?}}}\n  container: {{image: a}}"
        )
    };
    check(
        &retried("asInt(lastRetry.exitCode) > 1"),
        "wf(0) exits 2
         wf(1) exits 1",
        "Failed 2/2 retryStrategy.expression evaluated to false
         wf Retry Failed retryStrategy.expression evaluated to false
         wf(0) Pod Failed main: Error (exit code 2)
         wf(1) Pod Failed main: Error (exit code 1)",
    );
    check(
        &retried("lastRetry.status == 'Error' && lastRetry.message matches 'lost'"),
        "wf(0) breaks lost",
        "Succeeded 2/2
         wf Retry Succeeded
         wf(0) Pod Error lost
         wf(1) Pod Succeeded",
    );
}

#[test]
fn an_output_of_steps_may_be_an_expression() {
    let world = check(
        "entrypoint: main
templates:
- name: main
  steps:
  - - {name: flip, template: gives}
  outputs: {parameters: [{name: r, valueFrom: {expression: \"steps.flip.outputs.result == 'heads' ? 'won' : 'lost'\"}}]}
- name: gives
  container: {image: a}",
        "flip prints heads",
        "Succeeded 1/1
         wf Steps Succeeded
         wf[0] StepGroup Succeeded
         wf[0].flip Pod Succeeded",
    );
    let outputs = world.node("wf").outputs.as_ref().unwrap();
    assert_eq!(outputs.parameters[0].value.as_ref().unwrap().as_str(), "won");
}
