//! Filters, paths and selectors over documents: Argo's recorded cases and further ones.

use std::{fs, path::PathBuf};

use expr::{
    ExprError, jq, jsonpath,
    selector::{ResourceState, resource_state},
};
use serde_json::{Value, json};

fn cases(engine: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo/expressions/cases.json");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("the corpus is absent: {} cannot be read", path.display());
        return Vec::new();
    };
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    all.into_iter().filter(|case| case["engine"] == engine).collect()
}

#[test]
fn jq_filters_give_what_argo_makes_of_them() {
    for case in cases("jq_filter") {
        let got = jq(case["filter"].as_str().unwrap(), case["input"].as_str().unwrap());
        assert_eq!(got.as_deref().ok(), case["expected"].as_str(), "{case}: {got:?}");
    }
    let document = r#"{"a": [1, {"b": "x\ny"}], "n": 1.0, "big": 12345678901234567890}"#;
    for (filter, expected) in [
        (".a[0]", "1"),
        (".a[1].b", "x\ny"),
        (".a[1]", r#"{"b":"x\ny"}"#),
        (".missing", "null"),
        (".missing // \"none\"", "none"),
        ("[.a[] | type] | join(\",\")", "number,object"),
        (".a | length", "2"),
        ("keys[]", "a\nbig\nn"),
        ("empty", ""),
        (".a | map(select(type == \"number\")) | add", "1"),
        (".n", "1"),
        (".n / 2, 6 / 3", "0.5\n2"),
        ("1e17, 1e-7, 123456.5", "1e+17\n1e-7\n123456.5"),
        ("nan, infinite", "null\n1.7976931348623157e+308"),
        ("{b: 1, a: {d: 2, c: 3}}", r#"{"a":{"c":3,"d":2},"b":1}"#),
        ("[leaf_paths] | length", "4"),
        ("[1, \"a\\\"b\", null, true] | @csv", r#"1,"a""b",,true"#),
        ("[1, \"a\\tb\"] | @tsv", "1\ta\\tb"),
        ("INDEX([{id: \"x\"}, {id: \"y\"}][]; .id) | keys", r#"["x","y"]"#),
        ("2 | IN(1, 2), IN(3)", "true\nfalse"),
    ] {
        assert_eq!(jq(filter, document).as_deref(), Ok(expected), "{filter}");
    }
    for (filter, code) in [
        (".a[", "EXP0015"),
        ("nothing_so_called", "EXP0015"),
        ("env", "EXP0015"),
        ("input", "EXP0015"),
        (".a.b", "EXP0016"),
        ("error(\"no\")", "EXP0016"),
        ("range(1000000)", "EXP0005"),
    ] {
        let error = jq(filter, document).unwrap_err();
        assert_eq!(error.code(), code, "{filter}: {error}");
    }
}

#[test]
fn jsonpaths_are_read_in_both_spellings() {
    let document = json!({
        "metadata": {"name": "x", "labels": {"app.kubernetes.io/name": "y"}, "my-key": 1},
        "items": [{"n": "a", "v": 1}, {"n": "b", "v": 2}],
    });
    for (path, expected) in [
        ("{.metadata.name}", "x"),
        ("{$.metadata.name}", "x"),
        ("{metadata.name}", "x"),
        ("{.metadata.labels.app\\.kubernetes\\.io/name}", "y"),
        ("{.metadata['my-key']}", "1"),
        ("{.metadata.my-key}", "1"),
        ("{.items[*].n}", "a b"),
        ("{.items[0].v}", "1"),
        ("{.items[-1].v}", "2"),
        ("{.items[?(@.v==2)].n}", "b"),
        ("{..v}", "1 2"),
        ("name: {.metadata.name}{\"\\n\"}", "name: x\n"),
        ("{.items[0]}", r#"{"n":"a","v":1}"#),
        ("$.metadata.name", "x"),
        ("$.items[*].n", r#"["a","b"]"#),
        ("$.items[?(@.n==\"a\")].v", "[1]"),
        (".metadata.name", "x"),
    ] {
        assert_eq!(jsonpath(path, &document).as_deref(), Ok(expected), "{path}");
    }
    for (path, code) in
        [("{.nothing}", "EXP0016"), ("{.a", "EXP0015"), ("{range .items[*]}", "EXP0015"), ("$[", "EXP0015")]
    {
        assert_eq!(jsonpath(path, &document).map_err(|error: ExprError| error.code()), Err(code), "{path}");
    }
}

#[test]
fn conditions_of_resources_are_decided_as_argo_decides_them() {
    for case in cases("resource_condition") {
        let text = |field: &str| case[field].as_str().unwrap_or_default().to_owned();
        let state =
            resource_state(&case["object"], &text("success_condition"), &text("failure_condition")).unwrap();
        match case["error_contains"].as_str() {
            Some(message) => {
                let (ResourceState::Failure(told) | ResourceState::Pending(told)) = state else {
                    panic!("{case}: {state:?}")
                };
                assert!(told.contains(message), "{case}: {told}");
            }
            None => assert_eq!(state, ResourceState::Success, "{case}"),
        }
    }
}
