//! `marque eval` with Argo's recorded cases, and what its help promises.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::tests::marque;
use crate::exit::Exit;

async fn eval(lang: &str, vars: &Value, more: &[&str], text: &str) -> (Exit, String, String) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("vars.json");
    fs::write(&file, vars.to_string()).unwrap();
    let file = file.display().to_string();
    let mut args = vec!["eval", "--lang", lang, "--vars", &file];
    args.extend_from_slice(more);
    args.extend_from_slice(&["--", text]);
    let said = marque(home.path(), &args, "").await;
    (said.exit, said.out, said.err)
}

fn cases() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo/expressions/cases.json");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("the corpus is absent: {} cannot be read", path.display());
        return Vec::new();
    };
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn argos_recorded_cases_give_what_argo_gives() {
    let mut seen = 0;
    for case in cases() {
        let text = |field: &str| case[field].as_str().unwrap_or_default().to_owned();
        let vars = if case["vars"].is_object() { case["vars"].clone() } else { json!({}) };
        let allow: &[&str] = if case["allow_unresolved"] == true { &["--allow-unresolved"] } else { &[] };
        let (lang, vars, text, expected) = match case["engine"].as_str().unwrap() {
            "replace" => ("tag", vars, text("template"), case["expected"].as_str().map(str::to_owned)),
            "when" => ("when", vars, text("expression"), case["expected"].as_bool().map(|b| b.to_string())),
            "eval_bool" => {
                ("expr", vars, text("expression"), case["expected"].as_bool().map(|b| b.to_string()))
            }
            "jq_filter" => (
                "jq",
                serde_json::from_str(&text("input")).unwrap(),
                text("filter"),
                case["expected"].as_str().map(str::to_owned),
            ),
            _ => continue,
        };
        seen += 1;
        let (exit, out, err) = eval(lang, &vars, allow, &text).await;
        match expected {
            Some(expected) => {
                assert_eq!(
                    (exit, out.as_str()),
                    (Exit::OK, format!("{expected}\n").as_str()),
                    "{case}: {err}"
                );
            }
            None if case["error_contains"].is_string() => {
                assert_eq!(exit, Exit::FAILED, "{case}: {out}");
                assert!(err.contains(case["error_contains"].as_str().unwrap()), "{case}: {err}");
                assert!(out.is_empty());
            }
            None => assert_eq!(exit, Exit::OK, "{case}: {err}"),
        }
    }
    println!("{seen} cases");
}

#[tokio::test]
async fn each_language_answers_on_standard_output() {
    let results =
        json!({"a": "Succeeded", "b": {"status": "Failed", "continueOn": {"failed": true}}, "c": "Error"});
    let document = json!({"metadata": {"name": "x"}, "items": [1, 2], "app": "payroll"});
    for (lang, vars, text, expected) in [
        ("depends", &results, "a && b", "true"),
        ("depends", &results, "a && c", "false"),
        ("depends", &results, "a && (b.Failed || c.Succeeded) && !c", "true"),
        ("jq", &document, ".items | add", "3"),
        ("jsonpath", &document, "{.metadata.name}", "x"),
        ("jsonpath", &document, "$.items", "[1,2]"),
        ("selector", &json!({"app": "payroll"}), "app in (payroll),!other", "true"),
        ("expr", &json!({"workflow.name": "w"}), "workflow.name + 'x'", "wx"),
        ("expr", &json!({}), "map(1..3, {# * 2})", "[2,4,6]"),
        ("expr", &json!({}), "-1 + 2", "1"),
        (
            "tag",
            &json!({"item": {"a": {"b": 1}}}),
            "{{item.a}} {{item.a.b}} {{=item.a.b + 1}}",
            "{\"b\":1} 1 2",
        ),
    ] {
        let (exit, out, err) = eval(lang, vars, &[], text).await;
        assert_eq!(
            (exit, out.as_str()),
            (Exit::OK, format!("{expected}\n").as_str()),
            "{lang} {text}: {err}"
        );
    }
    for (lang, vars, text) in [
        ("depends", &results, "a && d"),
        ("depends", &json!({"a": "Sideways"}), "a"),
        ("when", &json!({}), "a =="),
        ("tag", &json!({"x": null}), "{{x}}"),
        ("expr", &json!({}), "nothing"),
        ("jq", &document, ".["),
        ("selector", &document, "a b"),
        ("expr", &json!([1]), "1"),
    ] {
        let (exit, out, err) = eval(lang, vars, &[], text).await;
        assert_eq!((exit, out.as_str()), (Exit::FAILED, ""), "{lang} {text}");
        assert!(err.contains("error["), "{lang} {text}: {err}");
    }
}
