//! What is told of manifests before they run: each field that means nothing on one machine, and each old spelling.

use std::fs;

use serde_json::{Value, json};

use super::advice;
use crate::{manifest::parse, yaml::Places};

fn told(text: &str) -> Vec<String> {
    let manifest = parse("w.yaml", text).unwrap().remove(0);
    advice(&manifest.to_json(), manifest.places()).iter().map(ToString::to_string).collect()
}

#[test]
fn what_needs_a_cluster_is_told_with_its_place() {
    let text = "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w}
spec:
  entrypoint: a
  nodeSelector: {disk: ssd}
  tolerations: []
  volumes:
  - {name: v, nfs: {server: s, path: /p}}
  - {name: e, emptyDir: {}}
  templates:
  - name: a
    schedulerName: other
    container: {image: x, livenessProbe: {exec: {command: [a]}}, resources: {limits: {cpu: 1}}, restartPolicy: Always}
    outputs: {artifacts: [{name: o, path: /o, artifactGC: {strategy: Never, serviceAccountName: s}}]}
  - name: b
    resource: {action: get, manifest: 'a: b'}
  - name: c
    steps:
    - - name: d
        inline: {sidecars: [{name: s, image: y, lifecycle: {preStop: {exec: {command: [b]}}}}], script: {image: x, source: a}}
";
    let expected = [
        "6:3: only on Kubernetes: `nodeSelector` has no effect on one machine",
        "9:15: only on Kubernetes: a volume of the kind `nfs` needs a cluster",
        "13:5: only on Kubernetes: `schedulerName` has no effect on one machine",
        "14:27: only on Kubernetes: `livenessProbe` has no effect on one machine",
        "14:97: only on Kubernetes: `restartPolicy` needs a cluster; its node is an error without one",
        "15:77: only on Kubernetes: `serviceAccountName` has no effect on one machine",
        "17:5: only on Kubernetes: a `resource` template needs a cluster; its node is an error without one",
        "21:49: only on Kubernetes: `lifecycle` has no effect on one machine",
    ]
    .map(|line| format!("w.yaml:{line} [MDL0307]"));
    assert_eq!(told(text), expected);
}

#[test]
fn old_spellings_are_told() {
    let text = "apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: w}
spec:
  schedule: '* * * * *'
  workflowSpec:
    entrypoint: a
    podPriority: 3
    synchronization: {mutex: {name: m}}
    templates:
    - {name: a, container: {image: x}, synchronization: {semaphore: {configMapKeyRef: {name: c, key: k}}}}
";
    let told = told(text);
    let words = [(5, "schedule"), (8, "podPriority"), (9, "mutex"), (11, "semaphore")];
    assert_eq!(told.len(), words.len(), "{told:?}");
    for (line, (number, word)) in told.iter().zip(words) {
        assert!(
            line.starts_with(&format!("w.yaml:{number}:")) && line.contains(&format!("`{word}`")),
            "{line}"
        );
    }
}

/// The fields that do something on one machine, by what they are in; every other field of Argo's is warned of.
const HERE: &[(&str, &[&str], &str)] = &[
    (
        "WorkflowSpec",
        &[],
        "activeDeadlineSeconds archiveLogs arguments artifactGC artifactRepositoryRef entrypoint executorPlugins hooks \
         metrics onExit parallelism podSpecPatch priority retryStrategy shutdown suspend synchronization templateDefaults \
         templates ttlStrategy volumeClaimGC volumeClaimTemplates volumes workflowMetadata workflowTemplateRef",
    ),
    (
        "Template",
        &["templates"],
        "activeDeadlineSeconds annotations archiveLocation container containerSet daemon dag data failFast http \
         initContainers inputs memoize metadata metrics name outputs parallelism pendingTimeout plugin podSpecPatch \
         retryStrategy script sidecars steps suspend synchronization timeout volumes",
    ),
    ("RetryStrategy", &["retryStrategy"], "backoff expression limit retryPolicy"),
    ("WorkflowLevelArtifactGC", &["artifactGC"], "forceFinalizerRemoval strategy"),
    (
        "ScriptTemplate",
        &["templates", "script"],
        "args command env envFrom image imagePullPolicy name ports readinessProbe resources securityContext \
         source stdin stdinOnce tty volumeMounts workingDir",
    ),
];

/// Every field that Argo's own description of its objects names is either of use on one machine, or told of.
#[test]
fn every_field_of_argos_is_of_use_here_or_told_of() {
    let Some(path) = crate::corpus::find("argo/api/swagger.json") else { return };
    let swagger: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    for (name, within, here) in HERE {
        let here: Vec<&str> = here.split_whitespace().collect();
        let definition =
            &swagger["definitions"][format!("io.argoproj.workflow.v1alpha1.{name}")]["properties"];
        let fields = definition.as_object().unwrap_or_else(|| panic!("{name} is described"));
        for (field, description) in fields {
            let sample = match description["type"].as_str() {
                Some("string") => json!("x"),
                Some("integer") => json!(1),
                Some("boolean") => json!(true),
                Some("array") => json!([{"a": "b"}]),
                _ => json!({"a": "b"}),
            };
            let mut object = json!({field: sample});
            for part in within.iter().rev() {
                object = json!({*part: if *part == "templates" { json!([object]) } else { object }});
            }
            let told = advice(&json!({"spec": object}), &Places::default());
            let warned = told.iter().any(|fault| fault.message.contains(&format!("`{field}`")));
            assert_eq!(warned, !here.contains(&field.as_str()), "{name}.{field}: {told:?}");
        }
        for field in here {
            assert!(fields.contains_key(field), "{name}.{field} is none of Argo's");
        }
    }
}
