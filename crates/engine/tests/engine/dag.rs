//! DAGs: conditions, omitted tasks, failFast, targets, and where a task's children hang.

use crate::driver::check;

fn dag(tasks: &str) -> String {
    format!(
        "entrypoint: main\ntemplates:\n- name: t\n  container: {{image: a}}\n- name: main\n  dag:\n    tasks:\n{tasks}"
    )
}

#[test]
fn a_failed_task_omits_its_dependents_and_plain_dependencies_do_not_take_omitted() {
    let world = check(
        &dag(
            "    - {name: a, template: t}\n    - {name: b, template: t, dependencies: [a]}\n    - {name: c, template: t, dependencies: [b]}",
        ),
        "a exits 1",
        "Failed 1/1
         wf DAG Failed
         wf.a Pod Failed main: Error (exit code 1)
         wf.b Skipped Omitted omitted: depends condition not met
         wf.c Skipped Omitted omitted: depends condition not met",
    );
    let id = |name: &str| vec![world.node(name).id.clone()];
    assert_eq!(world.node("wf").children, id("a"));
    assert_eq!(world.node("a").children, id("b"));
    assert_eq!(world.node("wf").outbound_nodes, id("c"));
}

#[test]
fn a_skipped_task_satisfies_plain_dependencies() {
    check(
        &dag("    - {name: a, template: t, when: 'a == b'}\n    - {name: b, template: t, dependencies: [a]}"),
        "",
        "Succeeded 1/1
         wf DAG Succeeded
         wf.a Skipped Skipped when 'a == b' evaluated false
         wf.b Pod Succeeded",
    );
}

#[test]
fn depends_decides_over_results() {
    check(
        &dag(
            "    - {name: a, template: t}\n    - {name: ok, template: t, depends: a.Succeeded}\n    - {name: bad, template: t, depends: 'a.Failed || a.Errored'}\n    - {name: end, template: t, depends: '(ok || ok.Omitted) && !bad.Omitted'}",
        ),
        "a exits 1",
        "Succeeded 3/3
         wf DAG Succeeded
         wf.a Pod Failed main: Error (exit code 1)
         wf.ok Skipped Omitted omitted: depends condition not met
         wf.bad Pod Succeeded
         wf.end Pod Succeeded",
    );
}

#[test]
fn fail_fast_lets_running_tasks_end_and_starts_no_more() {
    let tasks = "    - {name: a, template: t}\n    - {name: b, template: t}\n    - {name: c, template: t, dependencies: [b]}";
    check(
        &dag(tasks),
        "a exits 1",
        "Failed 2/2
         wf DAG Failed
         wf.a Pod Failed main: Error (exit code 1)
         wf.b Pod Succeeded",
    );
    check(
        &dag(&format!("{tasks}\n    failFast: false")),
        "a exits 1",
        "Failed 3/3
         wf DAG Failed
         wf.a Pod Failed main: Error (exit code 1)
         wf.b Pod Succeeded
         wf.c Pod Succeeded",
    );
}

#[test]
fn a_target_runs_only_what_it_needs_and_continue_on_is_tolerated() {
    check(
        &dag(
            "    - {name: a, template: t}\n    - {name: b, template: t, dependencies: [a], continueOn: {failed: true}}\n    - {name: c, template: t}\n    target: b",
        ),
        "b exits 1",
        "Succeeded 2/2
         wf DAG Succeeded
         wf.a Pod Succeeded
         wf.b Pod Failed main: Error (exit code 1)",
    );
}

#[test]
fn only_tasks_before_it_may_be_referred_to() {
    check(
        &dag(
            "    - {name: a, template: t}\n    - {name: b, template: t, dependencies: [a], when: '{{tasks.a.status}} == Succeeded'}\n    - {name: c, template: t, dependencies: [b], when: '{{tasks.other.status}} == x'}\n    - {name: other, template: t}",
        ),
        "",
        "Error 3/3
         wf DAG Error
         wf.a Pod Succeeded
         wf.other Pod Succeeded
         wf.b Pod Succeeded
         wf.c Skipped Error failed to resolve {{tasks.other.status}}",
    );
}

#[test]
fn a_cycle_or_an_unknown_dependency_is_an_error_of_the_node() {
    check(
        &dag(
            "    - {name: a, template: t, dependencies: [b]}\n    - {name: b, template: t, dependencies: [a]}",
        ),
        "",
        "Error 0/0 error in entry template execution: task `a` is part of a cycle of dependencies
         wf Skipped Error task `a` is part of a cycle of dependencies",
    );
}

#[test]
fn an_absent_output_falls_to_the_default_of_producer_or_consumer_else_is_an_error() {
    let with = |outputs: &str, input: &str| {
        format!(
            "
entrypoint: main
templates:
- name: make
  outputs: {{parameters: [{{name: o, valueFrom: {outputs}}}]}}
  container: {{image: a}}
- name: take
  inputs: {{parameters: [{input}]}}
  container: {{image: a, args: ['{{{{inputs.parameters.i}}}}']}}
- name: main
  dag:
    tasks:
    - {{name: a, template: make, when: 'x == y'}}
    - {{name: b, template: take, depends: a.Skipped, arguments: {{parameters: [{{name: i, value: '{{{{tasks.a.outputs.parameters.o}}}}'}}]}}}}
"
        )
    };
    let good = "Succeeded 1/1
         wf DAG Succeeded
         wf.a Skipped Skipped when 'x == y' evaluated false
         wf.b Pod Succeeded";
    let argument = |world: crate::driver::World| {
        let engine::Command::StartPod(pod) = &world.commands[0] else { panic!("no pod") };
        pod.template.container.as_ref().unwrap().args[0].0.clone()
    };
    assert_eq!(
        argument(check(&with("{path: /o, default: theirs}", "{name: i, default: mine}"), "", good)),
        "theirs"
    );
    assert_eq!(argument(check(&with("{path: /o}", "{name: i, default: mine}"), "", good)), "mine");
    check(
        &with("{path: /o}", "{name: i}"),
        "",
        "Error 0/0
         wf DAG Error
         wf.a Skipped Skipped when 'x == y' evaluated false
         wf.b Skipped Error task 'wf.b' errored: inputs.parameters.i was given an absent optional output and has no default",
    );
}
