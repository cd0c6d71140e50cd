//! The check of everything against everything: the example passes, and each way of breaking it is told at
//! its place.

use super::*;
use crate::manifest::parse;

/// The definitions, scopes, template and Application that every case begins with, a file each.
const DEFINITIONS: &str = r#"
apiVersion: core.oam.dev/v1beta1
kind: ComponentDefinition
metadata: {name: export, namespace: finance}
spec:
  version: 1.4.0
  workload: {definition: {apiVersion: argoproj.io/v1alpha1, kind: WorkflowTemplate}}
  extension:
    marque.dev:
      source: {kind: WorkflowTemplate, name: export}
      parameterSchema:
        type: object
        additionalProperties: false
        required: [month]
        properties:
          month: {type: string, pattern: "^[0-9]{4}-[0-9]{2}$"}
          bucket: {type: string, default: prod, enum: [prod, test]}
          copies: {type: integer}
---
apiVersion: core.oam.dev/v1beta1
kind: TraitDefinition
metadata: {name: manual-trigger}
spec: {appliesToWorkloads: [workflowtemplates.argoproj.io], definitionRef: {name: manualtriggers.marque.dev}}
---
apiVersion: core.oam.dev/v1beta1
kind: TraitDefinition
metadata: {name: approval}
spec: {appliesToWorkloads: ["*.argoproj.io"], definitionRef: {name: approvals.marque.dev}}
---
apiVersion: core.oam.dev/v1beta1
kind: TraitDefinition
metadata: {name: manual-only}
spec: {conflictsWith: [cron-trigger], definitionRef: {name: manualonlies.marque.dev}}
---
apiVersion: core.oam.dev/v1beta1
kind: TraitDefinition
metadata: {name: cron-trigger}
spec: {conflictsWith: [manual-only], definitionRef: {name: crontriggers.marque.dev}}
---
apiVersion: core.oam.dev/v1beta1
kind: TraitDefinition
metadata: {name: scaler}
spec: {appliesToWorkloads: [deployments.apps], definitionRef: {name: scalers.example.org}}
---
apiVersion: core.oam.dev/v1beta1
kind: ScopeDefinition
metadata: {name: identityscopes.marque.dev}
spec: {allowComponentOverlap: false, definitionRef: {name: identityscopes.marque.dev}}
---
apiVersion: core.oam.dev/v1beta1
kind: ScopeDefinition
metadata: {name: otherscopes.marque.dev}
spec: {allowComponentOverlap: false, definitionRef: {name: identityscopes.marque.dev}}
"#;

const SCOPES: &str = r#"
apiVersion: marque.dev/v1alpha1
kind: IdentityScope
metadata: {name: finance, namespace: finance}
spec:
  owners: ["group:platform"]
  viewers: ["group:finance"]
  triggerers: [{subject: "group:finance", via: [manual]}]
  approvers: ["group:leads", "group:approvers"]
---
apiVersion: marque.dev/v1alpha1
kind: IdentityScope
metadata: {name: payroll, namespace: finance}
spec:
  parent: finance
  classification: restricted
  owners: ["group:platform"]
  viewers: {status: ["group:finance"], logs: ["group:payroll"]}
  triggerers: [{subject: "group:operators", via: [manual]}]
  approvers: ["group:approvers"]
  approvals: {min: 1, separationOfDuties: true, expiresAfter: 8h}
"#;

const TEMPLATE: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: export, namespace: finance}
spec:
  entrypoint: main
  arguments:
    parameters: [{name: month}, {name: bucket, value: test}, {name: copies, value: 1}]
  templates:
    - name: main
      steps:
        - [{name: extract, template: extract}]
        - [{name: approve, template: wait}]
    - name: extract
      container: {image: busybox, command: [echo, "{{workflow.parameters.month}}"]}
    - name: wait
      suspend: {}
"#;

const APPLICATION: &str = r#"
apiVersion: core.oam.dev/v1beta1
kind: Application
metadata: {name: payroll, namespace: finance}
spec:
  components:
    - name: export
      type: export
      properties:
        month: "2026-11"
      traits:
        - type: approval
          properties:
            gates: [{node: approve, approvers: ["group:approvers"], min: 1, expiresAfter: 8h}]
        - type: manual-trigger
          properties:
            by: ["group:operators"]
            overridable: [month]
      scopes:
        identityscopes.marque.dev: payroll
  policies:
    - name: access
      type: access-policy
      properties:
        rules:
          - {effect: forbid, actions: [trigger], subjects: ["group:contractors"]}
          - {effect: require, actions: [override-parameter], when: {ticket: "^CHG-[0-9]+$", params: {month: ["2026-11"]}}}
"#;

type Files<'a> = [(&'a str, String)];

fn example() -> Vec<(&'static str, String)> {
    [
        ("definitions.yaml", DEFINITIONS),
        ("scopes.yaml", SCOPES),
        ("template.yaml", TEMPLATE),
        ("application.yaml", APPLICATION),
    ]
    .map(|(name, text)| (name, text.to_owned()))
    .into()
}

fn check_files(files: &Files<'_>) -> Result<Catalog, Vec<Fault>> {
    let mut manifests = Vec::new();
    for (name, text) in files {
        manifests.extend(parse(name, text)?);
    }
    Catalog::check(manifests)
}

/// Replaces `from` by `to` in the example and expects exactly the faults `expected`, as they are shown.
#[track_caller]
fn broken(from: &str, to: &str, expected: &[&str]) {
    let mut files = example();
    let hits: usize = files.iter().map(|(_, text)| text.matches(from).count()).sum();
    assert_eq!(hits, 1, "`{from}` stands {hits} times in the example");
    for (_, text) in &mut files {
        *text = text.replace(from, to);
    }
    expect(&files, expected);
}

#[track_caller]
fn with(more: &str, expected: &[&str]) {
    let mut files = example();
    files.push(("more.yaml", more.to_owned()));
    expect(&files, expected);
}

#[track_caller]
fn expect(files: &Files<'_>, expected: &[&str]) {
    let faults = check_files(files).err().unwrap_or_default();
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected);
}

fn component() -> ComponentRef {
    ComponentRef { namespace: "finance".into(), application: "payroll".into(), component: "export".into() }
}

#[test]
fn the_example_is_bound() {
    let catalog = check_files(&example()).unwrap();
    let bound = catalog.component(&component()).unwrap();
    assert_eq!(bound.template.to_string(), "finance/export");
    assert_eq!(
        bound.parameters,
        [("bucket".into(), "prod".into()), ("month".into(), "2026-11".into())].into()
    );
    let scopes: Vec<_> = bound.scopes.iter().map(|scope| scope.name.as_str()).collect();
    assert_eq!(scopes, ["payroll", "finance"]);
    assert_eq!(bound.manual_trigger.as_ref().unwrap().object.overridable, ["month"]);
    assert_eq!(bound.approval.as_ref().unwrap().object.gates[0].node, "approve");
    assert_eq!(catalog.component_of_template(&bound.template).unwrap().component, component());
    assert_eq!(catalog.scopes().count(), 2);
    assert_eq!(catalog.components().count(), 1);
    assert!(catalog.namespace_root("finance").is_none());
}

#[test]
fn everything_knows_where_it_is_written() {
    let catalog = check_files(&example()).unwrap();
    let bound = catalog.component(&component()).unwrap();
    let show = |place: Option<Place>| place.unwrap().to_string();
    assert_eq!(show(bound.place.clone()), "application.yaml:7:7");
    assert_eq!(show(bound.manual_trigger.as_ref().unwrap().place.clone()), "application.yaml:16:11");
    assert_eq!(
        show(bound.approval.as_ref().unwrap().place_of("gates[0].approvers")),
        "application.yaml:14:37"
    );
    let rules: Vec<_> = bound.policies[0].object.rules.iter().map(|rule| show(rule.place.clone())).collect();
    assert_eq!(rules, ["application.yaml:26:13", "application.yaml:27:13"]);
    let scope = catalog.scope(&ScopeRef::new("finance", "payroll")).unwrap();
    assert_eq!(show(scope.place_of("spec.triggerers[0]")), "scopes.yaml:19:16");
    assert_eq!(show(scope.place_of("spec.approvals.expiresAfter")), "scopes.yaml:21:49");
}

#[test]
fn the_example_survives_being_stored() {
    let mut stored = Vec::new();
    for (name, text) in example() {
        for manifest in parse(name, &text).unwrap() {
            let text = serde_json::to_string(&(manifest.to_json(), manifest.places())).unwrap();
            let (value, places) = serde_json::from_str::<(serde_json::Value, _)>(&text).unwrap();
            stored.push(Manifest::from_stored(&value, &places).unwrap());
        }
    }
    let (again, first) = (Catalog::check(stored).unwrap(), check_files(&example()).unwrap());
    let shown = |catalog: &Catalog| format!("{:?}", catalog.component(&component()).unwrap());
    assert_eq!(shown(&again), shown(&first));
}

#[test]
fn a_type_may_name_a_version_or_a_namespace() {
    for (written, expected) in [
        ("type: export@v1\n", None),
        ("type: export@v1.4\n", None),
        ("type: finance/export\n", None),
        (
            "type: export@v2\n",
            Some("application.yaml:8:7: ComponentDefinition `export` has no version `v2` [MDL0402]"),
        ),
        (
            "type: sales/export\n",
            Some("application.yaml:8:7: ComponentDefinition `sales/export` does not exist [MDL0402]"),
        ),
        (
            "type: exports\n",
            Some("application.yaml:8:7: ComponentDefinition `exports` does not exist [MDL0402]"),
        ),
    ] {
        broken("type: export\n", written, expected.as_slice());
    }
}

#[test]
fn properties_must_fit_the_schema() {
    for (written, expected) in [
        ("month: 2026-11", None),
        ("month: \"2026-11\"\n        bucket: test\n        copies: 3", None),
        (
            "month: \"11/2026\"",
            Some(
                "application.yaml:10:9: `11/2026` of `month` does not match `^[0-9]{4}-[0-9]{2}$` [MDL0403]",
            ),
        ),
        ("month: 11", Some("application.yaml:10:9: property `month` must be text [MDL0403]")),
        ("month: [\"2026-11\"]", Some("application.yaml:10:9: property `month` must be text [MDL0403]")),
        ("copies: 1", Some("application.yaml:9:7: property `month` is missing [MDL0403]")),
        ("month: ~", Some("application.yaml:9:7: property `month` is missing [MDL0403]")),
        (
            "month: \"2026-11\"\n        copies: many",
            Some("application.yaml:11:9: property `copies` must be a whole number [MDL0403]"),
        ),
        (
            "month: \"2026-11\"\n        bucket: mine",
            Some("application.yaml:11:9: `mine` of `bucket` is none of `prod`, `test` [MDL0403]"),
        ),
        (
            "month: \"2026-11\"\n        moth: x",
            Some("application.yaml:11:9: unknown property `moth` [MDL0403]"),
        ),
    ] {
        broken("month: \"2026-11\"", written, expected.as_slice());
    }
}

#[test]
fn a_schema_promises_nothing_that_is_not_checked() {
    for (from, to, expected) in [
        (
            "copies: {type: integer}",
            "copies: {type: integer, minimum: 1}",
            "definitions.yaml:18:35: `minimum` is not supported so in the schema of `copies` [MDL0411]",
        ),
        (
            "pattern: \"^[0-9]{4}-[0-9]{2}$\"",
            "pattern: \"(\"",
            "definitions.yaml:16:33: `pattern` is not a regular expression that is supported [MDL0411]",
        ),
        (
            "default: prod, ",
            "default: dev, ",
            "definitions.yaml:17:34: the default does not fit: `dev` of `bucket` is none of `prod`, `test` [MDL0411]",
        ),
        (
            "required: [month]",
            "required: [month, year]",
            "definitions.yaml:14:9: `year` is required but not among the properties [MDL0411]",
        ),
    ] {
        let mut files = example();
        files[0].1 = files[0].1.replace(from, to);
        let faults = check_files(&files).unwrap_err();
        assert!(faults.iter().any(|fault| fault.to_string() == expected), "{faults:#?}");
    }
}

#[test]
fn traits_must_exist_fit_and_agree() {
    let two = |other: &str| {
        format!(
            "- type: manual-only\n        - type: {other}\n          properties: {{}}\n        - type: manual-trigger"
        )
    };
    broken("- type: manual-trigger", "- type: manual-only\n        - type: manual-trigger", &[]);
    broken(
        "- type: manual-trigger",
        &two("manual-only"),
        &["application.yaml:16:11: trait `manual-only` is attached twice to component `export` [MDL0404]"],
    );
    broken(
        "- type: manual-trigger",
        &two("cron-trigger"),
        &[
            "application.yaml:16:11: trait `cron-trigger` conflicts with trait `manual-only` [MDL0404]",
            "application.yaml:16:11: trait `cron-trigger` (`crontriggers.marque.dev`) is not carried out here yet [MDL0410]",
        ],
    );
    broken(
        "- type: manual-trigger",
        &two("scaler"),
        &[
            "application.yaml:16:11: trait `scaler` does not apply to WorkflowTemplates [MDL0404]",
            "application.yaml:16:11: trait `scaler` (`scalers.example.org`) is not carried out here yet [MDL0410]",
        ],
    );
    broken(
        "- type: manual-trigger",
        "- type: manual",
        &["application.yaml:15:11: TraitDefinition `manual` does not exist [MDL0402]"],
    );
    broken(
        "overridable: [month]",
        "overridable: [moth]",
        &["application.yaml:18:27: WorkflowTemplate `finance/export` has no parameter `moth` [MDL0403]"],
    );
    broken(
        "by: [\"group:operators\"]",
        "by: []",
        &["application.yaml:17:13: `manual-trigger` names nobody in `by` [MDL0403]"],
    );
    broken(
        "by: [\"group:operators\"]",
        "by: [operators]",
        &[
            "application.yaml:17:18: `operators` is not a subject: write `group:NAME`, `user:ISSUER#SUBJECT` or `workload:NAME` [MDL0104]",
        ],
    );
    broken(
        "overridable: [month]",
        "overrideable: [month]",
        &["application.yaml:18:13: unknown field \"overrideable\" [MDL0105]"],
    );
}

#[test]
fn gates_hold_what_they_promise() {
    const GATE: &str = "{node: approve, approvers: [\"group:approvers\"], min: 1, expiresAfter: 8h}";
    for (gate, expected) in [
        ("{node: wait, approvers: [\"group:approvers\"]}", vec![]),
        (
            "{node: extract, approvers: [\"group:approvers\"]}",
            vec![
                "application.yaml:14:22: WorkflowTemplate `finance/export` has no suspend node `extract` [MDL0407]",
            ],
        ),
        (
            "{node: approve, approvers: []}",
            vec!["application.yaml:14:37: gate `approve` names nobody who may approve [MDL0407]"],
        ),
        (
            "{node: approve, approvers: [\"group:approvers\"], min: 0}",
            vec![
                "application.yaml:14:69: gate `approve` would open without anybody: `min` must be at least 1 [MDL0407]",
            ],
        ),
        (
            "{node: approve, approvers: [\"group:approvers\"], notTriggerer: false}",
            vec!["application.yaml:14:69: gate `approve` would let people approve their own runs [MDL0407]"],
        ),
        (
            "{node: approve, approvers: [\"group:leads\"]}",
            vec![
                "application.yaml:14:49: gate `approve`: `group:leads` is not among the approvers of scope `payroll` [MDL0406]",
            ],
        ),
        (
            "{node: approve, approvers: [\"group:others\"]}",
            vec![
                "application.yaml:14:49: gate `approve`: `group:others` is not among the approvers of scope `payroll` [MDL0406]",
                "application.yaml:14:49: gate `approve`: `group:others` is not among the approvers of scope `finance` [MDL0406]",
            ],
        ),
        (
            "{node: approve, approvers: [\"group:approvers\"], expiresAfter: 9h}",
            vec![
                "application.yaml:14:69: gate `approve` stays open longer than the 8h that scope `payroll` allows [MDL0406]",
            ],
        ),
        (
            "{node: approve, approvers: [\"group:approvers\"], expiresAfter: 0}",
            vec!["application.yaml:14:69: gate `approve` would never be open [MDL0407]"],
        ),
        (
            "{node: approve, approvers: [\"group:approvers\"], expiresAfter: 8 hours}",
            vec![
                "application.yaml:14:69: `8 hours` is not a duration: write hours, minutes and seconds, such as `8h`, `30m` or `1h30m` [MDL0412]",
            ],
        ),
    ] {
        // columns are counted from the gate, which begins in column 21
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        let mut files = example();
        files[3].1 = files[3].1.replace(GATE, gate);
        let faults = check_files(&files).err().unwrap_or_default();
        let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(shown, expected, "{gate}");
    }
    broken(
        "suspend: {}",
        "suspend: {duration: 1h}",
        &[
            "application.yaml:14:22: the suspend node `approve` goes on by itself after its `duration`, so it is no gate [MDL0407]",
        ],
    );
}

#[test]
fn scopes_form_trees() {
    broken(
        "parent: finance",
        "parent: finances",
        &["scopes.yaml:15:3: parent `finances` of scope `finance/payroll` does not exist [MDL0402]"],
    );
    broken(
        "parent: finance",
        "parent: payroll",
        &["scopes.yaml:15:3: scopes are parents of each other in a circle: payroll → payroll [MDL0405]"],
    );
    broken(
        "metadata: {name: finance, namespace: finance}\nspec:\n",
        "metadata: {name: finance, namespace: finance}\nspec:\n  parent: payroll\n",
        &[
            "scopes.yaml:6:3: scopes are parents of each other in a circle: finance → payroll → finance [MDL0405]",
        ],
    );
    broken(
        "identityscopes.marque.dev: payroll",
        "identityscopes.marque.dev: payrol",
        &["application.yaml:20:9: IdentityScope `finance/payrol` does not exist [MDL0402]"],
    );
    broken(
        "identityscopes.marque.dev: payroll",
        "healthscopes.core.oam.dev: payroll",
        &["application.yaml:20:9: ScopeDefinition `healthscopes.core.oam.dev` does not exist [MDL0402]"],
    );
    broken(
        "identityscopes.marque.dev: payroll",
        "identityscopes.marque.dev: payroll\n        otherscopes.marque.dev: finance",
        &[
            "application.yaml:21:9: component `export` is in two identity scopes: overlap is not allowed [MDL0405]",
        ],
    );
    broken(
        "separationOfDuties: true",
        "separationOfDuties: false",
        &["scopes.yaml:21:23: separation of duties cannot be switched off [MDL0405]"],
    );
    broken(
        "classification: restricted",
        "classification: secret",
        &["scopes.yaml:16:3: `secret` is no classification [MDL0405]"],
    );
}

#[test]
fn a_long_chain_of_scopes_is_walked_and_a_root_is_the_only_one() {
    let scope = |index: usize| {
        let parent =
            if index == 0 { "namespaceRoot: true".to_owned() } else { format!("parent: s{}", index - 1) };
        format!(
            "apiVersion: marque.dev/v1alpha1\nkind: IdentityScope\nmetadata: {{name: s{index}, namespace: deep}}\nspec: {{{parent}}}\n---\n"
        )
    };
    let text: String = (0..5_000).map(scope).collect();
    let catalog = Catalog::check(parse("deep.yaml", &text).unwrap()).unwrap();
    assert_eq!(catalog.scope_chain(&ScopeRef::new("deep", "s4999")).len(), 5_000);
    assert_eq!(catalog.namespace_root("deep").unwrap().name, "s0");
    let two = text.replacen("parent: s0", "namespaceRoot: true", 1);
    let faults = Catalog::check(parse("deep.yaml", &two).unwrap()).unwrap_err();
    assert!(faults[0].message.contains("two root scopes"), "{faults:?}");
}

#[test]
fn access_rules_are_understood_or_refused() {
    const WHEN: &str = "{ticket: \"^CHG-[0-9]+$\", params: {month: [\"2026-11\"]}}";
    for (when, expected) in [
        ("{mfa: true, maxAuthAgeSeconds: 600, params: {month: x, bucket: [a, 1]}}", vec![]),
        ("{mfa: false}", vec!["`mfa` can only be `true`"]),
        ("{maxAuthAgeSeconds: 0}", vec!["`maxAuthAgeSeconds` must be a number of seconds above 0"]),
        ("{ticket: \"[\"}", vec!["`ticket` is not a regular expression that is supported"]),
        ("{weekday: monday}", vec!["`weekday` is no fact a rule can ask for"]),
        ("{params: {year: 1}}", vec!["no component has a parameter `year`, so the rule could never fire"]),
        (
            "{params: {month: {}}}",
            vec!["the value of `month` must be a text, number, boolean, or a list of those"],
        ),
        ("{params: []}", vec!["`params` must be an object of parameters and their values"]),
        ("{}", vec!["a `require` rule without `when` asks for nothing"]),
    ] {
        let expected: Vec<String> =
            expected.iter().map(|message| format!("application.yaml:27:13: {message} [MDL0408]")).collect();
        broken(WHEN, when, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
    broken(
        "actions: [trigger]",
        "actions: []",
        &["application.yaml:26:13: a rule needs `actions` [MDL0408]"],
    );
    broken(
        "actions: [trigger]",
        "actions: [start]",
        &["application.yaml:26:40: `start` is not known here [MDL0104]"],
    );
    broken(
        "type: access-policy",
        "type: topology",
        &[
            "application.yaml:23:7: policy `access` is of type `topology`, which is not carried out here [MDL0410]",
        ],
    );
}

#[test]
fn an_access_policy_may_be_an_object_of_its_own() {
    let mut files = example();
    let start = files[3].1.find("        rules:").unwrap();
    files[3].1.replace_range(start.., "        ref: shared\n");
    expect(&files, &["application.yaml:25:9: AccessPolicy `finance/shared` does not exist [MDL0402]"]);
    files.push((
        "policy.yaml",
        "apiVersion: marque.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {name: shared, namespace: finance}\nspec:\n  rules:\n  - {effect: require, actions: [trigger], when: {mfa: true}}\n".to_owned(),
    ));
    let catalog = check_files(&files).unwrap();
    let policy = &catalog.component(&component()).unwrap().policies[0];
    assert_eq!(policy.object.name, "access");
    assert_eq!(policy.object.rules[0].place.as_ref().unwrap().to_string(), "policy.yaml:6:5");
}

#[test]
fn a_template_belongs_to_one_component() {
    let component = "    - name: export\n      type: export\n      properties:";
    broken(
        component,
        &format!(
            "    - name: second\n      type: export\n      properties: {{month: \"2026-01\"}}\n{component}"
        ),
        &[
            "application.yaml:10:7: WorkflowTemplate `finance/export` already belongs to component `finance/payroll/second` [MDL0409]",
        ],
    );
}

#[test]
fn components_have_names_of_their_own_and_nothing_without_effect() {
    broken(
        "- name: export\n",
        "- name: Export\n",
        &["application.yaml:7:7: the component's name `Export` is not a valid name [MDL0001]"],
    );
    broken(
        "      type: export\n",
        "      type: export\n      dependsOn: [other]\n",
        &["application.yaml:9:7: `dependsOn` is not carried out here [MDL0410]"],
    );
    broken(
        "  policies:\n",
        "  workflow: {steps: []}\n  policies:\n",
        &["application.yaml:21:3: `workflow` is not carried out here [MDL0410]"],
    );
}

#[test]
fn a_definition_may_carry_its_template() {
    let template = TEMPLATE.trim().replace('\n', "\n        ");
    let mut files = example();
    files.remove(2);
    let extension = files[0].1.find("  extension:").unwrap();
    let end = files[0].1.find("---").unwrap();
    let kube = format!(
        "  schematic:\n    kube:\n      template:\n        {template}\n      parameters:\n      - {{name: period, type: string, required: true, fieldPaths: [\"spec.arguments.parameters[0].value\"]}}\n"
    );
    files[0].1.replace_range(extension..end, &kube);
    files[2].1 = files[2].1.replace("month: \"2026-11\"", "period: \"2026-11\"");
    let catalog = check_files(&files).unwrap();
    assert_eq!(
        catalog.component(&component()).unwrap().parameters,
        [("month".into(), "2026-11".into())].into()
    );
    assert_eq!(catalog.templates().count(), 1);
    files[2].1 = files[2].1.replace("period: \"2026-11\"", "month: \"2026-11\"");
    let faults = check_files(&files).unwrap_err();
    let messages: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(messages, ["unknown property `month`", "property `period` is missing"]);
}

#[test]
fn a_pinned_template_may_not_change() {
    let catalog = check_files(&example()).unwrap();
    let spec =
        serde_json::to_value(&catalog.template(&NamespacedName::new("finance", "export")).unwrap().spec)
            .unwrap();
    let pin = |digest: &str| format!("source: {{kind: WorkflowTemplate, name: export, sha256: {digest}}}");
    let right = crate::canonical::digest(&spec);
    broken("source: {kind: WorkflowTemplate, name: export}", &pin(&right), &[]);
    let expected = format!(
        "definitions.yaml:10:54: WorkflowTemplate `export` is not the one that is pinned: its digest is `{right}`, not `abc` [MDL0402]"
    );
    broken("source: {kind: WorkflowTemplate, name: export}", &pin("abc"), &[&expected]);
}

#[test]
fn definitions_must_lead_to_a_template() {
    broken(
        "source: {kind: WorkflowTemplate, name: export}",
        "source: {kind: WorkflowTemplate, name: exports}",
        &["definitions.yaml:10:40: WorkflowTemplate `finance/exports` does not exist [MDL0402]"],
    );
    broken(
        "source: {kind: WorkflowTemplate, name: export}",
        "source: {kind: Job, name: export}",
        &["definitions.yaml:10:7: the `kind` of a source must be `WorkflowTemplate` [MDL0411]"],
    );
    broken(
        "workload: {definition: {apiVersion: argoproj.io/v1alpha1, kind: WorkflowTemplate}}",
        "workload: {type: deployments.apps}",
        &[
            "definitions.yaml:7:3: the workload of ComponentDefinition `export` is not a WorkflowTemplate [MDL0411]",
        ],
    );
}

#[test]
fn what_is_applied_twice_or_cannot_be_applied_is_refused() {
    with(
        TEMPLATE,
        &[
            "more.yaml:2:1: WorkflowTemplate `finance/export` is defined twice, first at template.yaml:2:1 [MDL0401]",
        ],
    );
    with(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: run}\nspec: {workflowTemplateRef: {name: export}}\n",
        &[
            "more.yaml:1:1: Workflow `default/run` is a run, not something at rest that can be applied [MDL0410]",
        ],
    );
}

#[test]
fn schedules_bindings_and_templates_of_all_namespaces_are_held() {
    let mut files = example();
    let more = "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nmetadata: {name: nightly, namespace: finance}\nspec: {schedules: [\"@daily\"], workflowSpec: {workflowTemplateRef: {name: export}, arguments: {parameters: [{name: month, value: a}]}}}\n---\n\
        apiVersion: argoproj.io/v1alpha1\nkind: WorkflowEventBinding\nmetadata: {name: pushed, namespace: finance}\nspec: {event: {selector: \"true\"}, submit: {workflowTemplateRef: {name: export}}}\n---\n\
        apiVersion: argoproj.io/v1alpha1\nkind: ClusterWorkflowTemplate\nmetadata: {name: library}\nspec: {templates: [{name: a, suspend: {}}]}\n";
    files.push(("more.yaml", more.to_owned()));
    let catalog = check_files(&files).unwrap();
    let (name, cron) = catalog.cron_workflows().next().unwrap();
    assert_eq!(
        (name.to_string().as_str(), cron.object.spec.all_schedules()),
        ("finance/nightly", vec!["@daily"])
    );
    let (name, binding) = catalog.event_bindings().next().unwrap();
    assert_eq!((name.name.as_str(), binding.object.spec.event.selector.as_str()), ("pushed", "true"));
    assert_eq!(catalog.cluster_template("library").unwrap().object.spec.templates.len(), 1);
    assert!(catalog.template(&NamespacedName::new("", "library")).is_none());
}

#[test]
fn templates_are_validated_where_they_are_written() {
    broken(
        "template: wait}",
        "template: waits}",
        &[
            "application.yaml:14:22: WorkflowTemplate `finance/export` has no suspend node `approve` [MDL0407]",
            "template.yaml:13:28: templates.main.steps[1].approve template name 'waits' undefined [MDL0302]",
        ],
    );
}

#[test]
fn every_fault_is_told_at_once() {
    let mut files = example();
    for (_, text) in &mut files {
        *text = text
            .replace("parent: finance", "parent: nobody")
            .replace("overridable: [month]", "overridable: [moth]")
            .replace("node: approve", "node: aprove");
    }
    assert_eq!(check_files(&files).unwrap_err().len(), 3);
}

#[test]
fn the_shipped_example_is_valid() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/payroll");
    let files = crate::corpus::yaml_files(&folder);
    let files = files.iter().filter(|(name, _)| !name.contains('/'));
    let files: Vec<(&str, String)> = files.map(|(name, text)| (name.as_str(), text.clone())).collect();
    let catalog = check_files(&files).unwrap();
    assert_eq!(catalog.components().count(), 1);
}
