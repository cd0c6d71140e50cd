//! From a submission to the effective workflow: what is merged, and what nobody but the template may set.

use serde_json::json;

use super::*;
use crate::manifest::{Manifest, parse};

const OBJECTS: &str = r#"
apiVersion: core.oam.dev/v1beta1
kind: ComponentDefinition
metadata: {name: export}
spec:
  workload: {type: workflowtemplates.argoproj.io}
  extension:
    marque.dev:
      source: {kind: WorkflowTemplate, name: export}
      parameterSchema:
        type: object
        properties:
          month: {type: string, pattern: "^[0-9]{4}-[0-9]{2}$"}
          bucket: {type: string}
---
apiVersion: core.oam.dev/v1beta1
kind: TraitDefinition
metadata: {name: approval}
spec: {definitionRef: {name: approvals.marque.dev}}
---
apiVersion: core.oam.dev/v1beta1
kind: ScopeDefinition
metadata: {name: identityscopes.marque.dev}
spec: {definitionRef: {name: identityscopes.marque.dev}}
---
apiVersion: marque.dev/v1alpha1
kind: IdentityScope
metadata: {name: root, namespace: finance}
spec: {namespaceRoot: true, approvers: ["group:approvers"], approvals: {min: 2, expiresAfter: 12h}}
---
apiVersion: marque.dev/v1alpha1
kind: IdentityScope
metadata: {name: payroll, namespace: finance}
spec: {parent: root, approvers: ["group:approvers"], approvals: {expiresAfter: 6h}}
---
apiVersion: core.oam.dev/v1beta1
kind: Application
metadata: {name: payroll, namespace: finance}
spec:
  components:
    - name: export
      type: export
      properties: {month: "2026-11"}
      traits:
        - type: approval
          properties:
            gates:
              - {node: wait, approvers: ["group:approvers"], min: 1}
              - {node: approve, approvers: ["group:approvers"], min: 3, expiresAfter: 1h}
      scopes: {identityscopes.marque.dev: payroll}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: export, namespace: finance}
spec:
  entrypoint: main
  activeDeadlineSeconds: 600
  serviceAccountName: exporter
  arguments:
    parameters: [{name: month, value: "2000-01"}, {name: bucket, value: prod}, {name: note, enum: [a, b], value: a}]
  templates:
    - name: main
      steps:
        - [{name: extract, template: extract}]
        - [{name: approve, template: wait}]
        - [{name: say, templateRef: {name: library, template: say}}]
    - name: extract
      container: {image: busybox, command: [echo, "{{workflow.parameters.month}}"]}
    - name: wait
      suspend: {}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: library, namespace: finance}
spec:
  serviceAccountName: librarian
  templates:
    - name: say
      dag: {tasks: [{name: a, template: echo}, {name: b, template: say-twice, dependencies: [a]}]}
    - name: say-twice
      steps: [[{name: once, template: echo}, {name: again, template: echo}]]
    - name: echo
      container: {image: busybox, command: [echo]}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: free, namespace: finance}
spec:
  entrypoint: main
  arguments: {parameters: [{name: greeting}]}
  templates:
    - name: main
      container: {image: busybox, command: [echo, "{{workflow.parameters.greeting}}"]}
"#;

fn catalog() -> Catalog {
    Catalog::check(parse("objects.yaml", OBJECTS).unwrap()).unwrap()
}

fn workflow(spec: &str, metadata: &str) -> Workflow {
    let text = format!(
        "{{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {{name: run, namespace: finance, {metadata}}}, spec: {spec}}}"
    );
    match parse("run.yaml", &text).unwrap().remove(0) {
        Manifest::Workflow(written) => written.object,
        other => panic!("{other:?}"),
    }
}

fn lowered(spec: &str, metadata: &str) -> Result<(Workflow, Binding), Vec<String>> {
    lower(&catalog(), workflow(spec, metadata))
        .map_err(|faults| faults.into_iter().map(|fault| fault.message).collect())
}

fn value<'a>(workflow: &'a Workflow, name: &str) -> &'a str {
    let parameter = workflow.spec.arguments.parameters.iter().find(|parameter| parameter.name == name);
    parameter.unwrap().value.as_ref().unwrap().as_str()
}

const BY_TEMPLATE: &str = "workflowTemplateRef: {name: export}";
const BY_LABELS: &str = "labels: {app.oam.dev/name: payroll, app.oam.dev/component: export}";

#[test]
fn a_component_is_bound_by_template_by_labels_or_by_both() {
    let alone = lowered(&format!("{{{BY_TEMPLATE}}}"), "").unwrap();
    for (spec, metadata) in [("{}", BY_LABELS), (&*format!("{{{BY_TEMPLATE}}}"), BY_LABELS)] {
        assert_eq!(lowered(spec, metadata).unwrap(), alone);
    }
    let (workflow, binding) = alone;
    assert_eq!(binding.component.unwrap().to_string(), "finance/payroll/export");
    let scopes: Vec<_> = binding.scopes.iter().map(|scope| scope.name.as_str()).collect();
    assert_eq!(scopes, ["payroll", "root"]);
    assert!(binding.overrides.is_empty());
    assert_eq!(workflow.spec.entrypoint, "main");
    assert_eq!(workflow.spec.workflow_template_ref, None);
    assert_eq!(workflow.spec.service_account_name, "exporter");
    let labels: Vec<_> = workflow.metadata.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(
        labels,
        [
            "app.oam.dev/name=payroll",
            "app.oam.dev/component=export",
            "workflows.argoproj.io/workflow-template=export"
        ]
    );
}

#[test]
fn references_that_contradict_each_other_are_refused() {
    for (spec, metadata, expected) in [
        (
            "{workflowTemplateRef: {name: free}}",
            BY_LABELS,
            "the labels name component `finance/payroll/export`, but WorkflowTemplate `finance/free` belongs to no component",
        ),
        (
            "{}",
            "labels: {app.oam.dev/name: payroll, app.oam.dev/component: import}",
            "component `finance/payroll/import` of the labels does not exist",
        ),
        (
            "{}",
            "labels: {app.oam.dev/component: export}",
            "the label `app.oam.dev/component: export` needs `app.oam.dev/name` beside it",
        ),
        (
            "{workflowTemplateRef: {name: export}}",
            "labels: {app.oam.dev/name: other}",
            "the label `app.oam.dev/name` names `other`, but WorkflowTemplate `finance/export` belongs to `finance/payroll/export`",
        ),
        ("{workflowTemplateRef: {name: nothing}}", "", "workflow template `finance/nothing` not found"),
        (
            "{workflowTemplateRef: {name: export, clusterScope: true}}",
            "",
            "cluster workflow template `export` not found",
        ),
    ] {
        assert_eq!(lowered(spec, metadata).unwrap_err(), [expected]);
    }
}

#[test]
fn the_callers_values_come_before_the_applications_and_those_before_the_templates() {
    let (workflow, binding) = lowered(
        &format!("{{{BY_TEMPLATE}, arguments: {{parameters: [{{name: bucket, value: test}}, {{name: note, value: a}}]}}}}"),
        "",
    )
    .unwrap();
    assert_eq!(
        (value(&workflow, "month"), value(&workflow, "bucket"), value(&workflow, "note")),
        ("2026-11", "test", "a")
    );
    assert_eq!(binding.overrides, [("bucket".to_owned(), "test".to_owned())].into());
}

#[test]
fn overrides_are_told_whoever_may_make_them_but_must_exist_and_fit() {
    let with = |parameters: &str| {
        lowered(&format!("{{{BY_TEMPLATE}, arguments: {{parameters: [{parameters}]}}}}"), "")
    };
    assert_eq!(with("{name: month, value: 2026-12}").unwrap().1.overrides.len(), 1);
    for (parameters, expected) in [
        ("{name: year, value: 1}", "WorkflowTemplate `finance/export` has no parameter `year`"),
        (
            "{name: month, value: \"'; rm -rf /\"}",
            "`\\'; rm -rf /` of `month` does not match `^[0-9]{4}-[0-9]{2}$`",
        ),
        ("{name: bucket, value: a}, {name: bucket, value: b}", "parameter `bucket` is given twice"),
        (
            "{name: bucket, valueFrom: {configMapKeyRef: {name: m, key: k}}}",
            "parameter `bucket` of a component's workflow can only be given a `value`",
        ),
        (
            "{name: note, value: c}",
            "spec.arguments.note.value should be present in spec.arguments.note.enum list",
        ),
        (
            "{name: note, value: c, enum: [c]}",
            "parameter `note` of a component's workflow can only be given a `value`",
        ),
    ] {
        assert_eq!(with(parameters).unwrap_err(), [expected]);
    }
}

#[test]
fn a_bound_workflow_sets_nothing_that_picks_an_identity_a_privilege_or_a_text() {
    for field in [
        "entrypoint: extract",
        "templates: [{name: x, container: {image: evil}}]",
        "onExit: extract",
        "serviceAccountName: admin",
        "automountServiceAccountToken: true",
        "executor: {serviceAccountName: admin}",
        "podSpecPatch: '{\"hostNetwork\": true}'",
        "artifactGC: {strategy: OnWorkflowCompletion, podSpecPatch: x}",
        "artifactGC: {serviceAccountName: admin}",
        "artifactRepositoryRef: {key: mine}",
        "hooks: {running: {template: extract, expression: 'true'}}",
        "securityContext: {runAsUser: 0}",
        "hostNetwork: true",
        "hostAliases: [{ip: 127.0.0.1}]",
        "dnsConfig: {nameservers: [1.1.1.1]}",
        "dnsPolicy: Default",
        "volumes: [{name: x, hostPath: {path: /}}]",
        "volumeClaimTemplates: [{metadata: {name: x}}]",
        "imagePullSecrets: [{name: x}]",
        "templateDefaults: {serviceAccountName: admin}",
        "executorPlugins: [{metadata: {name: x}}]",
        "workflowMetadata: {labels: {a: b}}",
        "podMetadata: {labels: {a: b}}",
        "metrics: {prometheus: [{name: x, help: x}]}",
        "parallelism: 1",
        "retryStrategy: {limit: 3}",
        "synchronization: {mutexes: [{name: x}]}",
        "nodeSelector: {a: b}",
        "tolerations: [{key: a}]",
        "affinity: {nodeAffinity: {}}",
        "schedulerName: mine",
        "podPriorityClassName: high",
        "archiveLogs: false",
        "activeDeadlineSeconds: 601",
        "activeDeadlineSeconds: -1",
        "shutdown: Maybe",
        "arguments: {artifacts: [{name: x, raw: {data: x}}]}",
    ] {
        let faults = lower(&catalog(), workflow(&format!("{{{BY_TEMPLATE}, {field}}}"), "")).unwrap_err();
        assert_eq!(faults.len(), 1, "{field}: {faults:#?}");
        assert_eq!(faults[0].code, FIELD_NOT_YOURS, "{field}");
        let name = field.split(':').next().unwrap();
        assert!(faults[0].message.contains(&format!("`spec.{name}")), "{field}: {}", faults[0].message);
    }
    for metadata in ["finalizers: [x]", "ownerReferences: [{uid: x}]"] {
        let messages = lowered(&format!("{{{BY_TEMPLATE}}}"), metadata).unwrap_err();
        assert!(messages[0].contains("`metadata."), "{messages:?}");
    }
}

#[test]
fn fields_of_argo_that_nobody_thought_of_are_refused_too() {
    let mut asked = workflow(&format!("{{{BY_TEMPLATE}}}"), "");
    asked.spec.rest.insert("fieldOfTheFuture".to_owned(), json!({"a": 1}));
    assert_eq!(lower(&catalog(), asked).unwrap_err()[0].code, FIELD_NOT_YOURS);
}

#[test]
fn a_bound_workflow_may_stop_wait_and_be_cleaned_up() {
    let fields = "suspend: true, shutdown: Stop, priority: 3, activeDeadlineSeconds: 60, entrypoint: main, \
                  ttlStrategy: {secondsAfterCompletion: 1}, podGC: {strategy: OnPodCompletion}, volumes: [], hooks: {}";
    let (workflow, _) =
        lowered(&format!("{{{BY_TEMPLATE}, {fields}}}"), "annotations: {marque.dev/reason: because}")
            .unwrap();
    let spec = &workflow.spec;
    assert_eq!(
        (spec.suspend, spec.shutdown.as_str(), spec.active_deadline_seconds),
        (Some(true), "Stop", Some(60))
    );
    assert_eq!(spec.priority, Some(3));
    assert_eq!(workflow.metadata.annotations["marque.dev/reason"].as_str(), "because");
}

#[test]
fn a_gate_is_as_narrow_as_trait_and_scopes_together() {
    let (_, binding) = lowered(&format!("{{{BY_TEMPLATE}}}"), "").unwrap();
    let hour = 3_600_000;
    assert_eq!(
        binding.gates,
        [
            EffectiveGate { node: "wait".into(), min: 2, expires_after_ms: 6 * hour },
            EffectiveGate { node: "approve".into(), min: 3, expires_after_ms: hour },
        ]
    );
}

#[test]
fn templates_of_others_are_copied_under_names_no_template_can_have() {
    let (workflow, _) = lowered(&format!("{{{BY_TEMPLATE}}}"), "").unwrap();
    let names: Vec<_> = workflow.spec.templates.iter().map(|template| template.name.as_str()).collect();
    assert_eq!(names, ["main", "extract", "wait", "library.say", "library.echo", "library.say-twice"]);
    let text = serde_json::to_string(&workflow.spec.templates).unwrap();
    assert!(!text.contains("templateRef"), "{text}");
    assert!(text.contains(r#""template":"library.echo""#), "{text}");
    assert_eq!(workflow.spec.service_account_name, "exporter", "only the template is borrowed");
}

const OF_THE_CLUSTER: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: ClusterWorkflowTemplate
metadata: {name: shared}
spec:
  entrypoint: main
  volumes: [{name: a, emptyDir: {}}]
  podMetadata: {labels: {a: under}}
  arguments: {parameters: [{name: who, value: under}]}
  templates:
    - name: main
      steps: [[{name: say, template: say}, {name: other, templateRef: {name: library, template: echo}}]]
    - name: say
      container: {image: busybox, command: [echo, "{{workflow.parameters.who}}"]}
"#;

#[test]
fn templates_of_the_cluster_are_for_every_namespace_and_belong_to_no_component() {
    let catalog =
        Catalog::check(parse("objects.yaml", &format!("{OBJECTS}---{OF_THE_CLUSTER}")).unwrap()).unwrap();
    let lower = |spec: &str, metadata: &str| lower(&catalog, workflow(spec, metadata));
    let over = "{workflowTemplateRef: {name: shared, clusterScope: true}, volumes: [{name: b, emptyDir: {}}], \
                 podMetadata: {labels: {b: over}}, arguments: {parameters: [{name: who, value: over}]}}";
    let (merged, binding) = lower(over, "").unwrap();
    assert_eq!((binding.component, value(&merged, "who")), (None, "over"));
    assert_eq!(merged.metadata.labels[CLUSTER_TEMPLATE_LABEL].as_str(), "shared");
    assert!(!merged.metadata.labels.contains_key(TEMPLATE_LABEL));
    let volumes: Vec<&str> = merged.spec.volumes.iter().map(|volume| volume.name.as_str()).collect();
    assert_eq!(volumes, ["b", "a"], "lists with a key are merged by it");
    let labels = json!({"labels": {"a": "under", "b": "over"}});
    assert_eq!(serde_json::to_value(&merged.spec).unwrap()["podMetadata"], labels);
    let call = "{entrypoint: m, templates: [{name: m, steps: [[{name: s, templateRef: {name: shared, template: main, clusterScope: true}, \
                 arguments: {}}]]}], arguments: {parameters: [{name: who, value: x}]}}";
    let (called, _) = lower(call, "").unwrap();
    let names: Vec<_> = called.spec.templates.iter().map(|template| template.name.as_str()).collect();
    assert_eq!(names, ["m", "cluster/shared.main", "cluster/shared.say", "library.echo"]);
    let said = lower(over, BY_LABELS).unwrap_err().remove(0).message;
    assert!(said.contains("ClusterWorkflowTemplate `shared` belongs to none"), "{said}");
    let missing =
        lower("{workflowTemplateRef: {name: shred, clusterScope: true}}", "").unwrap_err().remove(0);
    assert_eq!(missing.message, "cluster workflow template `shred` not found");
    assert!(missing.help.unwrap().contains("`shared`"));
}

#[test]
fn an_unbound_workflow_falls_under_the_root_scope() {
    let spec = "{entrypoint: main, templates: [{name: main, container: {image: busybox}}]}";
    let (workflow, binding) = lowered(spec, "").unwrap();
    assert_eq!((binding.component, binding.gates.len(), binding.scopes.len()), (None, 0, 1));
    assert_eq!(workflow.spec.templates.len(), 1);
    let elsewhere = Workflow {
        metadata: argo::ObjectMeta { namespace: "sales".into(), ..workflow.metadata },
        ..workflow
    };
    assert!(lower(&catalog(), elsewhere).unwrap().1.scopes.is_empty());
}

#[test]
fn an_unbound_workflow_may_use_a_template_that_belongs_to_nobody() {
    let (workflow, binding) = lowered(
        "{workflowTemplateRef: {name: free}, arguments: {parameters: [{name: greeting, value: hello}]}}",
        "",
    )
    .unwrap();
    assert_eq!((binding.component, value(&workflow, "greeting")), (None, "hello"));
    assert_eq!(workflow.spec.entrypoint, "main");
    assert_eq!(
        lowered("{workflowTemplateRef: {name: free}}", "").unwrap_err(),
        ["spec.arguments.greeting.value or spec.arguments.greeting.valueFrom is required"]
    );
    assert_eq!(
        lowered("{workflowTemplateRef: {name: free}, templates: [{name: x, suspend: {}}]}", "").unwrap_err(),
        ["templates is not allowed to be used with workflowTemplateRef"]
    );
}

#[test]
fn digests_tell_templates_and_parameters_apart() {
    let digests = |parameters: &str| {
        let (_, binding) =
            lowered(&format!("{{{BY_TEMPLATE}, arguments: {{parameters: [{parameters}]}}}}"), "").unwrap();
        (binding.template_digest, binding.parameters_digest)
    };
    let (plain, other) = (digests(""), digests("{name: bucket, value: test}"));
    assert_eq!(plain, digests("{name: bucket, value: prod}"));
    assert_eq!(plain.0, other.0);
    assert_ne!(plain.1, other.1);
    let changed = OBJECTS.replace("command: [echo, \"{{workflow.parameters.month}}\"]", "command: [cat]");
    let changed = Catalog::check(parse("objects.yaml", &changed).unwrap()).unwrap();
    let (_, binding) = lower(&changed, workflow(&format!("{{{BY_TEMPLATE}}}"), "")).unwrap();
    assert_ne!(binding.template_digest, plain.0);
    assert_eq!(binding.parameters_digest, plain.1);
}

#[test]
fn a_status_that_is_sent_along_is_not_believed() {
    let mut asked = workflow(&format!("{{{BY_TEMPLATE}}}"), "");
    asked.metadata.uid = "forged".to_owned();
    asked.status = Some(argo::WorkflowStatus { phase: argo::WorkflowPhase::Succeeded, ..Default::default() });
    let (workflow, _) = lower(&catalog(), asked).unwrap();
    assert_eq!((workflow.status, workflow.metadata.uid.as_str()), (None, ""));
}

const HOOKED: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: hooked, namespace: finance}
spec:
  entrypoint: main
  suspend: true
  hooks:
    exit: {template: main, expression: under}
    running: {template: main, expression: under}
  workflowMetadata: {labels: {a: under}, labelsFrom: {x: {expression: under}, z: {expression: under}}}
  templates: [{name: main, container: {image: busybox}}]
"#;

/// What a workflow says stands over its template's, and that over the server's defaults.
#[test]
fn a_workflow_stands_over_its_template_and_the_template_over_the_defaults() {
    let catalog = Catalog::check(parse("objects.yaml", &format!("{OBJECTS}---{HOOKED}")).unwrap()).unwrap();
    let defaults = r#"{suspend: true, priority: 7, activeDeadlineSeconds: 60, ttlStrategy: {secondsAfterSuccess: 5},
        hooks: {exit: {template: never}, last: {template: main, expression: default}},
        arguments: {parameters: [{name: more, value: given}]}}"#;
    let defaults = workflow(defaults, "labels: {a: default, b: default}, annotations: {c: default}");
    let lowered = |spec: &str, metadata: &str| {
        let (lowered, _) = lower_over(&catalog, Some(&defaults), workflow(spec, metadata)).unwrap();
        serde_json::to_value(lowered).unwrap()
    };
    let merged = lowered(
        "{workflowTemplateRef: {name: hooked}, priority: 1, hooks: {exit: {template: main}}, \
          workflowMetadata: {labelsFrom: {x: {expression: over}}}}",
        "labels: {a: over}",
    );
    let spec = &merged["spec"];
    assert_eq!(spec.get("suspend"), None, "neither a template nor a default suspends who uses it");
    assert_eq!((&spec["priority"], &spec["activeDeadlineSeconds"]), (&json!(1), &json!(60)));
    let hook = |expression: &str| json!({"template": "main", "expression": expression});
    assert_eq!(
        spec["hooks"],
        json!({"exit": {"template": "main"}, "running": hook("under"), "last": hook("default")})
    );
    let from = json!({"x": {"expression": "over"}, "z": {"expression": "under"}});
    assert_eq!(spec["workflowMetadata"], json!({"labels": {"a": "under"}, "labelsFrom": from}));
    assert_eq!(
        (&merged["metadata"]["labels"]["a"], &merged["metadata"]["labels"]["b"]),
        (&json!("over"), &json!("default"))
    );
    assert_eq!(merged["metadata"]["annotations"]["c"], "default");
    let alone = lowered(
        "{entrypoint: m, templates: [{name: m, container: {image: a}}], hooks: {exit: {template: m}, last: {template: m, expression: own}}}",
        "",
    );
    assert_eq!((&alone["spec"]["suspend"], &alone["spec"]["priority"]), (&json!(true), &json!(7)));
    assert_eq!(alone["spec"]["arguments"]["parameters"], json!([{"name": "more", "value": "given"}]));
    let bound = lowered(&format!("{{{BY_TEMPLATE}}}"), "");
    assert_eq!(
        (&bound["spec"]["priority"], &bound["spec"]["activeDeadlineSeconds"]),
        (&json!(7), &json!(600))
    );
}
