//! The reader of YAML against go-yaml's own answers, and against people who mean harm.

use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::corpus;

/// Cases that are read though go-yaml refuses them: `"\/"`, which JSON allows, and a tab that indents.
const KNOWN_GAPS: &[&str] = &[r#"a: "\u00e9\x41\/""#, "\ta: b"];

/// Returns `value` with floats that are whole as whole numbers, since Go writes them so.
fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => json!(float as i64),
            Some(float) if number.is_f64() => json!(format!("{float:e}")),
            _ => json!(number.to_string()),
        },
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), normal(value))).collect(),
        other => other.clone(),
    }
}

/// go-yaml reads the first document only, keeps the last of duplicate keys, and calls nothing null.
fn ours(text: &str) -> Result<Value, String> {
    match parse("case.yaml", text) {
        Ok(documents) => Ok(documents.first().map_or(Value::Null, Document::value)),
        Err(faults) => Err(faults[0].to_string()),
    }
}

#[test]
fn scalars_mean_what_they_mean_to_go_yaml() {
    let (Some(cases), Some(answers)) =
        (corpus::find("golden/yaml-cases.txt"), corpus::find("golden/yaml-go.txt"))
    else {
        return;
    };
    let (cases, answers) = (fs::read_to_string(cases).unwrap(), fs::read_to_string(answers).unwrap());
    let (cases, answers): (Vec<&str>, Vec<&str>) =
        (cases.split("\n=====\n").collect(), answers.lines().collect());
    assert_eq!(cases.len(), answers.len());
    let mut failed = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        // a duplicate key is an error in Go's strict reading, and here
        let strict = answer.contains("(strict:") || answer.starts_with("ERR");
        let wanted =
            serde_json::from_str::<Value>(answer).ok().filter(|_| !strict).map(|value| normal(&value));
        let found = ours(case);
        if found.as_ref().ok().map(normal) != wanted {
            failed.push((case.replace('\n', "⏎"), format!("go: {answer}, here: {found:?}")));
        }
    }
    corpus::compare_gaps(&failed, KNOWN_GAPS);
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let shown = match parse("f.yaml", text) {
        Ok(documents) => format!("read: {documents:?}"),
        Err(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    };
    assert_eq!(shown, expected);
}

#[test]
fn faults_tell_the_line_and_the_column_in_characters() {
    refused("a: 1\nb: [1, 2\n", "f.yaml:2:4: unclosed bracket '[' [MDL0101]");
    refused("a: 1\na: 2\n", "f.yaml:2:1: key `a` already set in map, in line 1 [MDL0103]");
    refused("é: {ü: 1, ü: 2}\n", "f.yaml:1:11: key `ü` already set in map, in line 1 [MDL0103]");
    refused("yes: 1\ntrue: 2\n", "f.yaml:2:1: key `true` already set in map, in line 1 [MDL0103]");
    refused("a: .inf\n", "f.yaml:1:4: `.inf` is a number that JSON has no word for [MDL0104]");
    refused("a: {{x}}\n", "f.yaml:1:5: invalid map key: a list or an object cannot be a key [MDL0101]");
    refused("~: 1\n", "f.yaml:1:1: a key of a map may not be null [MDL0101]");
    refused("a: &x {b: *x}\n", "f.yaml:1:11: an anchor's value refers to itself [MDL0101]");
    refused("<<: 5\n", "f.yaml:1:5: map merge requires map or sequence of maps as the value [MDL0101]");
    refused("a: !!int x\n", "f.yaml:1:10: cannot decode !!str `x` as a !!int [MDL0104]");
}

#[test]
fn the_span_of_a_fault_is_that_of_its_bytes() {
    let text = "é: {ü: 1, ü: 2}\n";
    let fault = &parse("f.yaml", text).unwrap_err()[0];
    assert_eq!(&text[fault.span.clone().unwrap()], "ü");
}

#[test]
fn ten_thousand_levels_are_refused_at_once() {
    for text in [
        "[".repeat(10_000),
        "{a: ".repeat(10_000),
        format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)),
        "- ".repeat(10_000),
        (0..10_000).map(|depth| format!("{}a:\n", " ".repeat(depth % 300))).collect::<String>(),
        (0..500).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>(),
        "? ".repeat(10_000),
        serde_json::to_string(&"[".repeat(10_000)).unwrap() + ": [",
    ] {
        let faults = parse("deep.yaml", &text).unwrap_err();
        assert!(faults[0].place.is_some(), "{:?}", faults[0]);
    }
    let fault = &parse("deep.yaml", &"[".repeat(10_000)).unwrap_err()[0];
    assert_eq!(fault.code, OVER_LIMIT);
    assert!(parse("deep.yaml", &format!("{}1{}", "[".repeat(99), "]".repeat(99))).is_ok());
}

#[test]
fn anchor_bombs_are_refused_before_they_go_off() {
    let values = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        let last = n - 1;
        text + &format!(
            "a{n}: &a{n} [*a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}]\n"
        )
    });
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1_000_000), vec!["*a"; 1_000].join(", "));
    let deep =
        (1..200).fold("a0: &a0 [x]\n".to_owned(), |text, n| text + &format!("a{n}: &a{n} [*a{}]\n", n - 1));
    let merged = (1..30).fold("a0: &a0 {k: 1}\n".to_owned(), |text, n| {
        let last = n - 1;
        text + &format!("a{n}: &a{n} {{x: *a{last}, y: *a{last}, z: *a{last}, <<: *a{last}}}\n")
    });
    for bomb in [values, long, deep, merged] {
        let faults = parse("bomb.yaml", &bomb).unwrap_err();
        assert_eq!(faults[0].code, OVER_LIMIT, "{:?}", faults[0]);
        assert!(faults[0].place.is_some());
    }
}

#[test]
fn large_texts_and_many_documents_are_refused() {
    let fault = &parse("big.yaml", &"a".repeat(crate::limits::MAX_TEXT_BYTES + 1)).unwrap_err()[0];
    assert_eq!(fault.code, OVER_LIMIT);
    let fault = &parse("many.yaml", &"---\na\n".repeat(10_001)).unwrap_err()[0];
    assert_eq!(fault.code, OVER_LIMIT);
    assert_eq!(parse("many.yaml", &"---\na\n".repeat(10_000)).unwrap().len(), 10_000);
}

#[test]
fn long_keys_over_many_values_cost_no_more_than_their_text() {
    let text = format!("? {}\n: [{}]\n", "k".repeat(1_000_000), "1,".repeat(200_000));
    let document = &parse("long.yaml", &text).unwrap()[0];
    let stored = serde_json::to_string(&document.places()).unwrap();
    assert!(stored.len() < 8_000_000, "{}", stored.len());
}

#[test]
fn json_is_read_as_well() {
    let text = r#"{"a": [1, 2.5, "x\u00e9\n", null, true], "b": {"c": {}}}"#;
    assert_eq!(parse("f.json", text).unwrap()[0].value(), serde_json::from_str::<Value>(text).unwrap());
}

#[test]
fn documents_are_apart_and_empty_ones_are_known() {
    let documents = parse("f.yaml", "---\na: 1\n---\n# nothing\n---\nb: 2\n").unwrap();
    let values: Vec<_> = documents.iter().map(Document::value).collect();
    assert_eq!(values, [json!({"a": 1}), json!(null), json!({"b": 2})]);
    assert!(documents[1].is_empty());
    assert_eq!(documents[2].place().unwrap().to_string(), "f.yaml:6:1");
}

#[test]
fn every_path_has_its_place() {
    let text = "spec:\n  list:\n  - name: a\n    with.dot: {x: 1}\n  - [1, 2]\n  é: &x {k: 1}\n  z: *x\n";
    let places = parse("f.yaml", text).unwrap()[0].places();
    for (path, expected) in [
        ("", Some("1:1")),
        ("spec", Some("1:1")),
        ("spec.list", Some("2:3")),
        ("spec.list[0]", Some("3:5")),
        ("spec.list[0].name", Some("3:5")),
        ("spec.list[0].with.dot", Some("4:5")),
        ("spec.list[0].with.dot.x", Some("4:16")),
        ("spec.list[1][1]", Some("5:9")),
        ("spec.é.k", Some("6:10")),
        ("spec.z", Some("7:3")),
        ("spec.z.k", Some("6:10")),
        ("spec.list[2]", None),
        ("spec.missing", None),
        ("spec.list[x]", None),
        ("spec.list[0", None),
    ] {
        let found = places.get(path).map(|place| format!("{}:{}", place.line, place.column));
        assert_eq!(found.as_deref(), expected, "{path}");
    }
    assert_eq!(places.nearest("spec.list[0].nothing.here").unwrap().line, 3);
    assert_eq!(places.below("spec.list[0]").get("name").unwrap().line, 3);
    let stored = serde_json::to_string(&places).unwrap();
    assert_eq!(serde_json::from_str::<Places>(&stored).unwrap(), places);
}

#[test]
fn places_that_are_no_tree_are_refused() {
    for wrong in [
        r#"{"file": "f", "places": [[0, null, 1, 1], [2, "a", 1, 1]]}"#,
        r#"{"file": "f", "places": [[1, "a", 1, 1]]}"#,
        r#"{"file": "f", "places": [[0, null, 1, 1], [0, null, 2, 1]]}"#,
        r#"{"file": "f"}"#,
    ] {
        assert!(serde_json::from_str::<Places>(wrong).is_err(), "{wrong}");
    }
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Config {
    text: String,
    texts: Vec<String>,
    number: i64,
    small: u8,
    float: f64,
    flag: bool,
    maybe: Option<String>,
    map: indexmap::IndexMap<String, String>,
    inner: Option<Box<Config>>,
    any: Value,
    choice: Choice,
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    #[default]
    Off,
    Wait,
}

fn config(text: &str) -> Result<Config, Vec<Fault>> {
    decode(&parse("c.yaml", text).unwrap()[0])
}

#[test]
fn where_text_is_asked_for_numbers_and_booleans_become_text_as_in_go() {
    for (written, text) in [
        ("yes", "true"),
        ("off", "false"),
        ("010", "8"),
        ("1_000", "1000"),
        ("0x1F", "31"),
        ("1.0", "1"),
        ("1.50", "1.5"),
        ("1e3", "1000"),
        ("1e6", "1e+06"),
        ("1234567.5", "1.2345675e+06"),
        ("0.00001", "1e-05"),
        ("18446744073709551615", "18446744073709551615"),
        ("\"010\"", "010"),
        ("~", ""),
        ("2020-01-01", "2020-01-01"),
    ] {
        assert_eq!(config(&format!("text: {written}")).unwrap().text, text, "{written}");
        assert_eq!(config(&format!("texts: [{written}]")).unwrap().texts, [text], "{written}");
        assert_eq!(config(&format!("map: {{1: {written}}}")).unwrap().map["1"], text, "{written}");
        if written != "~" {
            assert_eq!(
                config(&format!("maybe: {written}")).unwrap().maybe.as_deref(),
                Some(text),
                "{written}"
            );
        }
    }
}

#[test]
fn null_is_the_zero_of_what_is_asked_for() {
    let all =
        "{text: ~, texts: ~, number: ~, small: ~, float: ~, flag: ~, maybe: ~, map: ~, inner: ~, any: ~}";
    assert_eq!(config(all).unwrap(), Config::default());
}

#[test]
fn what_is_not_of_its_type_is_told_at_the_very_value() {
    for (text, expected) in [
        ("number: ten", "c.yaml:1:9: expected a whole number, found text `ten` [MDL0104]"),
        ("number: \"5\"", "c.yaml:1:9: expected a whole number, found text `5` [MDL0104]"),
        ("number: 1.5", "c.yaml:1:9: expected a whole number, found the number 1.5 [MDL0104]"),
        (
            "small: 256",
            "c.yaml:1:8: expected a whole number that is not negative, found the number 256 [MDL0104]",
        ),
        (
            "small: -1",
            "c.yaml:1:8: expected a whole number that is not negative, found the number -1 [MDL0104]",
        ),
        ("flag: 1", "c.yaml:1:7: expected true or false, found the number 1 [MDL0104]"),
        ("text: [a]", "c.yaml:1:7: expected text, found a list [MDL0104]"),
        ("text: {a: b}", "c.yaml:1:7: expected text, found an object [MDL0104]"),
        ("texts:\n- a\n- {b: c}", "c.yaml:3:3: expected text, found an object [MDL0104]"),
        ("texts: a", "c.yaml:1:8: .texts: expected list, found text `a` [MDL0104]"),
        (
            "inner:\n  inner:\n    flag: maybe",
            "c.yaml:3:11: expected true or false, found text `maybe` [MDL0104]",
        ),
        ("inner: 5", "c.yaml:1:8: expected an object, found the number 5 [MDL0104]"),
        ("inner:\n  txet: a", "c.yaml:2:3: unknown field \"txet\" [MDL0105]"),
        ("choice: on", "c.yaml:1:9: `true` is not known here [MDL0104]"),
        ("choice: wiat", "c.yaml:1:9: `wiat` is not known here [MDL0104]"),
        ("choice: [wait]", "c.yaml:1:9: expected text, found a list [MDL0104]"),
        ("[]", "c.yaml:1:1: expected an object, found a list [MDL0104]"),
    ] {
        assert_eq!(config(text).unwrap_err()[0].to_string(), expected, "{text}");
    }
    assert_eq!(config("inner: {txet: a}").unwrap_err()[0].help.as_deref(), Some("did you mean `text`?"));
    assert_eq!(config("choice: wiat").unwrap_err()[0].help.as_deref(), Some("did you mean `wait`?"));
}

#[test]
fn aliases_and_merges_are_decoded_like_what_they_stand_for() {
    let config = config("inner: &i {text: a, number: 3}\nmap: {<<: *i, text: b}\nany: *i\n");
    let config = config.unwrap();
    assert_eq!(config.map["text"], "b");
    assert_eq!(config.map["number"], "3");
    assert_eq!(config.any, json!({"text": "a", "number": 3}));
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            prop_oneof![
                Just("yes"),
                Just("010"),
                Just("~"),
                Just("<<"),
                Just("1e3"),
                Just("2020-01-01"),
                Just("- a")
            ]
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("\\PC{0,6}", inner), 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_text_ends_in_documents_or_faults_with_places(text in "[-a-z0-9 \\n:?#&*!|>'\"%@`{}\\[\\],~<\\t.é]{0,120}") {
            if let Err(faults) = parse("any.yaml", &text) {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    let place = fault.place.clone().unwrap();
                    prop_assert!(place.line as usize <= text.lines().count() + 1, "{fault}");
                    if let Some(span) = fault.span {
                        prop_assert!(text.get(span).is_some());
                    }
                }
            }
        }

        #[test]
        fn any_characters_at_all_are_read_or_refused(text in "\\PC{0,200}|.{0,80}") {
            let _ = parse("any.yaml", &text);
        }

        #[test]
        fn json_reads_back_as_itself(value in value()) {
            let text = serde_json::to_string(&value).unwrap();
            let read = parse("any.json", &text);
            prop_assert_eq!(read.map(|documents| documents[0].value()), Ok(value));
        }

        #[test]
        fn places_survive_being_stored(value in value()) {
            let text = serde_json::to_string_pretty(&value).unwrap();
            let places = parse("any.json", &text).unwrap()[0].places();
            let stored = serde_json::to_string(&places).unwrap();
            prop_assert_eq!(serde_json::from_str::<Places>(&stored).unwrap(), places);
        }

        #[test]
        fn any_path_may_be_asked_for(path in "[a-c.\\[\\]0-9]{0,12}") {
            let places = parse("f.yaml", "a: [{b: 1}, {a.b: {c: 2}}]\nb.c: 1\n").unwrap()[0].places();
            prop_assert!(places.nearest(&path).is_some());
        }
    }
}
