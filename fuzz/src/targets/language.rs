//! Tags and the expression languages, over variables that hold a little of everything.

use std::{collections::BTreeMap, sync::LazyLock};

use expr::{
    Continues, Depends, Lookup, MAX_OUTPUT_BYTES, Names, TaskResult, Unresolved,
    lang::{self, Env},
    selector::{LabelSelector, field_selector, resource_state},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What expressions may look at.
static VARIABLES: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "a": 1, "b": "two", "c": [1, 2.5, "x", null, {"d": true}], "o": {"k": "v", "n": {"m": [1]}}, "f": 0.1,
        "json": "{\"a\":[1,{\"b\":2}]}", "empty": "", "n": null, "inputs": {"parameters": {"p": "7"}},
        "steps": {"s": {"outputs": {"result": "[1,2]"}}}, "item": "é", "big": 9_007_199_254_740_993_i64,
    })
});

fn variables() -> &'static Map<String, Value> {
    static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    VARIABLES.as_object().unwrap_or(&EMPTY)
}

fn env() -> Env {
    let mut env = Env::new(Timestamp::UNIX_EPOCH, 7);
    env.set_json(variables());
    env
}

/// Names as a workflow has them.
struct Known(Env);

impl Names for Known {
    fn lookup(&mut self, name: &str) -> Lookup {
        match name {
            "a" => Lookup::Text("1".to_owned()),
            "quote" => Lookup::Text("\"}}{{\\\n".to_owned()),
            "absent" => Lookup::Absent,
            _ => Lookup::Unknown,
        }
    }
    fn env(&mut self) -> Option<&Env> {
        Some(&self.0)
    }
}

/// An expression gives the same each time: it sees no clock and no chance but those it is given.
pub(crate) fn expression(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    let told = || {
        lang::evaluate(text, &env()).and_then(|value| value.to_json_text()).map_err(|error| error.to_string())
    };
    let first = told();
    assert_eq!(told(), first, "`{text}` gives the same each time");
    assert!(first.is_ok_or_reason(), "a refusal has a reason");
    let _ = lang::evaluate_bool(text, &env());
}

/// What was done, or why not.
trait Reasoned {
    fn is_ok_or_reason(&self) -> bool;
}

impl Reasoned for Result<String, String> {
    fn is_ok_or_reason(&self) -> bool {
        self.as_ref().map_or_else(|reason| !reason.is_empty(), |text| text.len() <= MAX_OUTPUT_BYTES)
    }
}

/// Text without tags stays as it is, unknown names stay where they may.
pub(crate) fn tag(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    for unresolved in [Unresolved::Keep, Unresolved::Refuse, Unresolved::RefuseRoots(&["inputs", "steps"])] {
        let given =
            expr::substitute_with(text, &mut Known(env()), unresolved).map_err(|error| error.to_string());
        assert!(given.is_ok_or_reason(), "a refusal has a reason");
        if !expr::has_tags(text) {
            assert_eq!(given.as_deref(), Ok(text), "text without tags stays");
        }
    }
    let none = expr::substitute(text, &mut |_| Lookup::Unknown, Unresolved::Keep);
    assert_eq!(none.as_deref().ok(), Some(text), "what nobody knows stays");
    let _ = expr::tags(text);
    let _ = expr::pure_tag(text);
}

/// Whatever is put into JSON, it is JSON of the same shape.
pub(crate) fn tag_json(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    for unresolved in [Unresolved::Keep, Unresolved::Refuse] {
        let mut changed = value.clone();
        if expr::substitute_json_with(&mut changed, &mut Known(env()), unresolved).is_ok() {
            let pairs = (value.as_array(), changed.as_array());
            assert_eq!(pairs.0.map(Vec::len), pairs.1.map(Vec::len), "lists keep their length");
        }
    }
}

/// A condition of a step is decided or refused, the same each time.
pub(crate) fn when(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    let told = || expr::when(text).map_err(|error| error.to_string());
    let first = told();
    assert_eq!(told(), first);
    assert!(first.map(|_| String::new()).is_ok_or_reason(), "a refusal has a reason");
}

/// A condition of a task names only tasks that are in it, and what all results hold is decided.
pub(crate) fn depends(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    let Ok(condition) = Depends::parse(text, &|_| Continues::default()) else { return };
    condition.visit(&mut |task: &String, _| assert!(text.contains(task.as_str()), "`{task}` is in `{text}`"));
    for result in [TaskResult::Succeeded, TaskResult::Failed] {
        condition.holds(&mut |_: &String, asked| asked == result);
    }
}

/// A filter ends, and gives no more than may be written.
pub(crate) fn jq(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    let document = VARIABLES.to_string();
    let given = expr::jq(text, &document).map_err(|error| error.to_string());
    assert!(given.is_ok_or_reason(), "a refusal has a reason");
    let _ = expr::jq(".a", text);
}

/// A path ends.
pub(crate) fn jsonpath(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    let given = expr::jsonpath(text, &VARIABLES).map_err(|error| error.to_string());
    assert!(given.is_ok_or_reason(), "a refusal has a reason");
}

/// Selectors of labels, fields and the states of resources.
pub(crate) fn selector(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    if let Ok(selector) = LabelSelector::parse(text) {
        let labels = BTreeMap::from([("a", "b"), ("app.kubernetes.io/name", "n"), ("n", "3")]);
        let told = selector.matches(|key| labels.get(key).copied());
        assert_eq!(selector.matches(|key| labels.get(key).copied()), told);
    }
    for term in field_selector(text).unwrap_or_default() {
        assert!(!format!("{term:?}").is_empty());
    }
    let (success, failure) = text.split_once('\n').unwrap_or((text, ""));
    let _ = resource_state(&VARIABLES, success, failure);
}
