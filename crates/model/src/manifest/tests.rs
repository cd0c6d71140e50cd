//! Reading manifests: Argo's examples, OAM's, and what is wrong with what people write.

use super::*;
use crate::corpus;

/// Kubernetes' own kinds among Argo's examples, which are nobody's to read here.
const OTHER_KINDS: [&str; 3] = ["ConfigMap", "PersistentVolumeClaim", "ResourceQuota"];

#[test]
fn every_example_of_argo_is_read() {
    let Some(folder) = corpus::find("argo/examples") else { return };
    let mut failed = Vec::new();
    let mut read = 0;
    for (name, text) in corpus::yaml_files(&folder) {
        match parse(&name, &text) {
            Ok(manifests) => read += manifests.len(),
            Err(faults) => {
                let ours =
                    faults.iter().find(|fault| !OTHER_KINDS.iter().any(|kind| fault.message.contains(kind)));
                failed.extend(ours.map(|fault| (name.clone(), fault.to_string())));
            }
        }
    }
    assert!(read > 200, "{read}");
    // it has a key twice, which Argo reads only when it is not strict
    corpus::compare_gaps(&failed, &["k8s-patch-json-workflow.yaml"]);
}

#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let shown: Vec<String> =
        parse("f.yaml", text).err().unwrap_or_default().iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn what_is_not_ours_or_not_anything_is_told_with_its_place() {
    refused(
        "just text",
        &["f.yaml:1:1: expected an object with `apiVersion` and `kind`, found text [MDL0201]"],
    );
    refused(
        "- a\n- b\n",
        &["f.yaml:1:1: expected an object with `apiVersion` and `kind`, found a list [MDL0201]"],
    );
    refused("kind: Workflow\n", &["f.yaml:1:1: the object has no `apiVersion` [MDL0201]"]);
    refused("apiVersion: v1\nkind: Pod\n", &["f.yaml:2:7: kind `Pod` is not known [MDL0201]"]);
    refused(
        "apiVersion: argoproj.io/v1\nkind: Workflow\n",
        &["f.yaml:1:13: `argoproj.io/v1` is not the API version of a Workflow [MDL0201]"],
    );
    refused(
        "apiVersion: core.oam.dev/v1beta1\nkind: Aplication\n",
        &["f.yaml:2:7: kind `Aplication` is not known [MDL0201]"],
    );
    let fault = &parse("f.yaml", "apiVersion: core.oam.dev/v1beta1\nkind: Aplication\n").unwrap_err()[0];
    assert!(
        fault.help.as_ref().unwrap().starts_with("did you mean `Application`? kinds that are known: "),
        "{fault:?}"
    );
    refused("", &[]);
    refused("# nothing\n---\n---\n", &[]);
}

#[test]
fn an_application_that_is_also_nonsense_is_told_what_is_wrong_everywhere() {
    refused(
        "apiVersion: core.oam.dev/v1beta1\nkind: Application\nmetadata:\n  name: Bad Name\n  namespace: ../etc\n  lables: {}\nspec:\n  components:\n  - name: a\n    typ: b\n    traits: {}\n  entrypoint: main\n",
        &[
            "f.yaml:6:3: unknown field \"metadata.lables\" [MDL0105]",
            "f.yaml:10:5: unknown field \"spec.components[0].typ\" [MDL0105]",
            "f.yaml:12:3: unknown field \"spec.entrypoint\" [MDL0105]",
            "f.yaml:4:9: the name `Bad Name` is not a valid name [MDL0001]",
            "f.yaml:5:14: the namespace `../etc` is not a valid name [MDL0001]",
            "f.yaml:11:13: .spec.components[0].traits: expected list, found an object [MDL0104]",
        ],
    );
}

#[test]
fn every_object_has_a_name_and_a_spec() {
    refused(
        "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {}\n",
        &[
            "f.yaml:1:1: the object has no `spec` [MDL0202]",
            "f.yaml:3:1: the object has no `metadata.name` [MDL0202]",
        ],
    );
    refused("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {}\n", &[]);
}

#[test]
fn fields_argo_does_not_have_are_told_wherever_they_are() {
    let workflow = |spec: &str| {
        format!("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: a}}\nspec:\n  {spec}\n")
    };
    for (spec, expected) in [
        ("entryPoint: main", "f.yaml:5:3: unknown field \"spec.entryPoint\" [MDL0105]"),
        (
            "templates: [{name: a, contianer: {}}]",
            "f.yaml:5:25: unknown field \"spec.templates[0].contianer\" [MDL0105]",
        ),
        (
            "templates: [{name: a, container: {img: x}}]",
            "f.yaml:5:37: unknown field \"spec.templates[0].container.img\" [MDL0105]",
        ),
        (
            "templates: [{name: a, steps: [[{name: b, depends: c}]]}]",
            "f.yaml:5:44: unknown field \"spec.templates[0].steps[0][0].depends\" [MDL0105]",
        ),
        (
            "templates: [{name: a, dag: {tasks: [{name: b, inline: {scrip: {}}}]}}]",
            "f.yaml:5:58: unknown field \"spec.templates[0].dag.tasks[0].inline.scrip\" [MDL0105]",
        ),
        (
            "arguments: {parameters: [{name: a, vale: 1}]}",
            "f.yaml:5:38: unknown field \"spec.arguments.parameters[0].vale\" [MDL0105]",
        ),
        (
            "templates: [{name: a, script: {image: x, source: y, sauce: z}}]",
            "f.yaml:5:55: unknown field \"spec.templates[0].script.sauce\" [MDL0105]",
        ),
    ] {
        refused(&workflow(spec), &[expected]);
    }
    let fault = &parse("f.yaml", &workflow("entryPoint: main")).unwrap_err()[0];
    assert_eq!(fault.help.as_deref(), Some("did you mean `entrypoint`?"));
    for spec in ["templates: [{name: a, plugin: {any: {thing: 1}}}]", "volumes: [{name: a, emptyDir: {}}]"] {
        refused(&workflow(spec), &[]);
    }
}

#[test]
fn steps_and_tasks_are_as_lenient_and_as_exact_as_everything_else() {
    let text = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: a, labels: {on: yes}}\nspec:\n  entrypoint: 1\n  templates:\n  - name: 1\n    steps:\n    - - name: 010\n        template: yes\n        when: true\n        withItems: [1, ~]\n    outputs: ~\n";
    let Manifest::Workflow(written) = parse("f.yaml", text).unwrap().remove(0) else {
        panic!("not a Workflow")
    };
    let step = &written.object.spec.templates[0].steps.as_ref().unwrap()[0].0[0];
    assert_eq!(
        (step.name.as_str(), step.call.template.as_str(), step.call.when.as_str()),
        ("8", "true", "true")
    );
    assert_eq!(step.call.with_items.as_ref().unwrap().len(), 2);
    assert_eq!(written.object.metadata.labels["true"].as_str(), "true");
    let wrong = text.replace("template: yes", "template: [x]");
    refused(&wrong, &["f.yaml:10:19: expected text, found a list [MDL0104]"]);
}

/// A Workflow of one template, whose fields these are.
fn template(fields: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: a}}\nspec:\n  templates:\n  - {fields}\n"
    )
}

#[test]
fn what_pods_have_is_of_the_types_that_kubernetes_gives_it() {
    for (fields, expected) in [
        (
            "container: {image: a, env: [{name: A, val: b}]}",
            "unknown field \"spec.templates[0].container.env[0].val\" [MDL0105]",
        ),
        (
            "container: {resources: {limit: {cpu: 1}}}",
            "unknown field \"spec.templates[0].container.resources.limit\" [MDL0105]",
        ),
        (
            "container: {securityContext: {runAsNonRoot: 'yes'}}",
            "expected true or false, found text `yes` [MDL0104]",
        ),
        (
            "container: {readinessProbe: {periodSeconds: 1s}}",
            "expected a whole number, found text `1s` [MDL0104]",
        ),
        (
            "container: {readinessProbe: {httpGet: {port: [1]}}}",
            "expected a whole number or text, found a list [MDL0104]",
        ),
        (
            "container: {resources: {limits: {memory: '{{inputs.parameters.m}}'}}}",
            "expected a quantity such as `500m` or `2Gi`, found text `{{inputs.parameters.m}}` [MDL0104]",
        ),
        ("volumes: {name: a}", "expected list, found an object [MDL0104]"),
        ("tolerations: {key: x}", "expected a list, found an object [MDL0104]"),
        ("tolerations: [x]", "expected an object, found text `x` [MDL0104]"),
        (
            "outputs: {artifacts: [{name: a, path: /a, s3: {key: [a]}}]}",
            "expected text, found a list [MDL0104]",
        ),
        (
            "outputs: {artifacts: [{name: a, path: /a, archive: {zip: {level: 3}}}]}",
            "unknown field \"spec.templates[0].outputs.artifacts[0].archive.zip.level\" [MDL0105]",
        ),
    ] {
        let faults = parse("f.yaml", &template(fields)).unwrap_err();
        let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 1, "{fields}: {shown:?}");
        assert!(shown[0].ends_with(expected), "{fields}: {}", shown[0]);
    }
    for fields in [
        "container: {resources: {requests: {cpu: 1.5, memory: 10Mi}}, readinessProbe: {httpGet: {port: http, path: /}}}",
        "container: {env: [{name: A, value: 1}, {name: B, value: ~}], ports: ~, stdin: true}",
        "volumes: [{name: w, emptyDir: {sizeLimit: 1e3}}, {name: c, configMap: {name: c, items: [{key: a, path: b}]}}]",
    ] {
        assert!(parse("f.yaml", &template(fields)).is_ok(), "{fields}");
    }
}

#[test]
fn unknown_fields_of_a_step_are_faults_and_those_below_it_are_told_of() {
    let step = |fields: &str| template(&format!("steps: [[{{name: a, template: b, {fields}}}]]"));
    refused(&step("wen: x"), &["f.yaml:6:37: unknown field \"spec.templates[0].steps[0][0].wen\" [MDL0105]"]);
    let read = parse("f.yaml", &step("arguments: {parameters: [{name: a, val: 1}]}")).unwrap();
    let told: Vec<String> = read[0].overlooked().iter().map(ToString::to_string).collect();
    let path = "spec.templates[0].steps[0][0].arguments.parameters[0].val";
    assert_eq!(told, [format!("f.yaml:6:72: unknown field \"{path}\" [MDL0105]")]);
}

#[test]
fn what_was_accepted_once_stays_readable() {
    let mut stored = parse("f.yaml", &template("container: {image: a}")).unwrap().remove(0).to_json();
    stored["spec"]["templates"][0]["container"]["fromAnotherVersion"] = serde_json::json!(1);
    assert!(Manifest::from_json(stored.clone(), None).is_err());
    assert!(Manifest::from_stored(&stored, &Places::default()).is_ok());
}

#[test]
fn objects_survive_being_stored() {
    for (folder, at_least) in [("argo/examples", 150), ("reference/oam-example", 3)] {
        let Some(folder) = corpus::find(folder) else { return };
        let mut count = 0;
        for (name, text) in corpus::yaml_files(&folder) {
            for manifest in parse(&name, &text).unwrap_or_default() {
                let stored = serde_json::to_string(&(manifest.to_json(), manifest.places())).unwrap();
                let (value, places): (Value, Places) = serde_json::from_str(&stored).unwrap();
                let again = Manifest::from_stored(&value, &places).unwrap();
                assert_eq!(again.to_json(), manifest.to_json(), "{name}");
                assert_eq!(again.key(), manifest.key(), "{name}");
                assert_eq!(again.places(), manifest.places(), "{name}");
                assert!(again.place().is_some());
                count += 1;
            }
        }
        assert!(count >= at_least, "{count}");
    }
}

#[test]
fn a_namespace_is_given_to_what_belongs_in_one() {
    let text = "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: a}\nspec: {}\n---\napiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nmetadata: {name: b}\nspec: {}\n---\napiVersion: core.oam.dev/v1beta1\nkind: TraitDefinition\nmetadata: {name: c}\nspec: {}\n---\napiVersion: marque.dev/v1alpha1\nkind: IdentityScope\nmetadata: {name: d, namespace: mine}\nspec: {}\n";
    let mut manifests = parse("f.yaml", text).unwrap();
    default_namespace(&mut manifests, "finance");
    let keys: Vec<_> = manifests
        .iter()
        .map(Manifest::key)
        .map(|(_, namespace, name)| format!("{namespace}/{name}"))
        .collect();
    assert_eq!(keys, ["finance/a", "finance/b", "/c", "mine/d"]);
}

#[test]
fn a_request_body_is_read_without_places() {
    let body = serde_json::json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": "hello-", "creationTimestamp": null},
        "spec": {"entrypoint": "a", "arguments": {}, "templates": [{"name": "a", "container": {"image": "b", "resources": {}}}]},
        "status": {"startedAt": null, "finishedAt": null}
    });
    assert!(matches!(Manifest::from_json(body.clone(), None), Ok(Manifest::Workflow(_))));
    let mut wrong = body;
    wrong["spec"]["templates"][0]["container"]["image"] = serde_json::json!([]);
    let faults = Manifest::from_json(wrong, None).unwrap_err();
    assert_eq!(faults[0].to_string(), "expected text, found a list [MDL0104]");
}

proptest::proptest! {
    #[test]
    fn any_text_is_objects_or_faults(text in "(apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n)?(metadata: .{0,20}\n)?(spec:\n  templates: [\\[{}:a,-]{0,20}\n)?.{0,60}") {
        let _ = parse("any.yaml", &text);
    }
}

#[test]
fn what_is_sent_loses_the_fields_that_nobody_reads_but_for_those_of_a_step() {
    let mut sent = serde_json::json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "dbapiVersion": "x",
        "kind": "Workflow",
        "metadata": {"name": "a", "lables": {}},
        "spec": {"entryPoint": "main", "entry": "b", "templates": [{
            "name": "main",
            "inputs": {"parameters": [{"name": "p", "valueFrom": {"Path": "/p", "way": "x"}}]},
            "steps": [[{"name": "b", "tmplate": "c", "inline": {"contianer": {}, "container": {"image": "i", "x": 1}}}]],
        }]},
    });
    Manifest::prune("Workflow", &mut sent);
    assert_eq!(
        sent,
        serde_json::json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"name": "a"},
            "spec": {"entrypoint": "main", "templates": [{
                "name": "main",
                "inputs": {"parameters": [{"name": "p", "valueFrom": {"path": "/p"}}]},
                "steps": [[{"name": "b", "tmplate": "c", "inline": {"container": {"image": "i"}}}]],
            }]},
        })
    );
    let faults = Manifest::from_json(sent, None).unwrap_err();
    assert_eq!(faults[0].to_string(), "unknown field \"spec.templates[0].steps[0][0].tmplate\" [MDL0105]");
}
