//! Filters that would go on for ever, eat memory or fall off the stack: each ends with a reason, and soon.

use expr::{ExprError, jq};

#[track_caller]
fn ends(filter: &str, reason: &str) {
    let given = jq(filter, "{\"a\": [1, 2], \"s\": \"abc\"}");
    assert!(matches!(&given, Err(error) if error.to_string().contains(reason)), "{filter}: {given:?}");
}

#[test]
fn filters_that_go_on_for_ever_take_too_many_steps() {
    for filter in [
        "def f: f; f",
        "def f: try f catch f; f",
        "def f: (f, f); [f]",
        "reduce range(5; {}) as $i (0; . + $i)",
        "range(1; infinite) | {}[]",
        "last(range(infinite))",
        "try range(infinite) catch . | empty",
        "[range(infinite)]",
        "first(range(infinite) | select(false))",
        "[limit(1e18; repeat(1))] | length",
        "last(repeat(.))",
        "until(false; .)",
        "[while(true; .)] | length",
        "isempty(range(infinite) | empty)",
        "[skip(1e18; range(infinite))]",
        "foreach range(infinite) as $i (0; .; empty)",
        "label $l | range(infinite) | if . < 0 then break $l else empty end",
        "recurse(.) | empty",
        "[recurse([.] | .[])]",
        "any(range(infinite); . < 0)",
        "def f(x): if x > 1 then x else f(x) end; f(0)",
    ] {
        ends(filter, "too ");
    }
}

#[test]
fn filters_that_make_too_much_are_ended() {
    for filter in [
        "\"a\" * 1000000000",
        ".s * 9223372036854775807",
        ".s * 99999999999999999999999",
        "reduce range(100) as $i (\"a\"; . + .)",
        "reduce range(100) as $i ([1]; . + .)",
        "reduce range(100) as $i (1; [., .]) | tojson",
        "reduce range(100) as $i (1; {a: ., b: .}) == 1",
        "\"a\" | . * 4000000 | [., ., ., .] | . + . | . + . | . + . | . + .| . + .| . + .| . + .| add",
    ] {
        ends(filter, "too ");
    }
    let doubled = "\"a\"".to_owned() + &" | . + .".repeat(60);
    ends(&doubled, "too large");
}

#[test]
fn filters_that_go_too_deep_are_ended() {
    ends("def f: 1 + f; f", "too ");
    ends("def f: [f]; f", "too ");
    ends("reduce range(1000000) as $i (0; [.])", "too ");
    ends("def f($x): f([$x]); f(1)", "too ");
    ends("setpath([range(1000000) | \"a\"]; 1) | length", "too ");
    let given = jq(&"(".repeat(16_000), "1");
    assert!(matches!(given, Err(ExprError::InvalidFilter { .. })), "{given:?}");
    let nested = format!("{}1{}", "[".repeat(8_000), "]".repeat(8_000));
    assert!(jq(&nested, "1").is_err());
    assert!(jq(&"-".repeat(16_000), "1").is_err());
}

#[test]
fn ordinary_work_is_within_the_limits() {
    let items: Vec<String> =
        (0..20_000).map(|at| format!("{{\"id\": {at}, \"tags\": [\"x\", \"y\"]}}")).collect();
    let document = format!("{{\"items\": [{}]}}", items.join(","));
    for (filter, expected) in [
        ("[.items[] | select(.id % 2 == 0) | .tags | length] | add", "20000"),
        ("reduce .items[] as $i (0; . + $i.id)", "199990000"),
        (".items | map(.id) | sort_by(-.) | first", "19999"),
        (".items | group_by(.id % 10) | map(length) | unique | tojson", "[2000]"),
        ("[.. | numbers] | length", "20000"),
        ("[paths(type == \"number\")] | length", "20000"),
        (".items |= map(del(.tags)) | .items[7] | keys | join(\",\")", "id"),
        ("[range(0; 10; 3)] | tojson", "[0,3,6,9]"),
        ("[limit(3; repeat(\"ab\" * 2))] | join(\"-\")", "abab-abab-abab"),
    ] {
        assert_eq!(jq(filter, &document).as_deref(), Ok(expected), "{filter}");
    }
}
