//! What things look like, compared with recorded texts, and the one law: YAML written here is read back as it was.

use insta::assert_snapshot;
use jiff::Timestamp;
use model::argo::{Workflow, WorkflowStatus};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{decision, fault, fault::Drawable, span, table, tree, yaml};
use crate::{
    client::answer::{Explained, ExplainedRule},
    error::SourceText,
    shell::Look,
};

fn now() -> Timestamp {
    "2026-11-23T10:05:00Z".parse().unwrap()
}

/// A node with times counted in seconds from ten o'clock.
fn node(id: &str, name: &str, node_type: &str, phase: &str, more: Value) -> Value {
    let display = name.rsplit(['.', ')']).find(|part| !part.is_empty()).unwrap_or(name);
    let mut node = json!({
        "id": id, "name": name, "displayName": display, "type": node_type, "phase": phase,
        "templateName": display, "startedAt": "2026-11-23T10:00:00Z", "finishedAt": "2026-11-23T10:00:08Z",
    });
    for (key, value) in more.as_object().unwrap() {
        node[key] = value.clone();
    }
    node
}

fn status(nodes: Vec<Value>) -> WorkflowStatus {
    let by_id: serde_json::Map<String, Value> =
        nodes.into_iter().map(|node| (node["id"].as_str().unwrap().to_owned(), node)).collect();
    serde_json::from_value(json!({"phase": "Running", "startedAt": "2026-11-23T10:00:00Z", "nodes": by_id}))
        .unwrap()
}

fn payroll() -> WorkflowStatus {
    status(vec![
        node("pay", "pay", "Steps", "Running", json!({"templateName": "main", "finishedAt": null})),
        node("pay-1", "pay[0]", "StepGroup", "Succeeded", json!({"boundaryID": "pay"})),
        node(
            "pay-2",
            "pay[0].extract",
            "Pod",
            "Succeeded",
            json!({
                "boundaryID": "pay",
                "outputs": {"parameters": [{"name": "rows", "value": "3"}], "artifacts": [{"name": "payroll"}]},
            }),
        ),
        node("pay-3", "pay[1]", "StepGroup", "Running", json!({"boundaryID": "pay", "finishedAt": null})),
        node(
            "pay-4",
            "pay[1].approve",
            "Suspend",
            "Running",
            json!({"boundaryID": "pay", "finishedAt": null}),
        ),
    ])
}

#[test]
fn a_waiting_run_is_drawn_without_its_groups() {
    assert_snapshot!(tree::tree("pay", &payroll(), now(), Look::PLAIN));
}

#[test]
fn retries_loops_and_exit_handlers_stand_where_they_belong() {
    let nodes = status(vec![
        node("w", "w", "DAG", "Failed", json!({"templateName": "main", "message": "child 'w-3' failed"})),
        node(
            "w-1",
            "w.a",
            "Retry",
            "Failed",
            json!({"boundaryID": "w", "children": ["w-2", "w-3"], "message": "No more retries left"}),
        ),
        node(
            "w-2",
            "w.a(0)",
            "Pod",
            "Failed",
            json!({"boundaryID": "w", "displayName": "a(0)", "templateName": "a", "message": "Error (exit code 1)"}),
        ),
        node(
            "w-3",
            "w.a(1)",
            "Pod",
            "Failed",
            json!({"boundaryID": "w", "displayName": "a(1)", "templateName": "a", "message": "Error (exit code 1)"}),
        ),
        node("w-4", "w.b", "TaskGroup", "Succeeded", json!({"boundaryID": "w", "children": ["w-5", "w-6"]})),
        node(
            "w-5",
            "w.b(0:x)",
            "Pod",
            "Succeeded",
            json!({"boundaryID": "w", "displayName": "b(0:x)", "templateName": "b"}),
        ),
        node(
            "w-6",
            "w.b(1:y)",
            "Pod",
            "Succeeded",
            json!({"boundaryID": "w", "displayName": "b(1:y)", "templateName": "b"}),
        ),
        node(
            "w-7",
            "w.c",
            "Skipped",
            "Omitted",
            json!({"boundaryID": "w", "message": "omitted: depends condition not met"}),
        ),
        node(
            "w-8",
            "w.onExit",
            "Pod",
            "Succeeded",
            json!({"displayName": "w.onExit", "templateName": "report"}),
        ),
    ]);
    assert_snapshot!(tree::tree("w", &nodes, now(), Look::PLAIN));
}

#[test]
fn colours_do_not_move_columns() {
    let coloured = Look { colour: true, ..Look::PLAIN };
    let painted = tree::tree("pay", &payroll(), now(), coloured);
    let mut plain = String::new();
    let mut rest = painted.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    assert_ne!(painted, plain);
    assert_eq!(plain, tree::tree("pay", &payroll(), now(), Look::PLAIN));
}

#[test]
fn what_a_run_says_cannot_steer_the_terminal() {
    let evil = "ok\u{1b}[2J\u{1b}]0;owned\u{7}\r\nname \u{202e}gpj";
    let nodes = status(vec![node(
        "w",
        "w",
        "Pod",
        "Failed",
        json!({"message": evil, "displayName": evil, "templateName": evil}),
    )]);
    let drawn = tree::tree("w", &nodes, now(), Look { width: 400, ..Look::PLAIN });
    assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()), "{drawn:?}");
    assert!(!drawn.contains('\u{202e}'));
}

#[test]
fn nodes_that_stand_under_each_other_do_not_hang_the_drawing() {
    let nodes = status(vec![
        node("w", "w", "Steps", "Running", json!({"boundaryID": "w"})),
        node("w-1", "w.a", "Pod", "Running", json!({"boundaryID": "w-2"})),
        node("w-2", "w.b", "Pod", "Running", json!({"boundaryID": "w-1"})),
    ]);
    assert_snapshot!(tree::tree("w", &nodes, now(), Look::PLAIN));
}

#[test]
fn a_run_is_headed_by_what_it_is() {
    let mut workflow: Workflow = serde_json::from_value(json!({
        "metadata": {"name": "pay", "namespace": "finance", "labels": {"app.oam.dev/name": "payroll", "app.oam.dev/component": "payroll-export"}},
        "spec": {"arguments": {"parameters": [{"name": "month", "value": "2026-10"}]}},
    }))
    .unwrap();
    workflow.status = Some(payroll());
    let outputs = tree::outputs(&payroll());
    assert_snapshot!(format!("{}{outputs}", tree::heading(&workflow, now(), Look::PLAIN)));
}

#[test]
fn a_table_has_no_trailing_spaces() {
    let rows = [
        ["pay".to_owned(), "Running".to_owned(), String::new()],
        ["payroll-export".to_owned(), "✔".to_owned(), "x".to_owned()],
    ];
    assert_snapshot!(table::table(["NAME", "STATUS", "MESSAGE"], &rows));
}

#[test]
fn spans_read_as_people_say_them() {
    let told: Vec<String> =
        [-5, 0, 59, 60, 125, 3_599, 3_600, 86_399, 90_000, i64::MAX].into_iter().map(span::seconds).collect();
    assert_snapshot!(told.join(" "));
}

fn refusal() -> Explained {
    Explained {
        verdict: "deny".to_owned(),
        action: "submit".to_owned(),
        resource: "finance/payroll/payroll-export".to_owned(),
        rules: vec![
            ExplainedRule {
                id: "policy payroll-access rule 1".to_owned(),
                says: "forbids `contractors` to trigger".to_owned(),
                place: Some("examples/payroll/application.yaml:33:13".to_owned()),
            },
            ExplainedRule { id: "ceiling".to_owned(), says: String::new(), place: None },
        ],
        missing: vec!["reason".to_owned()],
        advice: vec!["ask an owner of scope `payroll-prod`: group:finance-platform".to_owned()],
        ..Explained::default()
    }
}

#[test]
fn a_refusal_says_why_where_and_how_to_get_access() {
    assert_snapshot!(decision::decision(&refusal(), 2, Look::PLAIN));
}

#[test]
fn a_permission_says_by_what() {
    let allowed =
        Explained { verdict: "allow".to_owned(), missing: Vec::new(), advice: Vec::new(), ..refusal() };
    assert_snapshot!(decision::decision(&allowed, 0, Look::PLAIN));
}

fn drawn(place: Option<(&str, u32, u32)>, span: Option<std::ops::Range<usize>>) -> String {
    let text = "kind: Workflow\nmetadata:\n  näme: größe # ü\nspec: {}\n";
    let fault = Drawable {
        code: "MDL0201".to_owned(),
        message: "unknown field `näme`".to_owned(),
        place: place.map(|(file, line, column)| (file.to_owned(), line, column)),
        span,
        help: Some("did you mean `name`?".to_owned()),
    };
    fault::faults(&[fault], &[SourceText { file: "w.yaml".to_owned(), text: text.to_owned() }], Look::PLAIN)
}

#[test]
fn a_fault_is_drawn_into_its_text() {
    assert_snapshot!(drawn(Some(("w.yaml", 3, 3)), Some(27..32)));
}

#[test]
fn a_fault_without_a_span_marks_the_word_at_its_place() {
    assert_snapshot!(drawn(Some(("w.yaml", 3, 3)), None));
}

#[test]
fn a_fault_in_a_text_that_is_not_here_still_tells_its_place() {
    assert_snapshot!(drawn(Some(("other.yaml", 3, 3)), None));
}

#[test]
fn a_fault_without_a_place_is_told() {
    assert_snapshot!(drawn(None, None));
}

#[test]
fn spans_that_do_not_fit_the_text_are_no_trap() {
    for span in [0..10_000, 28..29, 51..51, 9_999..10_000, usize::MAX - 1..usize::MAX] {
        for (line, column) in [(0, 0), (1, 1), (3, 9), (4, 9_999), (9_999, 1), (u32::MAX, u32::MAX)] {
            let text = drawn(Some(("w.yaml", line, column)), Some(span.clone()));
            assert!(text.contains("MDL0201"), "{text}");
        }
    }
}

#[test]
fn many_faults_are_counted_not_drawn() {
    let fault = |n: usize| Drawable {
        code: "MDL0201".to_owned(),
        message: format!("fault {n}"),
        place: None,
        span: None,
        help: None,
    };
    let text = fault::faults(&(0..1_000).map(fault).collect::<Vec<_>>(), &[], Look::PLAIN);
    assert!(text.contains("fault 19") && !text.contains("fault 20") && text.contains("… and 980 more"));
}

#[test]
fn yaml_looks_as_kubernetes_writes_it() {
    let value = json!({
        "metadata": {"name": "pay", "labels": {}, "annotations": {"marque.dev/reason": "it is: so"}},
        "spec": {"templates": [{"name": "a", "container": {"args": ["x", "yes", "12", ""], "command": []}}, [1, [2]]],
        "script": "set -eu\necho hi\n", "deadline": null, "flag": true, "odd": " lead\ntrail "},
    });
    assert_snapshot!(yaml::yaml(&value));
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[ -~]{0,12}",
        "[\\PC\n]{0,12}",
        Just("null".to_owned()),
        Just("1e3".to_owned()),
        Just("0x1f".to_owned()),
        Just("line\n\n  more\n".to_owned()),
        Just("- a".to_owned()),
        Just("a: b".to_owned()),
        Just("---".to_owned()),
        Just("~".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..5)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    #[test]
    fn yaml_is_read_back_as_it_was_written(value in any_json()) {
        let written = yaml::yaml(&value);
        let documents = model::yaml::parse("t.yaml", &written).map_err(|faults| TestCaseError::fail(format!("{written}\n{faults:?}")))?;
        prop_assert_eq!(documents.len(), 1, "{}", written);
        let read: Value = model::yaml::decode(&documents[0]).map_err(|faults| TestCaseError::fail(format!("{written}\n{faults:?}")))?;
        prop_assert_eq!(read, value, "{}", written);
    }
}
