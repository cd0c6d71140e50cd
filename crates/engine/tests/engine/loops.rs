//! Loops: names of items, groups of tasks, aggregated outputs, empty lists.

use crate::driver::check;

#[test]
fn items_are_named_by_index_and_value() {
    check(
        "
entrypoint: main
templates:
- name: t
  inputs: {parameters: [{name: p}]}
  container: {image: a}
- name: main
  steps:
  - - name: s
      template: t
      arguments: {parameters: [{name: p, value: '{{item}}'}]}
      withItems: [a(b), {k: v, c: 2}, [1, two, 3], true]
",
        "",
        "Succeeded 4/4
         wf Steps Succeeded
         wf[0] StepGroup Succeeded
         wf[0].s(0:ab) Pod Succeeded
         wf[0].s(1:c:2,k:v) Pod Succeeded
         wf[0].s(2:[1 two 3]) Pod Succeeded
         wf[0].s(3:true) Pod Succeeded",
    );
}

#[test]
fn a_looped_task_is_a_task_group_whose_results_aggregate() {
    let world = check(
        "
entrypoint: main
templates:
- name: t
  inputs: {parameters: [{name: p}]}
  outputs: {parameters: [{name: o, valueFrom: {path: /o}}]}
  container: {image: a}
- name: main
  dag:
    tasks:
    - {name: a, template: t, withSequence: {count: '3'}, arguments: {parameters: [{name: p, value: '{{item}}'}]}}
    - {name: b, template: t, dependencies: [a], arguments: {parameters: [{name: p, value: '{{tasks.a.outputs.parameters.o}} {{tasks.a.outputs.result}}'}]}}
",
        "a(0:0) prints 1
         a(0:0) writes o x
         a(1:1) prints {\"b\":1,\"a\":2}
         a(1:1) writes o [1]
         a(2:2) writes o z
         b writes o done",
        "Succeeded 4/4
         wf DAG Succeeded
         wf.a TaskGroup Succeeded
         wf.a(0:0) Pod Succeeded
         wf.a(1:1) Pod Succeeded
         wf.a(2:2) Pod Succeeded
         wf.b Pod Succeeded",
    );
    let inputs = world.node("b").inputs.as_ref().unwrap();
    assert_eq!(inputs.parameters[0].value.as_ref().unwrap().as_str(), r#"["x","[1]","z"] [1,{"a":2,"b":1}]"#);
    assert_eq!(world.node("a(1:1)").children, vec![world.node("b").id.clone()]);
}

#[test]
fn an_empty_list_is_skipped_and_bad_json_is_an_error() {
    let yaml = |list: &str| {
        format!(
            "entrypoint: main\narguments: {{parameters: [{{name: l, value: '{list}'}}]}}\ntemplates:\n- name: t\n  container: {{image: a}}\n- name: main\n  dag: {{tasks: [{{name: a, template: t, withParam: '{{{{workflow.parameters.l}}}}'}}]}}"
        )
    };
    check(
        &yaml("[]"),
        "",
        "Succeeded 0/0
         wf DAG Succeeded
         wf.a Skipped Skipped Skipped, empty params",
    );
    check(
        &yaml("nonsense"),
        "",
        "Error 0/0
         wf DAG Error
         wf.a Skipped Error withParam value could not be parsed as a JSON list: nonsense: expected ident at line 1 column 2",
    );
}

#[test]
fn each_items_when_is_decided_by_itself_and_results_of_any_and_all_count() {
    check(
        "
entrypoint: main
templates:
- name: t
  container: {image: a}
- name: main
  dag:
    tasks:
    - {name: a, template: t, withItems: [1, 2, 3], when: '{{item}} != 2'}
    - {name: any, template: t, depends: a.AnySucceeded}
    - {name: all, template: t, depends: a.AllFailed}
",
        "a(0:1) exits 1",
        "Failed 3/3
         wf DAG Failed
         wf.a TaskGroup Failed
         wf.a(1:2) Skipped Skipped when '2 != 2' evaluated false
         wf.a(0:1) Pod Failed main: Error (exit code 1)
         wf.a(2:3) Pod Succeeded
         wf.any Pod Succeeded
         wf.all Skipped Omitted omitted: depends condition not met",
    );
}
