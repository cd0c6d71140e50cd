//! What Go's expr-lang makes of each expression of the golden tables, with Argo's functions, and Go's `regexp` of
//! patterns. The tables of expressions are not part of the project: where they are absent the test says so.

use std::{fs, path::PathBuf};

use expr::lang::{Env, evaluate};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// The environment the tables were recorded in, as far as their expressions look at it.
fn recorded_in() -> Map<String, Value> {
    let config = json!({
        "employees": [{"name": "Baris", "age": 43}, {"name": "Mo", "age": 42}], "a": 1, "b": 2
    });
    let all = json!({
        "workflow": {
            "name": "wf-1",
            "status": "Failed",
            "parameters": {
                "json": "[{\"name\":\"p\",\"value\":\"true\"}]",
                "config": config.to_string(),
                "data": "x",
            },
        },
        "inputs": {"parameters": {
            "my-int-param": "42", "strParam": "foobar", "foo": "3", "may-contain-quotes": "it's",
            "list": "[\"a\",\"b\"]", "test": "true", "num": "1",
        }},
        "steps": {
            "producer": {"outputs": {"parameters": {}}},
            "flip-coin": {"outputs": {"result": "heads"}},
            "heads": {"outputs": {"result": "H"}},
            "tails": {"outputs": {"result": "T"}},
            "fibonacci-helper": {"outputs": {"parameters": {"result": "5"}}},
        },
        "item": {"type": "x", "n": 3},
        "lastRetry": {"message": "imminent node shutdown", "exitCode": "137", "status": "Error", "duration": "10"},
        "cronworkflow": {"lastScheduledTime": null},
        "payload": {
            "action": "opened", "ref": "refs/heads/main",
            "commits": [{"id": "a", "files": ["x.go", "y.md"]}, {"id": "b", "files": []}],
        },
        "discriminator": "gh",
        "nums": [3, 1, 2, 5],
    });
    all.as_object().cloned().unwrap()
}

fn table(name: &str) -> Option<Vec<(String, String)>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    let read = |suffix: &str| fs::read_to_string(folder.join(format!("{name}{suffix}.txt")));
    let (Ok(asked), Ok(told)) = (read(""), read("-go")) else {
        println!("the table is absent: {name} of {} cannot be read", folder.display());
        return None;
    };
    Some(asked.lines().map(str::to_owned).zip(told.lines().map(str::to_owned)).collect())
}

/// Returns what an expression gives, spelled as in the tables: JSON, or `ERR`.
fn given(expression: &str, env: &Env) -> String {
    match evaluate(expression, env) {
        Ok(value) => value.to_json_text().unwrap_or_else(|error| format!("ERR json {error}")),
        Err(error) => format!("ERR {}", error.to_string().replace('\n', " ")),
    }
}

#[test]
fn expressions_give_what_gos_expr_lang_gives() {
    let now = Timestamp::from_second(1_795_000_000).unwrap();
    let mut differ = Vec::new();
    let mut seen = 0;
    for name in ["exprs", "exprs2"] {
        for (expression, told) in table(name).unwrap_or_default() {
            let mut env = Env::new(now, 7);
            env.set_json(&recorded_in());
            let got = given(&expression, &env);
            seen += 1;
            let same = match (got.strip_prefix("ERR "), told.strip_prefix("ERR ")) {
                (Some(_), Some(_)) => true,
                (None, None) => got == told,
                _ => false,
            };
            if !same {
                differ.push(format!("{name}: {expression}\n   go:   {told}\n   ours: {got}"));
            }
        }
    }
    assert!(differ.is_empty(), "{} of {seen} differ:\n{}", differ.len(), differ.join("\n"));
    println!("{seen} expressions");
}

/// Ways to write an expression that give what it gives.
const ALIKE: &[(&str, &str)] = &[
    ("(", ")"),
    ("[(", ")][0]"),
    ("true ? (", ") : nil"),
    ("{\"k\": (", ")}.k"),
    ("let m = (", "); m"),
    ("map([1], {(", ")})[0]"),
    ("first([(", "), 2])"),
    ("1 == 1 && false ? 1 : (", ")"),
];

proptest! {
    #[test]
    fn what_is_written_around_an_expression_changes_nothing(
        at in any::<prop::sample::Index>(),
        ways in prop::collection::vec(prop::sample::select(ALIKE), 1..4),
    ) {
        let all: Vec<(String, String)> =
            ["exprs", "exprs2"].into_iter().filter_map(table).flatten().collect();
        // Go gives null for a value that is none, and `#` means something else within a closure
        let fits = |(expression, told): &&(String, String)| {
            !told.starts_with("ERR") && ![";", "//", "#", "now()"].iter().any(|part| expression.contains(part))
        };
        let all: Vec<_> = all.iter().filter(fits).collect();
        prop_assume!(!all.is_empty());
        let (expression, told) = at.get(&all);
        // a declaration stands only at the beginning
        let (within, around): (Vec<_>, Vec<_>) = ways.into_iter().partition(|(before, _)| !before.starts_with("let"));
        let wrapped = within.iter().chain(around.first()).fold(expression.clone(), |text, (before, behind)| {
            format!("{before}{text}{behind}")
        });
        let mut env = Env::new(Timestamp::from_second(1_795_000_000).unwrap(), 7);
        env.set_json(&recorded_in());
        prop_assert_eq!(&given(&wrapped, &env), told, "{}", wrapped);
    }
}

/// What Go's `regexp` makes of patterns, each with a text: a table of our own (`patterns.tsv`).
#[test]
fn patterns_find_what_go_finds() {
    let table = include_str!("patterns.tsv");
    let mut wrong = Vec::new();
    for row in table.lines().filter(|row| !row.starts_with('#')) {
        let mut cells = row.split('\t');
        let mut text = || serde_json::from_str::<Value>(cells.next().unwrap()).unwrap();
        let known = json!({"pattern": text(), "text": text()});
        let (verdict, told) = (cells.next().unwrap(), cells.next().unwrap());
        let mut env = Env::new(Timestamp::UNIX_EPOCH, 1);
        env.set_json(known.as_object().unwrap());
        let matches = evaluate("text matches pattern", &env);
        let found = evaluate("sprig.mustRegexFind(pattern, text)", &env);
        let same = match verdict {
            "error" => {
                let reason: String = serde_json::from_str(told).unwrap();
                matches.is_err() && found.as_ref().is_err_and(|error| error.to_string().contains(&reason))
            }
            "none" => matches.is_ok_and(|value| value.to_string() == "false"),
            _ => {
                let told: String = serde_json::from_str(told).unwrap();
                matches.is_ok_and(|value| value.to_string() == "true")
                    && found.as_ref().is_ok_and(|value| value.to_string() == told)
            }
        };
        if !same {
            wrong.push(format!("{row}\n    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}
