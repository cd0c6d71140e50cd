//! What WorkflowEventBindings make of events. Argo's own cases lie outside the project: where they are absent the test
//! says so.

use std::{fs, path::PathBuf};

use engine::{
    BindingError,
    binding::{self, Dispatch, Incoming},
};
use jiff::Timestamp;
use model::argo::WorkflowEventBinding;
use proptest::prelude::*;
use serde_json::{Value, json};

fn dispatch(payload: Value) -> Dispatch {
    let event = Incoming {
        namespace: "argo".into(),
        discriminator: "push".into(),
        metadata: binding::metadata([("X-Kind", "push"), ("Authorization", "Bearer secret")]),
        payload,
    };
    Dispatch::new(&event, Timestamp::UNIX_EPOCH, 1)
}

fn bound(spec: Value) -> WorkflowEventBinding {
    let value = json!({"metadata": {"name": "on-push", "namespace": "argo"}, "spec": spec});
    serde_json::from_value(value).unwrap()
}

fn played(case: &Value) -> Option<Result<Value, BindingError>> {
    let dispatch = dispatch(case["payload"].clone());
    let text = |key: &str| case[key].as_str().unwrap();
    Some(match text("engine") {
        "event_selector" => dispatch.selects(text("selector")).map(Value::from),
        "event_parameter" => dispatch.parameter("my-param", text("expression")).map(Value::from),
        "event_metadata" => {
            let what = match text("field") {
                key @ ("label" | "annotation") => format!("{key} \"{}\"", named(case, key)),
                field => field.to_owned(),
            };
            dispatch.text(&what, text("expression")).map(Value::from)
        }
        "event_headers" => {
            let headers = case["headers"].as_object().unwrap().iter();
            let each = headers.flat_map(|(name, values)| {
                values.as_array().unwrap().iter().map(|value| (name.as_str(), value.as_str().unwrap()))
            });
            Ok(Value::Object(binding::metadata(each)))
        }
        _ => return None,
    })
}

/// The key of a label or annotation: the message that is expected has it.
fn named<'a>(case: &'a Value, what: &str) -> &'a str {
    let expected = case["error_contains"].as_str().unwrap_or_default();
    let after = expected.split_once(&format!("{what} \"")).map(|(_, rest)| rest);
    after.and_then(|rest| rest.split('"').next()).unwrap_or("key")
}

#[test]
fn every_event_of_the_corpus_is_answered_as_in_argo() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo/expressions/cases.json");
    let Ok(text) = fs::read_to_string(&file) else {
        println!("{} is absent: its cases are not run", file.display());
        return;
    };
    let cases: Value = serde_json::from_str(&text).unwrap();
    let mut seen = 0;
    for case in cases.as_array().or(cases["cases"].as_array()).unwrap() {
        let Some(result) = played(case) else { continue };
        seen += 1;
        match (result, case["error_contains"].as_str()) {
            (Ok(value), None) => assert_eq!(value, case["expected"], "{case}"),
            (Err(error), Some(expected)) => {
                assert!(error.to_string().contains(expected), "{error}\nfor {case}");
            }
            (result, _) => panic!("{result:?} for {case}"),
        }
    }
    assert!(seen >= 20, "only {seen} cases were seen");
}

#[test]
fn a_binding_makes_a_workflow_of_the_event_that_it_selects() {
    let binding = bound(json!({
        "event": {"selector": "// of pushes alone\nmetadata[\"x-kind\"] == [\"push\"] && discriminator == \"push\""},
        "submit": {
            "workflowTemplateRef": {"name": "build"},
            "metadata": {
                "generateName": "\"build-\" + payload.branch + \"-\"",
                "labels": {"branch": "payload.branch", "workflows.argoproj.io/workflow-event-binding": "'forged'"},
                "annotations": {"by": "sprig.upper(payload.who ?? 'nobody')"},
            },
            "arguments": {"parameters": [
                {"name": "branch", "valueFrom": {"event": "payload.branch"}},
                {"name": "files", "valueFrom": {"event": "concat(payload.added, payload.changed)"}},
                {"name": "size", "valueFrom": {"event": "payload.size"}},
                {"name": "nothing", "valueFrom": {"event": "payload.nothing"}},
                {"name": "html", "valueFrom": {"event": "payload.html"}},
            ]},
        },
    }));
    let payload = json!({
        "branch": "main", "added": ["a"], "changed": ["b"], "size": 8_675_309, "html": {"b": "<p>", "a": "<"},
    });
    let workflow = dispatch(payload).workflow(&binding).unwrap().unwrap();
    assert_eq!(
        serde_json::to_value(&workflow).unwrap(),
        json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {
                "generateName": "build-main-",
                "namespace": "argo",
                "labels": {
                    "workflows.argoproj.io/workflow-template": "build",
                    "branch": "main",
                    "workflows.argoproj.io/workflow-event-binding": "on-push",
                },
                "annotations": {"by": "NOBODY"},
            },
            "spec": {
                "workflowTemplateRef": {"name": "build"},
                "arguments": {"parameters": [
                    {"name": "branch", "value": "main"},
                    {"name": "files", "value": "[\"a\",\"b\"]"},
                    {"name": "size", "value": "8675309"},
                    {"name": "nothing", "value": "null"},
                    {"name": "html", "value": "{\"a\":\"\\u003c\",\"b\":\"\\u003cp\\u003e\"}"},
                ]},
            },
        })
    );
}

#[test]
fn a_template_of_the_cluster_gives_its_name_and_its_label() {
    let reference = json!({"workflowTemplateRef": {"name": "shared", "clusterScope": true}});
    let binding = bound(json!({"event": {"selector": "true"}, "submit": reference}));
    let workflow = dispatch(Value::Null).workflow(&binding).unwrap().unwrap();
    let metadata = workflow.metadata;
    assert_eq!((metadata.name.as_str(), metadata.generate_name.as_str()), ("", "shared-"));
    assert_eq!(metadata.labels["workflows.argoproj.io/cluster-workflow-template"].as_str(), "shared");
}

#[test]
fn what_selects_nothing_or_submits_nothing_starts_nothing() {
    for spec in [
        json!({"event": {"selector": "payload.a == 1"}, "submit": {"workflowTemplateRef": {"name": "x"}}}),
        json!({"event": {"selector": "true"}}),
        // nothing else is computed when it is not selected
        json!({"event": {"selector": "false"}, "submit": {"metadata": {"name": "!"}}}),
    ] {
        assert_eq!(dispatch(json!({"a": 2})).workflow(&bound(spec.clone())).unwrap(), None, "{spec}");
    }
}

#[test]
fn malformed_bindings_say_what_is_wrong_in_argos_words() {
    let submit = |more: Value| {
        let mut submit = json!({"workflowTemplateRef": {"name": "x"}});
        submit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"event": {"selector": "true"}, "submit": submit})
    };
    let parameter = |fields: Value| submit(json!({"arguments": {"parameters": [fields]}}));
    for (spec, code, expected) in [
        (json!({"event": {"selector": "1"}}), "ENG0101", "unable to cast expression result '1' to bool"),
        (json!({"event": {"selector": "sprig.trim(' ') == ''"}}), "ENG0101", "unknown name sprig"),
        (json!({"event": {"selector": "authorization"}}), "ENG0101", "unknown name authorization"),
        (
            parameter(json!({"name": "p", "value": "x"})),
            "ENG0103",
            "malformed workflow template parameter \"p\": valueFrom is nil",
        ),
        (
            parameter(json!({"name": "p", "valueFrom": {"event": "payload.a.b.c"}})),
            "ENG0102",
            "failed to evaluate workflow template parameter \"p\" expression: ",
        ),
        (
            submit(json!({"metadata": {"labels": {"l": "1"}}})),
            "ENG0104",
            "workflow label \"l\" expression must evaluate to a string, not a int",
        ),
    ] {
        let error = dispatch(json!({"a": {}})).workflow(&bound(spec.clone())).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}\nfor {spec}");
        assert_eq!(error.code().0, code, "{spec}");
    }
}

proptest! {
    /// Whatever is sent, nothing but a header that begins with `x-` is kept, and each of those whole.
    #[test]
    fn only_headers_that_begin_with_x_are_kept(
        headers in proptest::collection::vec(("(?i:x-|auth|cookie|x)[a-zA-Z-]{0,6}", "[ -~]{0,8}"), 0..12),
    ) {
        let kept = binding::metadata(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let expected = headers.iter().filter(|(name, _)| name.to_ascii_lowercase().starts_with("x-")).count();
        prop_assert!(kept.keys().all(|name| name.starts_with("x-") && *name == name.to_ascii_lowercase()));
        prop_assert_eq!(kept.values().map(|values| values.as_array().unwrap().len()).sum::<usize>(), expected);
    }

    /// A string of the payload comes through as it is; no text of a payload is ever read as an expression.
    #[test]
    fn texts_of_the_payload_come_through_untouched(text in any::<String>()) {
        let dispatch = dispatch(json!({"text": text, "in": [text]}));
        prop_assert_eq!(dispatch.parameter("p", "payload.text").unwrap(), text.clone());
        prop_assert_eq!(dispatch.text("name", "payload.in[0]").unwrap(), text.clone());
        let list: Vec<String> = serde_json::from_str(&dispatch.parameter("p", "payload.in").unwrap()).unwrap();
        prop_assert_eq!(list, [text]);
    }
}
