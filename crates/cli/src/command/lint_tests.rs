//! `marque lint`: several files as one namespace, and its spellings.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::tests::marque;
use crate::exit::Exit;

const TEMPLATE: &str = "apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: shared}
spec:
  templates:
  - name: say
    inputs: {parameters: [{name: what}]}
    container: {image: busybox, args: ['{{inputs.parameters.what}}']}
";

fn caller(parameter: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{generateName: w-}}
spec:
  entrypoint: main
  nodeSelector: {{disk: ssd}}
  templates:
  - name: main
    steps:
    - - name: a
        templateRef: {{name: shared, template: say}}
        arguments: {{parameters: [{{name: {parameter}, value: x}}]}}
"
    )
}

async fn lint(files: &[(&str, &str)], more: &[&str]) -> (Exit, String, String) {
    let home = tempfile::tempdir().unwrap();
    let mut words = vec!["lint".to_owned()];
    words.extend(more.iter().map(|word| (*word).to_owned()));
    for (name, text) in files {
        let path = home.path().join(name);
        fs::write(&path, text).unwrap();
        words.push(path.display().to_string());
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = marque(home.path(), &words, "").await;
    (said.exit, said.out, said.err)
}

#[tokio::test]
async fn references_resolve_among_the_files_and_each_file_has_its_findings() {
    let good = caller("what");
    let (exit, out, _) = lint(&[("w.yaml", &good), ("t.yaml", TEMPLATE)], &["-o", "json"]).await;
    let warning = json!({
        "message": "only on Kubernetes: `nodeSelector` has no effect on one machine", "line": 6, "column": 3
    });
    let expected = json!([
        {"file": "HOME/w.yaml", "valid": true, "errors": [], "warnings": [warning]},
        {"file": "HOME/t.yaml", "valid": true, "errors": [], "warnings": []},
    ]);
    assert_eq!((exit, serde_json::from_str::<Value>(&out).unwrap()), (Exit::OK, expected));

    let (exit, out, _) = lint(&[("w.yaml", &good)], &["-o", "json"]).await;
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((exit, &found[0]["valid"]), (Exit::FAILED, &json!(false)));
    assert!(found[0]["errors"][0]["message"].as_str().unwrap().contains("shared"), "{found}");

    let bad = caller("other");
    let broken =
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: x}\nspec: {entrypoin: a}\n";
    let files = [("w.yaml", bad.as_str()), ("t.yaml", TEMPLATE), ("b.yaml", broken)];
    let (exit, out, _) = lint(&files, &["-o", "json"]).await;
    let found: Value = serde_json::from_str(&out).unwrap();
    let valid: Vec<&Value> = found.as_array().unwrap().iter().map(|file| &file["valid"]).collect();
    assert_eq!((exit, valid), (Exit::FAILED, vec![&json!(false), &json!(true), &json!(false)]));
    assert!(found[0]["errors"][0]["message"].as_str().unwrap().contains("what was not supplied"), "{found}");
    let unknown = &found[2]["errors"][0];
    assert_eq!((&unknown["line"], &unknown["column"]), (&json!(4), &json!(8)), "{found}");
}

#[tokio::test]
async fn sarif_has_a_result_for_each_finding_and_people_see_warnings_too() {
    let good = caller("what");
    let (exit, out, _) = lint(&[("w.yaml", &good)], &["-o", "sarif"]).await;
    let log: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((exit, &log["version"]), (Exit::FAILED, &json!("2.1.0")));
    let results = log["runs"][0]["results"].as_array().unwrap();
    let levels: Vec<&str> = results.iter().map(|result| result["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["error", "warning"], "{log}");
    let location = &results[1]["locations"][0]["physicalLocation"];
    assert_eq!(location["region"], json!({"startLine": 6, "startColumn": 3}));
    let rules: Vec<&Value> = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["id"])
        .collect();
    assert!(results.iter().all(|result| rules.contains(&&result["ruleId"])));

    let (exit, out, err) = lint(&[("w.yaml", &good), ("t.yaml", TEMPLATE)], &[]).await;
    assert_eq!(
        (exit, out.as_str()),
        (Exit::OK, "✔ no linting errors found! (2 objects in 2 files, 1 warning)\n")
    );
    assert!(err.contains("warning: HOME/w.yaml:6:3: only on Kubernetes"), "{err}");
}

/// Argo's own cases: the verdict is Argo's in each, and its words are in the message.
#[tokio::test]
async fn argos_cases_of_validation_have_argos_verdict() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo/validation");
    let Ok(text) = fs::read_to_string(folder.join("cases.json")) else {
        println!("the corpus is absent: {} cannot be read", folder.display());
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let home = tempfile::tempdir().unwrap();
    let (mut seen, mut differ) = (0, Vec::new());
    for case in &cases {
        // what is only wrong when it is submitted, or of another kind than it says, is judged elsewhere
        if case["options"]["Submit"] == true || case["literal_kind"].is_string() {
            continue;
        }
        let file = |name: &Value| folder.join(name.as_str().unwrap()).display().to_string();
        let mut words = vec!["lint".to_owned(), "-o".to_owned(), "json".to_owned(), file(&case["file"])];
        words.extend(case["requires"].as_array().into_iter().flatten().map(file));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = marque(home.path(), &words, "").await;
        let Ok(found) = serde_json::from_str::<Value>(&said.out) else {
            differ.push(format!("{}: {}", case["file"], said.err));
            continue;
        };
        seen += 1;
        let name = case["file"].as_str().unwrap();
        let known = KNOWN_DIFFERENCES.contains(&name) && case["valid"] == false;
        if (found[0]["valid"] == case["valid"]) == known {
            differ.push(format!("{name}: valid {} expected, {}", case["valid"], found[0]));
        }
    }
    println!("{seen} cases");
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}

/// Parameters of a workflow without a value: Argo's validator refuses them when it is told that the workflow is to run,
/// and lets them pass when it lints, as the command does.
const KNOWN_DIFFERENCES: [&str; 4] = [
    "unsuppliedArgValue.yaml",
    "specArgumentNoValue.yaml",
    "workflow-sub-test-1.yaml",
    "workflow-sub-test-4.yaml",
];
