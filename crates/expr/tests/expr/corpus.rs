//! The recorded cases of Argo and govaluate. They are not part of the project: where they are absent the test
//! says so.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::PathBuf,
};

use expr::{
    Continues, Depends, Lookup, Names, Tag, TaskResult, Unresolved,
    lang::{self, Env, Expression, evaluate_bool},
    pure_tag, substitute_with, tags, when,
};
use jiff::Timestamp;
use serde_json::Value;

fn shared(path: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(_) => {
            println!("the corpus is absent: {} cannot be read", path.display());
            None
        }
    }
}

fn cases(path: &str) -> Vec<Value> {
    shared(path).map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default()
}

fn variables(case: &Value) -> HashMap<String, Lookup> {
    let found = |value: &Value| match value {
        Value::Null => Lookup::Absent,
        Value::String(text) => Lookup::Text(text.clone()),
        other => Lookup::Text(other.to_string()),
    };
    case["vars"].as_object().into_iter().flatten().map(|(name, value)| (name.clone(), found(value))).collect()
}

#[test]
fn conditions_are_decided_as_argo_decides_them() {
    let mut seen = 0;
    for case in cases("argo/expressions/cases.json").iter().filter(|case| case["engine"] == "when") {
        let condition = case["expression"].as_str().unwrap();
        assert_eq!(when(condition).ok(), case["expected"].as_bool(), "{case}");
        seen += 1;
    }
    println!("{seen} cases");
}

/// The variables of a case, for simple tags and for expressions.
struct Known(HashMap<String, Lookup>, Env);

impl Known {
    fn of(case: &Value) -> Self {
        let mut env = Env::new(Timestamp::from_second(1_795_000_000).unwrap(), 1);
        env.set_json(case["vars"].as_object().unwrap_or(&serde_json::Map::new()));
        Self(variables(case), env)
    }
}

impl Names for Known {
    fn lookup(&mut self, name: &str) -> Lookup {
        self.0.get(name).cloned().unwrap_or(Lookup::Unknown)
    }
    fn env(&mut self) -> Option<&Env> {
        Some(&self.1)
    }
}

fn of_engine<'a>(all: &'a [Value], engine: &'a str) -> impl Iterator<Item = &'a Value> {
    all.iter().filter(move |case| case["engine"] == engine)
}

#[test]
fn tags_are_replaced_as_argo_replaces_them() {
    let all = cases("argo/expressions/cases.json");
    let mut seen = 0;
    for case in all.iter().filter(|case| {
        matches!(case["engine"].as_str(), Some("replace" | "replace_passes" | "replace_strict"))
    }) {
        seen += 1;
        let template = case["template"].as_str().unwrap();
        let mut known = Known::of(case);
        let strict: Vec<&str> =
            case["strict_prefixes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let policy = match (case["engine"].as_str(), case["allow_unresolved"].as_bool()) {
            (Some("replace_strict"), _) => Unresolved::RefuseRoots(&strict),
            (_, Some(false)) => Unresolved::Refuse,
            _ => Unresolved::Keep,
        };
        let got = substitute_with(template, &mut known, policy);
        if let Some(passes) = case["expected_passes"].as_array() {
            let mut text = template.to_owned();
            for pass in passes {
                text = substitute_with(&text, &mut known, policy).unwrap();
                assert_eq!(text, pass.as_str().unwrap(), "{case}");
            }
        } else if let Some(expected) = case["expected"].as_str() {
            assert_eq!(got.as_deref(), Ok(expected), "{case}");
        } else if let Some(part) = case["error_contains"].as_str() {
            let message = got.expect_err(&case.to_string()).to_string();
            if case["error_exact"] == true {
                assert_eq!(message, part);
            } else {
                assert!(message.contains(part), "{message}: {case}");
            }
        } else {
            assert!(got.is_ok(), "{got:?}: {case}");
        }
    }
    println!("{seen} cases");
}

#[test]
fn expressions_are_decided_as_argo_decides_them() {
    let all = cases("argo/expressions/cases.json");
    for case in of_engine(&all, "eval_bool") {
        let got = evaluate_bool(case["expression"].as_str().unwrap(), &Known::of(case).1);
        assert_eq!(got.as_ref().ok().copied(), case["expected"].as_bool(), "{case}: {got:?}");
    }
    for case in of_engine(&all, "required_identifiers") {
        let found = Expression::parse(case["expression"].as_str().unwrap()).unwrap().identifiers();
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        let expected: BTreeSet<&str> =
            case["expected"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(found, expected, "{case}");
    }
    for case in of_engine(&all, "has_var") {
        let has = Known::of(case).1.has(case["path"].as_str().unwrap());
        assert_eq!(Some(has), case["expected"].as_bool(), "{case}");
    }
    for case in of_engine(&all, "missing_vars") {
        let missing = Expression::parse(case["expression"].as_str().unwrap())
            .map(|expression| expression.missing(&Known::of(case).1));
        match case["expected"].as_array() {
            Some(expected) => assert_eq!(missing.unwrap().len(), expected.len(), "{case}"),
            None => assert!(missing.is_err(), "{case}"),
        }
    }
    for case in of_engine(&all, "late_binding_variable_missing") {
        let expression = Expression::parse(case["expression"].as_str().unwrap()).unwrap();
        let late = expression.late_bound_missing(&Known::of(case).1).is_some();
        assert_eq!(Some(late), case["expected"].as_bool(), "{case}");
    }
    for case in of_engine(&all, "value_from") {
        let got = lang::evaluate(case["value_from"]["expression"].as_str().unwrap(), &Known::of(case).1);
        let got = got.ok().filter(|value| !matches!(value, lang::Value::Nil));
        assert_eq!(got.map(|value| value.to_string()).as_deref(), case["expected"].as_str(), "{case}");
    }
    for case in of_engine(&all, "data_transformation") {
        let mut data = case["data"].clone();
        let mut failed = false;
        for expression in case["expressions"].as_array().into_iter().flatten() {
            let mut env = Env::new(Timestamp::UNIX_EPOCH, 1);
            env.set("data", lang::Value::of_json(&data));
            match lang::evaluate(expression.as_str().unwrap(), &env).and_then(|value| value.to_json()) {
                Ok(value) => data = value,
                Err(_) => failed = true,
            }
        }
        if case["error_contains"].is_null() {
            assert_eq!(data, case["expected"], "{case}");
        } else {
            assert!(failed, "{case}");
        }
    }
}

#[test]
fn kinds_of_tags_are_told_apart() {
    let all = cases("argo/expressions/cases.json");
    for case in all.iter().filter(|case| case["engine"] == "is_pure_absent_reference") {
        let known = variables(case);
        let absent = pure_tag(case["text"].as_str().unwrap())
            .is_some_and(|name| known.get(name) == Some(&Lookup::Absent));
        assert_eq!(Some(absent), case["expected"].as_bool(), "{case}");
    }
    for case in all.iter().filter(|case| case["engine"] == "validate_tags") {
        let found = tags(case["template"].as_str().unwrap());
        let fails = match &found {
            Err(_) => true,
            Ok(found) => {
                case["tag_validator"] != "accepts" && found.iter().any(|tag| matches!(tag, Tag::Simple(_)))
            }
        };
        assert_eq!(fails, case["expected"] != "ok", "{case}");
    }
}

/// What govaluate makes of each line of the table, `E` for an error, as `dependencies.md` tells.
const DECIDED: &[(&str, char)] = &[
    ("heads == heads", 'T'),
    ("heads == tails", 'F'),
    ("'heads' == heads", 'T'),
    ("\"a\" == 'a'", 'T'),
    ("5 < 10", 'T'),
    ("5 < a", 'E'),
    ("true == true", 'T'),
    ("True == False", 'F'),
    ("true", 'T'),
    ("false", 'F'),
    ("heads =~ he", 'T'),
    ("heads =~ \"^h.*s$\"", 'T'),
    ("heads !~ x", 'T'),
    ("1 != 1 && 2 != 2", 'F'),
    ("(1 == 1) || false", 'T'),
    ("a in (a, b)", 'T'),
    ("\"a\" in (\"a\",\"b\")", 'T'),
    ("!false", 'T'),
    ("1 + 1 == 2", 'T'),
    ("2 ** 3", 'E'),
    ("10 % 3", 'E'),
    ("1.5 >= 1.5", 'T'),
    ("\"2020-01-01\" < \"2020-01-02\"", 'T'),
    ("2020-01-01 == 2020-01-01", 'T'),
    ("my-step == my-step", 'E'),
    ("a.b == a.b", 'E'),
    ("[my-step] == [my-step]", 'T'),
    ("hello world == hello world", 'E'),
    (" == x", 'E'),
    ("'' == x", 'F'),
    ("\"\" == \"\"", 'T'),
    ("null == null", 'T'),
    ("nil ?? 1", 'E'),
    ("true ? 1 : 2", 'E'),
    ("~1", 'E'),
    ("1 & 3", 'E'),
    ("1 << 2", 'E'),
    ("-1 < 0", 'T'),
    ("heads==heads", 'T'),
    ("\"it's\" == \"it's\"", 'E'),
    ("'it\"s' == 'it\"s'", 'E'),
    ("\"a\\\"b\" == \"a\"", 'F'),
    ("Succeeded == Succeeded && 3 > 2", 'T'),
    ("a == b == c", 'F'),
    ("1", 'E'),
    ("\"x\"", 'E'),
    ("x", 'E'),
    ("0x10 == 16", 'T'),
    ("1e3 == 1000", 'E'),
    ("0777 == 511", 'F'),
    ("foo() == 1", 'E'),
];

#[test]
fn the_table_of_conditions_is_decided_line_by_line() {
    for (condition, expected) in DECIDED {
        let got = match when(condition) {
            Ok(true) => 'T',
            Ok(false) => 'F',
            Err(_) => 'E',
        };
        assert_eq!(got, *expected, "{condition}: {:?}", when(condition));
    }
    if let Some(table) = shared("golden/when.txt") {
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines, DECIDED.iter().map(|(condition, _)| *condition).collect::<Vec<_>>());
    }
}

fn parse(case: &Value) -> Depends<String> {
    let continue_on = case["continue_on"].clone();
    let continues = move |name: &str| Continues {
        on_error: continue_on[name]["error"] == true,
        on_failed: continue_on[name]["failed"] == true,
    };
    let task = &case["task"];
    match task["depends"].as_str() {
        Some(depends) => Depends::parse(depends, &continues).unwrap(),
        None => {
            let names: Vec<String> = serde_json::from_value(task["dependencies"].clone()).unwrap();
            Depends::of_dependencies(&names, &continues)
        }
    }
}

/// The condition with parts of one and orders of results left aside.
fn plain(logic: &Depends<String>) -> String {
    match logic {
        Depends::Is(task, result) => format!("{task}.{result:?}"),
        Depends::Not(inner) => format!("!{}", plain(inner)),
        Depends::All(parts) => format!("({})", parts.iter().map(plain).collect::<Vec<_>>().join(" && ")),
        Depends::Any(parts) => format!("({})", parts.iter().map(plain).collect::<Vec<_>>().join(" || ")),
    }
}

#[test]
fn depends_is_read_as_argo_expands_it() {
    for case in cases("argo/depends/cases.json") {
        let none = |_: &str| Continues::default();
        match case["kind"].as_str().unwrap() {
            "expand" | "depends_logic" => {
                let expected = Depends::parse(case["expected_logic"].as_str().unwrap(), &none).unwrap();
                assert_eq!(plain(&parse(&case)), plain(&expected), "{case}");
            }
            "validate_task_results" => {
                let got = Depends::parse(case["depends"].as_str().unwrap(), &none);
                assert_eq!(Some(got.is_ok()), case["valid"].as_bool(), "{case}");
                if let Some(message) = case["error_contains"].as_str() {
                    assert_eq!(got.unwrap_err().to_string(), message);
                }
            }
            "evaluate" => evaluate(&case),
            _ => {}
        }
    }
}

fn evaluate(case: &Value) {
    for stage in case["stages"].as_array().unwrap() {
        let nodes = &stage["nodes"];
        let phase = |name: &str| nodes[name]["phase"].as_str().or(nodes[name].as_str());
        for expected in
            stage["expected"].as_array().unwrap().iter().filter(|expected| expected["proceed"] == true)
        {
            let task = case["tasks"]
                .as_array()
                .unwrap()
                .iter()
                .find(|task| task["name"] == expected["task"])
                .unwrap();
            // A task that has a node already is past its condition.
            let got = phase(task["name"].as_str().unwrap()).is_some()
                || Depends::parse(task["depends"].as_str().unwrap(), &|_| Continues::default())
                    .unwrap()
                    .holds(&mut |name: &String, result: TaskResult| {
                        let children: Vec<&str> = nodes[name]["children"]
                            .as_array()
                            .into_iter()
                            .flatten()
                            .filter_map(|child| phase(child.as_str().unwrap()))
                            .collect();
                        let all = nodes[name]["children"].as_array().map_or(0, Vec::len);
                        match result {
                            TaskResult::Succeeded => phase(name) == Some("Succeeded"),
                            TaskResult::Failed => phase(name) == Some("Failed"),
                            TaskResult::Errored => phase(name) == Some("Error"),
                            TaskResult::Skipped => phase(name) == Some("Skipped"),
                            TaskResult::Omitted => phase(name) == Some("Omitted"),
                            TaskResult::Daemoned => nodes[name]["daemoned"] == true,
                            TaskResult::AnySucceeded => children.contains(&"Succeeded"),
                            TaskResult::AllFailed => {
                                all > 0
                                    && children.len() == all
                                    && children.iter().all(|phase| *phase == "Failed")
                            }
                        }
                    });
            assert_eq!(Some(got), expected["execute"].as_bool(), "{} {stage}", case["id"]);
        }
    }
}

#[test]
fn a_tag_is_simple_or_an_expression_and_a_single_one_is_resolved() {
    let all = cases("argo/expressions/cases.json");
    for case in of_engine(&all, "tag_kind") {
        let text = format!("{{{{{}}}}}", case["tag"].as_str().unwrap());
        let (kind, tag) = match tags(&text).unwrap()[..] {
            [Tag::Simple(tag)] => ("simple", tag),
            [Tag::Expression(tag)] => ("expression", tag),
            ref other => panic!("{other:?}: {case}"),
        };
        assert_eq!(serde_json::json!({"kind": kind, "tag": tag}), case["expected"], "{case}");
    }
    for case in of_engine(&all, "resolve_var") {
        let got =
            substitute_with(case["template"].as_str().unwrap(), &mut Known::of(case), Unresolved::Refuse);
        // why not is told in other words, which name the tag
        assert_eq!(got.ok().as_deref(), case["expected"].as_str(), "{case}");
    }
}
