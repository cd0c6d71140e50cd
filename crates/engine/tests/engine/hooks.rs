//! Hooks of nodes and of the run: when they run, who waits for them, what they know, what their failure means.

use engine::RunOptions;
use model::argo::{NodePhase, WorkflowPhase};

use crate::driver::{World, check, script, spec};

const POD: &str = "- name: t\n  container: {image: a}\n- name: bye\n  inputs: {parameters: [{name: p, default: none}]}\n  container: {image: a, args: ['{{inputs.parameters.p}}']}";

#[test]
fn the_exit_hook_of_a_step_runs_after_it_and_the_group_waits() {
    let world = check(
        &format!(
            "entrypoint: main\ntemplates:\n- name: main\n  steps:\n  - - {{name: a, template: t, hooks: {{exit: {{template: bye, arguments: {{parameters: [{{name: p, value: '{{{{steps.a.status}}}} {{{{steps.a.exitCode}}}}'}}]}}}}}}, continueOn: {{failed: true}}}}\n  - - {{name: b, template: t}}\n{POD}"
        ),
        "a exits 3",
        "Succeeded 3/3
         wf Steps Succeeded
         wf[0] StepGroup Succeeded
         wf[0].a Pod Failed main: Error (exit code 3)
         wf[0].a.onExit Pod Succeeded
         wf[1] StepGroup Succeeded
         wf[1].b Pod Succeeded",
    );
    let hook = world.node("a.onExit");
    assert!(hook.node_flag.unwrap().hooked);
    assert_eq!(hook.inputs.as_ref().unwrap().parameters[0].value.as_ref().unwrap().as_str(), "Failed 3");
    assert_eq!(world.node("a").children[0], hook.id);
}

#[test]
fn the_exit_hook_of_a_task_runs_before_its_dependents_and_its_failure_does_not_count() {
    check(
        &format!(
            "entrypoint: main\ntemplates:\n- name: main\n  dag:\n    tasks:\n    - {{name: a, template: t, onExit: bye}}\n    - {{name: b, template: t, dependencies: [a]}}\n{POD}"
        ),
        "a.onExit exits 1",
        "Succeeded 3/3
         wf DAG Succeeded
         wf.a Pod Succeeded
         wf.a.onExit Pod Failed main: Error (exit code 1)
         wf.b Pod Succeeded",
    );
}

#[test]
fn each_item_of_a_loop_has_its_exit_hook_and_skipped_ones_have_none() {
    check(
        &format!(
            "entrypoint: main\ntemplates:\n- name: main\n  steps:\n  - - {{name: a, template: t, onExit: bye, withItems: [x, z], when: '{{{{item}}}} == x'}}\n{POD}"
        ),
        "",
        "Succeeded 2/2
         wf Steps Succeeded
         wf[0] StepGroup Succeeded
         wf[0].a(1:z) Skipped Skipped when 'z == x' evaluated false
         wf[0].a(0:x) Pod Succeeded
         wf[0].a(0:x).onExit Pod Succeeded",
    );
}

#[test]
fn the_exit_hook_of_the_run_is_the_handler_unless_on_exit_names_one() {
    let yaml = |on_exit: &str| {
        format!(
            "entrypoint: t\n{on_exit}hooks: {{exit: {{template: bye, arguments: {{parameters: [{{name: p, value: '{{{{workflow.status}}}}'}}]}}}}}}\n{POD}",
        )
        .replace("\n- name: t", "\ntemplates:\n- name: t")
    };
    let world = check(
        &yaml(""),
        "wf exits 1",
        "Failed 2/2 main: Error (exit code 1)\nwf Pod Failed main: Error (exit code 1)\nwf.onExit Pod Succeeded",
    );
    let given = world.node("wf.onExit").inputs.clone().unwrap();
    assert_eq!(given.parameters[0].value.as_ref().unwrap().as_str(), "Failed");
    let mut world = World::new(spec(&yaml("onExit: t\n")), RunOptions::default());
    world.play(&script("wf.onExit exits 2"));
    assert_eq!(
        (world.run.status().phase, world.node("wf.onExit").phase),
        (WorkflowPhase::Failed, NodePhase::Failed)
    );
    assert!(world.node("wf.onExit").inputs.is_none());
}
