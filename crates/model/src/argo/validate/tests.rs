//! Validation against Argo's own examples and cases, and one short case a rule.

use std::collections::BTreeMap;

use super::*;
use crate::{
    argo::{Workflow, WorkflowTemplate},
    corpus,
    manifest::{Manifest, Written, parse},
};

/// The WorkflowTemplates a case may refer to.
#[derive(Default)]
struct Templates(BTreeMap<(bool, String), Written<WorkflowTemplate>>);

impl Templates {
    fn put(&mut self, manifest: Manifest) {
        let (cluster, written) = match manifest {
            Manifest::WorkflowTemplate(written) => (false, written),
            Manifest::ClusterWorkflowTemplate(written) => (true, written),
            _ => return,
        };
        self.0.insert((cluster, written.object.metadata.name.clone()), written);
    }
}

impl FindTemplate for Templates {
    fn find(&self, name: &str, cluster: bool) -> Option<(&WorkflowSpec, &Places)> {
        let written = self.0.get(&(cluster, name.to_owned()))?;
        Some((&written.object.spec, written.places()))
    }
}

fn validate_all(
    manifests: &[Manifest],
    mode: Option<Mode>,
    templates: &Templates,
    defaults: Option<&WorkflowSpec>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for manifest in manifests {
        let (mode, metadata, spec) = match manifest {
            Manifest::Workflow(written) => {
                (mode.unwrap_or(Mode::Submit), &written.object.metadata, &written.object.spec)
            }
            Manifest::WorkflowTemplate(written) => {
                (mode.unwrap_or(Mode::Template), &written.object.metadata, &written.object.spec)
            }
            Manifest::ClusterWorkflowTemplate(written) => {
                (Mode::ClusterTemplate, &written.object.metadata, &written.object.spec)
            }
            Manifest::CronWorkflow(written) => {
                let places = written.places();
                faults.extend(validate_cron_workflow(&written.object, templates, places, defaults).faults);
                continue;
            }
            Manifest::WorkflowEventBinding(written) => {
                faults.extend(validate_event_binding(&written.object, templates, written.places()).faults);
                continue;
            }
            _ => continue,
        };
        let places = manifest.places();
        let validation = Validation { mode, templates, places, metadata: Some(metadata), defaults };
        faults.extend(validate_name(mode, &metadata.name, places));
        faults.extend(validate(spec, &validation));
    }
    faults
}

#[test]
fn every_example_of_argo_is_valid() {
    let Some(folder) = corpus::find("argo/examples") else { return };
    let files = corpus::yaml_files(&folder);
    let mut templates = Templates::default();
    for (_, text) in &files {
        for manifest in parse("example.yaml", text).unwrap_or_default() {
            templates.put(manifest);
        }
    }
    let mut failed = Vec::new();
    for (name, text) in &files {
        let Ok(manifests) = parse(name, text) else { continue };
        if let Some(fault) = validate_all(&manifests, None, &templates, None).first() {
            failed.push((name.clone(), fault.to_string()));
        }
    }
    corpus::compare_gaps(&failed, &[]);
}

/// Files of Argo's end-to-end tests that Argo's lint refuses as well, and why.
const REFUSED: &[(&str, &str)] = &[
    ("cron/cron-and-malformed-template.yaml", "unknown field in its template"),
    ("expectedfailures/input-artifact-not-optional.yaml", "the entrypoint gets no artifact"),
    ("inline/functional-TestDAGLevelMemoize.yaml", "unknown field `Parameter`"),
    ("inline/functional-TestStepLevelMemoize.yaml", "unknown field `Parameter`"),
    ("inline/agent-TestStatusCondition.yaml", "unknown field `workflowMetadata`"),
    (
        "inline/workflow_configmap_substitution-TestDefaultParamValueWhenNotFound.yaml",
        "unknown field `label`",
    ),
    (
        "inline/workflow_configmap_substitution-TestInvalidNameParameterSubstitution.yaml",
        "unknown field `label`",
    ),
    ("inline/workflow_configmap_substitution-TestNameSubstitution.yaml", "unknown field `label`"),
    (
        "inline/workflow_inputs_orverridable-TestArgsValueFromParamsOverrideInputParamsValue.yaml",
        "unknown field `label`",
    ),
    (
        "inline/workflow_inputs_orverridable-TestArgsValueFromParamsOverrideInputParamsValueFrom.yaml",
        "unknown field `label`",
    ),
    (
        "inline/workflow_inputs_orverridable-TestArgsValueParamsOverrideInputParamsValue.yaml",
        "unknown field `label`",
    ),
    (
        "inline/workflow_inputs_orverridable-TestArgsValueParamsOverrideInputParamsValueFrom.yaml",
        "unknown field `label`",
    ),
    (
        "inline/daemon_pod-TestDaemonTemplateRef-workflowtemplate.yaml",
        "refers to a template that its test makes only later",
    ),
    ("inline/functional-TestTemplateLevelTimeoutWithForbidden.yaml", "unknown field `resources`"),
    (
        "inline/functional-TestWorkflowLifecycleHookWithWorkflowTemplate-workflowtemplate.yaml",
        "the entrypoint's parameter has no value at rest",
    ),
    (
        "inline/functional-TestWorkflowLifecycleHookWithWorkflowTemplate.yaml",
        "unknown field `hooks` of a workflowTemplateRef",
    ),
    (
        "inline/functional-TestWorkflowTemplateRefWithExitHandlerError-workflowtemplate.yaml",
        "unknown field `templateRef`",
    ),
    ("inline/functional-TestWorkflowTemplateRefWithExitHandlerError.yaml", "its template could not be read"),
    ("lintfail/disallow-unknown.yaml", "unknown field"),
    ("lintfail/invalid-spec.yaml", "the entrypoint does not exist"),
    ("lintfail/malformed-spec.yaml", "the entrypoint is a list"),
    ("smoke/basic-invalid.yaml", "no YAML"),
    ("synchronization/db-mutex-wf-level.yaml", "unknown field `dbapiVersion`"),
    ("synchronization/mutex-wf-level.yaml", "unknown field `dbapiVersion`"),
    ("testdata/argo-server-test-role.yaml", "no kind of Argo's"),
    ("testdata/malformed/malformed-clusterworkflowtemplate.yaml", "parameters are no list"),
    ("testdata/malformed/malformed-cronworkflow.yaml", "parameters are no list"),
    ("testdata/malformed/malformed-workflow.yaml", "parameters are no list"),
    ("testdata/malformed/malformed-workflowtemplate.yaml", "parameters are no list"),
    (
        "testdata/wellformed/wellformed-workflow-with-malformed-cluster-workflow-template-ref.yaml",
        "its template could not be read",
    ),
    ("testdata/parameters-workflow.yaml", "its test gives the parameter when it submits"),
    ("testdata/workflow-templates/invalid-workflowtemplate.yaml", "unknown field `entrypoints`"),
];

#[test]
fn the_files_of_argos_end_to_end_tests_are_judged_as_argo_judges_them() {
    let Some(folder) = corpus::find("argo/e2e") else { return };
    let expectations = std::fs::read_to_string(folder.join("expectations.json")).unwrap();
    let expectations: serde_json::Value = serde_json::from_str(&expectations).unwrap();
    let kinds: BTreeMap<&str, &str> = expectations["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|file| Some((file["file"].as_str()?, file["kinds"][0].as_str()?.split(' ').next()?)))
        .collect();
    let mut files = corpus::yaml_files(&folder);
    let mut templates = Templates::default();
    for (name, text) in &mut files {
        // objects without a kind are of the one that the test names
        if !text.contains("kind: ") {
            text.insert_str(0, &format!("kind: {}\n", kinds.get(name.as_str()).unwrap_or(&"Workflow")));
        }
        if !text.contains("apiVersion:") || name.ends_with("synchronization/mutex-wf-level.yaml") {
            text.insert_str(0, "apiVersion: argoproj.io/v1alpha1\n");
        }
        parse("e2e.yaml", text).unwrap_or_default().into_iter().for_each(|manifest| templates.put(manifest));
    }
    assert!(files.len() > 200);
    let mut failed = Vec::new();
    for (name, text) in &files {
        let faults = match parse(name, text) {
            Ok(manifests) => validate_all(&manifests, None, &templates, None),
            Err(faults) => faults,
        };
        if let Some(fault) = faults.first() {
            failed.push((name.clone(), fault.to_string()));
        }
    }
    let refused: Vec<&str> = REFUSED.iter().map(|(name, _)| *name).collect();
    corpus::compare_gaps(&failed, &refused);
}

#[test]
fn argos_own_cases_of_validation_are_judged_as_argo_judges_them() {
    let Some(folder) = corpus::find("argo/validation") else { return };
    let files: BTreeMap<String, String> = corpus::yaml_files(&folder).into_iter().collect();
    let cases: Vec<serde_json::Value> =
        serde_json::from_str(&std::fs::read_to_string(folder.join("cases.json")).unwrap()).unwrap();
    assert!(cases.len() > 100);
    let mut failed = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let text = |field: &str| case[field].as_str().unwrap_or_default();
        let required =
            case["requires"].as_array().into_iter().flatten().filter_map(|file| files.get(file.as_str()?));
        let mut templates = Templates::default();
        for manifest in required.flat_map(|text| parse("required.yaml", text).unwrap_or_default()) {
            templates.put(manifest);
        }
        let mode =
            match (text("kind"), case["options"]["Lint"].as_bool(), case["options"]["Submit"].as_bool()) {
                ("WorkflowTemplate", _, Some(true)) => Mode::SubmitTemplate,
                (_, _, Some(true)) => Mode::Submit,
                ("WorkflowTemplate", ..) => Mode::Template,
                (_, Some(true), _) => Mode::Lint,
                _ => Mode::Submit,
            };
        // some of Argo's literals leave out what the server fills in
        let head = if files[text("file")].contains("apiVersion:") {
            ""
        } else {
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n"
        };
        let defaults = case["note"].as_str().and_then(|note| note.split_once("workflowDefaults "));
        let defaults: Option<Workflow> = defaults.map(|(_, json)| serde_json::from_str(json).unwrap());
        let faults = match parse(text("file"), &format!("{head}{}", files[text("file")])) {
            Ok(manifests) => {
                validate_all(&manifests, Some(mode), &templates, defaults.as_ref().map(|object| &object.spec))
            }
            Err(faults) => faults,
        };
        let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        let wanted = case["error_contains"].as_str().unwrap_or_default();
        let right = match case["valid"].as_bool() {
            Some(true) => faults.is_empty(),
            _ => messages.iter().any(|message| message.contains(wanted)),
        };
        if !right {
            let name = format!("{number} {}", text("file"));
            failed.push((name, format!("valid: {}, wanted {wanted:?}, found {messages:?}", case["valid"])));
        }
    }
    corpus::compare_gaps(&failed, KNOWN_GAPS);
}

/// Cases of Argo that are not judged as Argo does yet; may only shrink.
const KNOWN_GAPS: &[&str] = &[];

/// Returns the faults of a Workflow with these templates, as they are shown.
fn faults(spec: &str) -> Vec<String> {
    let text = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: a}}\nspec: {{entrypoint: main, {spec}}}\n"
    );
    let manifests = parse("w.yaml", &text).unwrap();
    validate_all(&manifests, None, &Templates::default(), None)
        .iter()
        .map(|fault| fault.message.clone())
        .collect()
}

#[track_caller]
fn check(templates: &str, expected: &[&str]) {
    assert_eq!(
        faults(&format!("templates: [{templates}, {{name: echo, container: {{image: busybox}}}}]")),
        expected,
        "{templates}"
    );
}

#[test]
fn arguments_take_the_place_of_what_inputs_say() {
    let call = |arguments: &str| {
        format!(
            "{{name: main, steps: [[{{name: a, template: wait, arguments: {{parameters: [{arguments}]}}}}]]}}"
        )
    };
    let wait = "{name: wait, timeout: '{{inputs.parameters.t}}', inputs: {parameters: [{name: t}]}, container: {image: a}}";
    let found = |arguments: &str| faults(&format!("templates: [{}, {wait}]", call(arguments)));
    assert_eq!(found("{name: t, value: 10s}"), [""; 0]);
    assert_eq!(
        found("{name: t, value: 10}"),
        ["templates.main.steps[0].a wait has invalid duration format in timeout"]
    );
    // where an input comes from is looked at only where nothing takes its place
    let unresolved = "{name: x, path: /x, git: {repo: '{{workflow.parameters.none}}'}}";
    check(
        &format!(
            "{{name: main, steps: [[{{name: a, template: echo}}]]}}, {{name: other, inputs: {{artifacts: [{unresolved}]}}, container: {{image: a}}}}"
        ),
        &[],
    );
    check(
        &format!("{{name: main, inputs: {{artifacts: [{unresolved}]}}, container: {{image: a}}}}"),
        &["templates.main: failed to resolve {{workflow.parameters.none}}"],
    );
}

#[test]
fn the_first_location_that_an_artifact_has_decides() {
    let spec = |artifact: &str| {
        format!("arguments: {{artifacts: [{artifact}]}}, templates: [{{name: main, suspend: {{}}}}]")
    };
    assert_eq!(faults(&spec("{name: a, raw: {data: ''}}")), [""; 0]);
    assert_eq!(faults(&spec("{name: a, s3: {key: k}, plugin: {name: p}}")), [""; 0]);
    for artifact in
        ["{name: a, http: {url: ''}, raw: {data: x}}", "{name: a, oss: {bucket: b}, s3: {key: k}}"]
    {
        assert_eq!(
            faults(&spec(artifact)),
            ["spec.arguments.a.from, artifact location, or key is required"],
            "{artifact}"
        );
    }
}

#[test]
fn a_plugin_is_named_and_a_manifest_is_yaml() {
    check("{name: main, plugin: {slack: {}}}", &[]);
    check("{name: main, plugin: {}}", &["templates.main.plugin expected exactly one key, got 0"]);
    let resource =
        |manifest: &str| format!("{{name: main, resource: {{action: create, manifest: \"{manifest}\"}}}}");
    check(&resource("a: '{{item}}'"), &[]);
    check(&resource("a: {{=1 + 1}}"), &[]);
    check(&resource("a: {{item}}"), &["templates.main.resource.manifest must be a valid yaml"]);
}

#[test]
fn a_template_has_exactly_one_kind() {
    check("{name: main, container: {image: x}}", &[]);
    check(
        "{name: main}",
        &[
            "templates.main template type unspecified. choose one of: container, containerSet, steps, script, resource, dag, data, suspend, http, plugin",
        ],
    );
    check(
        "{name: main, suspend: {}, container: {image: x}}",
        &[
            "templates.main multiple template types specified. choose one of: container, containerSet, steps, script, resource, dag, data, suspend, http, plugin",
        ],
    );
    check("{name: main, container: {}}", &["templates.main.container.image may not be empty"]);
    check(
        "{name: main, suspend: {}, parallelism: 1}",
        &["templates.main.parallelism is only valid for steps and dag templates"],
    );
}

#[test]
fn names_are_valid_and_unique() {
    check(
        "{name: main, suspend: {}}, {name: main, suspend: {}}",
        &["spec.templates[1].name 'main' is not unique"],
    );
    check(
        "{name: main, steps: [[{name: a, template: echo}], [{name: a, template: echo}]]}",
        &["templates.main.steps[1].name 'a' is not unique"],
    );
    check(
        "{name: main, dag: {tasks: [{name: a_b, template: echo}]}}",
        &[
            "templates.main.tasks[0].name: 'a_b' is invalid: name must consist of alpha-numeric characters or '-', and must start with an alpha-numeric character (e.g. My-name1-2, 123-NAME)",
        ],
    );
    let long = format!("{{name: main, dag: {{tasks: [{{name: {}, template: echo}}]}}}}", "a".repeat(129));
    assert!(
        faults(&format!("templates: [{long}, {{name: echo, suspend: {{}}}}]"))[0]
            .ends_with("must be no more than 128 characters")
    );
}

#[test]
fn calls_name_one_template_that_exists() {
    check(
        "{name: main, steps: [[{name: a, template: none}]]}",
        &["templates.main.steps[0].a template name 'none' undefined"],
    );
    check(
        "{name: main, steps: [[{name: a}]]}",
        &["templates.main.steps[0].a needs one of template, templateRef and inline"],
    );
    check(
        "{name: main, steps: [[{name: a, template: none, inline: {suspend: {}}}]]}",
        &["templates.main.steps[0].a template name 'none' undefined"],
    );
    // the one that is written in place wins, as with Argo
    check("{name: main, steps: [[{name: a, template: echo, inline: {suspend: {}}}]]}", &[]);
    check(
        "{name: main, steps: [[{name: a, inline: {http: {}}, template: echo, templateRef: {name: t, template: x}}]]}",
        &["templates.main.steps[0].a template name cannot be specified with templateRef"],
    );
    check(
        "{name: main, steps: [[{name: a, templateRef: {name: t, template: x}}]]}",
        &["templates.main.steps[0].a template reference t.x not found"],
    );
    check(
        "{name: main, steps: [[{name: a, inline: {steps: [[{name: b, inline: {suspend: {}}}]]}}]]}",
        &[
            "templates.main.steps[0].a templates..steps[0].b an inline template cannot hold another inline template",
        ],
    );
    check(
        "{name: main, steps: [[{name: a, template: \"{{workflow.name}}\"}]]}",
        &["templates.main.steps[0].a template name '{{…}}' undefined"],
    );
}

#[test]
fn inputs_get_their_values() {
    const TAKES: &str = "{name: takes, inputs: {parameters: [{name: x}, {name: y, default: 1}], artifacts: [{name: f, path: /f}, {name: g, path: /g, optional: true}]}, container: {image: b}}";
    check(
        &format!("{{name: main, steps: [[{{name: a, template: takes}}]]}}, {TAKES}"),
        &[
            "templates.main.steps[0].a templates.takes inputs.parameters.x was not supplied",
            "templates.main.steps[0].a templates.takes inputs.artifacts.f was not supplied",
        ],
    );
    check(
        &format!(
            "{{name: main, steps: [[{{name: a, template: takes, arguments: {{parameters: [{{name: x, value: 1}}], artifacts: [{{name: f, raw: {{data: d}}}}]}}}}]]}}, {TAKES}"
        ),
        &[],
    );
    check(
        "{name: main, inputs: {parameters: [{name: x}]}, suspend: {}}",
        &["templates.main inputs.parameters.x was not supplied"],
    );
    assert_eq!(
        faults("arguments: {parameters: [{name: x}]}, templates: [{name: main, suspend: {}}]"),
        ["spec.arguments.x.value or spec.arguments.x.valueFrom is required"]
    );
}

#[test]
fn loops_are_of_one_kind() {
    check(
        "{name: main, steps: [[{name: a, template: echo, withItems: [1], withParam: \"[]\"}]]}",
        &["templates.main.steps[0].a only one of withItems, withParam, withSequence can be specified"],
    );
    check(
        "{name: main, steps: [[{name: a, template: echo, withSequence: {count: 1, end: 2}}]]}",
        &["templates.main.steps[0].a only one of count or end can be defined in withSequence"],
    );
}

#[test]
fn references_resolve_or_are_told() {
    for (text, unresolved) in [
        (
            "{{workflow.name}} {{workflow.labels}} {{pod.name}} {{node.name}} {{retries}} {{ workflow.uid }}",
            vec![],
        ),
        ("{{inputs.parameters.x}} {{inputs.parameters}}", vec![]),
        ("{{inputs.parameters.z}}", vec!["inputs.parameters.z"]),
        ("{{workflow.parameters.z}}", vec!["workflow.parameters.z"]),
        ("{{steps.a.outputs.result}}", vec!["steps.a.outputs.result"]),
        ("{{item}} {{retries}} {{workflow.submitter.name}}", vec![]),
        ("{{item.a}} {{workflow.labels.none}}", vec!["item.a", "workflow.labels.none"]),
        ("{{somebody.elses}} {{ .Values.x }} {{=inputs.parameters.z}} {{unclosed", vec![]),
        ("{{inputs.parameters.{{inputs.parameters.z}}}}", vec!["inputs.parameters.z"]),
    ] {
        let text = serde_json::to_string(text).unwrap();
        let template = format!(
            "{{name: t, inputs: {{parameters: [{{name: x}}]}}, container: {{image: b, args: [{text}]}}}}"
        );
        let expected: Vec<String> = unresolved
            .iter()
            .map(|tag| format!("templates.t templates.t: failed to resolve {{{{{tag}}}}}"))
            .collect();
        check(
            &format!("{{name: main, suspend: {{}}}}, {template}"),
            &expected.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    }
}

#[test]
fn steps_know_only_what_ended_before_them() {
    let steps = |when: &str| {
        format!(
            "{{name: main, steps: [[{{name: a, template: echo}}, {{name: b, template: echo}}], [{{name: c, template: echo, when: \"{when} == 1\"}}]]}}"
        )
    };
    check(&steps("{{steps.a.outputs.result}} {{steps.b.exitCode}} {{steps.a.status}}"), &[]);
    check(&steps("{{steps.c.status}}"), &[]);
    check(&steps("{{steps.d.status}}"), &["templates.main.steps failed to resolve {{steps.d.status}}"]);
    check(
        &steps("{{steps.c.outputs.result}}"),
        &["templates.main.steps failed to resolve {{steps.c.outputs.result}}"],
    );
    check(
        &steps("{{steps.a.outputs.parameters.p}}"),
        &["templates.main.steps failed to resolve {{steps.a.outputs.parameters.p}}"],
    );
    check(&steps("{{tasks.a.status}}"), &["templates.main.steps failed to resolve {{tasks.a.status}}"]);
    check(&steps("{{item}}"), &[]);
}

#[test]
fn tasks_depend_on_tasks_that_exist_and_never_in_a_circle() {
    let dag = |tasks: &str| format!("{{name: main, dag: {{tasks: [{tasks}]}}}}");
    let task = |name: &str, more: &str| format!("{{name: {name}, template: echo, {more}}}");
    for (tasks, expected) in [
        (vec![task("a", ""), task("b", "dependencies: [a]"), task("c", "dependencies: [a, b]")], vec![]),
        (vec![task("a", ""), task("b", "depends: \"a.Succeeded && !(a.Failed || a)\"")], vec![]),
        (vec![task("a", "dependencies: [b]")], vec!["templates.main.tasks.a dependency 'b' not defined"]),
        (
            vec![task("a", "depends: \"b || a.Gone\"")],
            vec![
                "templates.main.tasks.a dependency 'b' not defined",
                "templates.main.tasks.a task result 'Gone' for task 'a' is invalid",
                "templates.main.tasks dependency cycle detected: a->a",
            ],
        ),
        (
            vec![
                task("a", "dependencies: [c]"),
                task("b", "dependencies: [a]"),
                task("c", "dependencies: [b]"),
            ],
            vec!["templates.main.tasks dependency cycle detected: a->b->c->a"],
        ),
        (
            vec![task("a", ""), task("b", "depends: \"a; drop\"")],
            vec!["templates.main.tasks.b dependency 'drop' not defined"],
        ),
        (
            vec![task("a", ""), task("b", "depends: a.AnySucceeded")],
            vec![
                "templates.main.tasks.b dependency 'a' uses an items-based condition such as .AnySucceeded or .AllFailed but does not contain any items",
            ],
        ),
        (vec![task("a", "withItems: [1]"), task("b", "depends: a.AnySucceeded")], vec![]),
        (
            vec![task("a", ""), task("b", "depends: a"), task("c", "dependencies: [a]")],
            vec!["templates.main cannot use both 'depends' and 'dependencies' in the same DAG template"],
        ),
        (
            vec![task("a", ""), task("1b", "dependencies: [a]")],
            vec![
                "templates.main.tasks.1b name cannot begin with a digit when using either 'depends' or 'dependencies'",
            ],
        ),
        (
            vec![task("a", ""), task("b", "when: \"{{tasks.a.status}} == 1\"")],
            vec!["templates.main.tasks.b failed to resolve {{tasks.a.status}}"],
        ),
        (
            vec![
                task("a", ""),
                task("b", "dependencies: [a]"),
                task("c", "dependencies: [b], when: \"{{tasks.a.status}} == 1\""),
            ],
            vec![],
        ),
    ] {
        check(&dag(&tasks.join(", ")), &expected);
    }
}

#[test]
fn circles_and_chains_of_ten_thousand_tasks_end_soon() {
    let task = |index: usize, before: usize| {
        format!(
            "{{name: t{index}, template: echo, dependencies: [t{before}], when: \"{{{{tasks.t{before}.status}}}} == Succeeded\"}}"
        )
    };
    let chain: Vec<String> = std::iter::once("{name: t0, template: echo}".to_owned())
        .chain((1..10_000).map(|index| task(index, index - 1)))
        .collect();
    check(&format!("{{name: main, dag: {{tasks: [{}]}}}}", chain.join(", ")), &[]);
    let circle: Vec<String> = (0..10_000).map(|index| task(index, (index + 9_999) % 10_000)).collect();
    let found = faults(&format!(
        "templates: [{{name: main, dag: {{tasks: [{}]}}}}, {{name: echo, suspend: {{}}}}]",
        circle.join(", ")
    ));
    assert!(found[0].contains("dependency cycle detected"), "{}", found[0]);
}

#[test]
fn workflows_made_to_be_slow_to_judge_are_judged_in_time() {
    let many =
        |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<Vec<_>>().join(", ");
    let groups =
        many(20_000, &|n| format!("[{{name: s{n}, template: echo, when: \"{{{{steps.s0.ip}}}}\"}}]"));
    let found =
        faults(&format!("templates: [{{name: main, steps: [{groups}]}}, {{name: echo, suspend: {{}}}}]"));
    assert_eq!(found.len(), 1_000);
    assert_eq!(found[0], "templates.main.steps failed to resolve {{steps.s0.ip}}");
    let references = "{{inputs.parameters.z}} ".repeat(100_000);
    let found =
        faults(&format!("templates: [{{name: main, container: {{image: b, args: [\"{references}\"]}}}}]"));
    assert_eq!(found.len(), 1);
    let dots = ".".repeat(1_000_000);
    let found = faults(&format!(
        "templates: [{{name: main, container: {{image: b, args: [\"{{{{inputs{dots}}}}}\"]}}}}]"
    ));
    assert!(found[0].len() < 300, "{}", found[0].len());
    let tags = "{{x}}".repeat(200_000);
    let found =
        faults(&format!("templates: [{{name: main, steps: [[{{name: \"{tags}\", template: none}}]]}}]"));
    assert!(found.iter().all(|message| message.len() < 2_000));
    let parameters = many(20_000, &|n| format!("{{name: p{n}}}"));
    let found = faults(&format!(
        "arguments: {{parameters: [{parameters}]}}, templates: [{{name: main, inputs: {{parameters: [{parameters}]}}, suspend: {{}}}}]"
    ));
    assert!(found.len() <= 1_000 && found[0].contains("20000 parameters"), "{}", found[0]);
}

#[test]
fn outputs_come_from_where_their_kind_can_give_them() {
    let with = |kind: &str, from: &str| {
        format!("{{name: main, {kind}, outputs: {{parameters: [{{name: o, {from}}}]}}}}")
    };
    for (kind, from, expected) in [
        ("container: {image: b}", "valueFrom: {path: /o}", vec![]),
        (
            "container: {image: b}",
            "valueFrom: {parameter: x}",
            vec!["templates.main.outputs.parameters.o.path must be specified for Container templates"],
        ),
        (
            "container: {image: b}",
            "globalName: g",
            vec!["templates.main.outputs.parameters.o does not have valueFrom or value specified"],
        ),
        (
            "container: {image: b}",
            "valueFrom: {path: /o, expression: x}",
            vec![
                "templates.main.outputs.parameters.o multiple valueFrom types specified. choose one of: path, jqFilter, jsonPath, parameter, raw",
            ],
        ),
        ("suspend: {}", "valueFrom: {supplied: {}}", vec![]),
        (
            "steps: [[{name: a, template: echo}]]",
            "valueFrom: {parameter: \"{{steps.a.outputs.result}}\"}",
            vec![],
        ),
        (
            "steps: [[{name: a, template: echo}]]",
            "valueFrom: {parameter: \"{{steps.b.outputs.result}}\"}",
            vec!["templates.main.outputs failed to resolve {{steps.b.outputs.result}}"],
        ),
    ] {
        check(&with(kind, from), &expected);
    }
}

#[test]
fn faults_point_at_what_they_are_about() {
    let text = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: a}\nspec:\n  entrypoint: main\n  templates:\n  - name: main\n    steps:\n    - - name: a\n        template: none\n";
    let manifests = parse("w.yaml", text).unwrap();
    let faults = validate_all(&manifests, None, &Templates::default(), None);
    assert_eq!(
        faults[0].to_string(),
        "w.yaml:10:9: templates.main.steps[0].a template name 'none' undefined [MDL0302]"
    );
}

proptest::proptest! {
    #[test]
    fn any_text_has_tags_or_none(text in "[{}a. é]{0,40}") {
        for tag in scope::tags(&text) {
            proptest::prop_assert!(text.contains(tag));
        }
    }
}
