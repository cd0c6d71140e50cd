//! Laws of the expression language: whatever is written, reading and computing it ends within its limits.

use expr::lang::{Env, Expression, evaluate};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

fn env() -> Env {
    let mut env = Env::new(Timestamp::from_second(1_795_000_000).unwrap(), 3);
    let all = json!({"a": {"b": "1", "c": [1, 2, 3]}, "n": 5, "t": "text", "list": ["x", "y"]});
    env.set_json(all.as_object().unwrap());
    env
}

/// Tokens that make more or less sense beside each other.
const TOKENS: &[&str] = &[
    "a", ".", "b", "?.", "??", "(", ")", "[", "]", "{", "}", "#", ",", ":", "?", "+", "-", "*", "/", "%",
    "**", "..", "==", "!=", "<", ">", "<=", "in", "not", "and", "or", "!", "&&", "||", "|", "matches",
    "contains", "'x'", "\"y\"", "1", "2.5", "0x1f", "nil", "true", "map", "filter", "sum", "len", "list",
    "n", "t", "sprig", "upper", "asInt", "let", "=", ";", "if", "else", "toJson", "fromJSON", "now",
    "duration", "reduce", "#acc", "groupBy", "get",
];

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}") {
        let _ = evaluate(&text, &env());
    }

    #[test]
    fn no_row_of_tokens_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..24)) {
        let text = tokens.join(" ");
        let _ = evaluate(&text, &env());
        if let Ok(parsed) = Expression::parse(&text) {
            let _ = parsed.identifiers();
        }
    }

    #[test]
    fn the_same_environment_gives_the_same_value(
        tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..12)
    ) {
        let text = format!("[{}, sprig.randAlpha(5), now()]", tokens.join(" "));
        let once = evaluate(&text, &env()).map(|value| value.to_string());
        let again = evaluate(&text, &env()).map(|value| value.to_string());
        prop_assert_eq!(once, again);
    }
}

#[test]
fn what_is_too_deep_too_long_or_endless_is_refused() {
    let deep = |levels: usize| format!("{}1{}", "(".repeat(levels), ")".repeat(levels));
    for text in [
        deep(100_000),
        "-".repeat(100_000) + "1",
        "1 + ".repeat(100_000) + "1",
        "map(1..1000000, {map(1..1000000, {#})})".to_owned(),
        "reduce(1..1000, {#acc + #acc}, 'xxxxxxxxxxxxxxxx')".to_owned(),
        "repeat(repeat(repeat('x', 100000), 100000), 100000)".to_owned(),
        "sprig.repeat(1000000000, 'x')".to_owned(),
        "1..1000000000".to_owned(),
    ] {
        let head: String = text.chars().take(40).collect();
        assert!(evaluate(&text, &env()).is_err(), "{head}");
    }
}

#[test]
fn functions_that_reach_out_are_named_in_their_error() {
    for call in ["sprig.genCA('x', 1)", "sprig.getHostByName('x')", "sprig.htpasswd('a', 'b')"] {
        let error = evaluate(call, &env()).unwrap_err().to_string();
        assert!(error.contains(call.split(['.', '(']).nth(1).unwrap()), "{call}: {error}");
    }
    assert!(evaluate("null", &env()).is_err(), "`null` is a name nobody knows");
}
