//! Laws and limits: nothing panics, output and depth are bounded, text without tags stays as it is.

use expr::{
    Continues, Depends, ExprError, Lookup, MAX_CONDITION_BYTES, MAX_DEPTH, MAX_OUTPUT_BYTES, Unresolved,
    substitute, substitute_json, tags, when,
};
use proptest::prelude::*;
use serde_json::json;

proptest! {
    #[test]
    fn a_condition_never_panics(text in "[ -~]{0,60}") {
        let _ = when(&text);
    }

    #[test]
    fn a_condition_of_its_own_tokens_never_panics(parts in prop::collection::vec(prop::sample::select(vec![
        "a", "1", "0x", "0xff", ".", "'x'", "\"2020-02-30\"", "[a b]", "(", ")", "&&", "||", "!", "-", "~", "==", "=~", "in", ",",
        "?", ":", "??", "<<", ">>", "**", "%", "/", "+", "true", "\\", " ", "é", "99999999999999999999", "'('",
    ]), 0..30)) {
        let _ = when(&parts.join(" "));
        let _ = when(&parts.concat());
    }

    #[test]
    fn depends_never_panics(text in "[ -~]{0,60}", parts in prop::collection::vec(prop::sample::select(vec![
        "a", "b-1", ".Succeeded", ".Nope", "(", ")", "&&", "||", "!", " ", "&", ".",
    ]), 0..30)) {
        let none = |_: &str| Continues::default();
        let _ = Depends::parse(&text, &none);
        let _ = Depends::parse(&parts.concat(), &none);
    }

    #[test]
    fn substitution_never_panics_and_keeps_what_it_does_not_know(parts in prop::collection::vec(prop::sample::select(vec![
        "{{", "}}", "a", " ", ".", "{", "}", "\n", "é", "\"",
    ]), 0..40)) {
        let text = parts.concat();
        let kept = substitute(&text, &mut |_| Lookup::Unknown, Unresolved::Keep);
        prop_assert_eq!(kept.as_deref(), Ok(text.as_str()));
        let _ = tags(&text);
        let _ = substitute(&text, &mut |name| Lookup::Text(format!("{{{{{name}}}}}")), Unresolved::Refuse);
    }

    #[test]
    fn a_value_is_put_in_as_it_is(value in "\\PC{0,40}") {
        let got = substitute("<{{ x }}>", &mut |_| Lookup::Text(value.clone()), Unresolved::Refuse);
        prop_assert_eq!(got, Ok(format!("<{value}>")));
    }
}

#[test]
fn values_in_json_need_no_escapes_and_keys_are_replaced_too() {
    let mut value = json!({ "k-{{x}}": ["{{x}}", { "n": 1, "t": "a {{ x }} b" }] });
    substitute_json(&mut value, &mut |_| Lookup::Text("\"\n".to_owned()), Unresolved::Refuse).unwrap();
    assert_eq!(value, json!({ "k-\"\n": ["\"\n", { "n": 1, "t": "a \"\n b" }] }));
}

#[test]
fn foreign_roots_stay_and_argos_own_are_refused() {
    let policy = Unresolved::RefuseRoots(&["steps"]);
    let mut nothing = |_: &str| Lookup::Unknown;
    assert_eq!(
        substitute("{{ .Values.x }} {{stepsize}}", &mut nothing, policy).unwrap(),
        "{{ .Values.x }} {{stepsize}}"
    );
    let error = substitute("{{steps.a.outputs.result}}", &mut nothing, policy).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("EXP0003", "failed to resolve {{steps.a.outputs.result}}")
    );
    let error = substitute("{{steps.a}}", &mut |_| Lookup::Absent, policy).unwrap_err();
    assert_eq!(error.code(), "EXP0004");
    for unresolved in [Unresolved::Keep, Unresolved::Refuse, policy] {
        assert_eq!(substitute("{{=1}}", &mut nothing, unresolved).as_deref(), Ok("{{=1}}"));
    }
}

#[test]
fn what_is_too_long_or_too_deep_is_refused() {
    let long = "x".repeat(MAX_OUTPUT_BYTES / 2);
    let got = substitute("{{a}}{{a}}{{a}}", &mut |_| Lookup::Text(long.clone()), Unresolved::Keep);
    assert_eq!(got, Err(ExprError::TooLong { limit: MAX_OUTPUT_BYTES }));
    let deep = |levels: usize| format!("{}true{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(when(&deep(MAX_DEPTH)), Ok(true));
    assert!(matches!(when(&deep(MAX_DEPTH + 1)), Err(ExprError::InvalidWhen { .. })));
    assert!(matches!(when(&deep(100_000)), Err(ExprError::InvalidWhen { .. })));
    assert_eq!(
        when(&" ".repeat(MAX_CONDITION_BYTES + 1)),
        Err(ExprError::TooLong { limit: MAX_CONDITION_BYTES })
    );
    let none = |_: &str| Continues::default();
    let bangs = format!("{}a", "!".repeat(100_000));
    assert_eq!(Depends::parse(&bangs, &none), Err(ExprError::TooDeep { limit: MAX_DEPTH }));
    let mut nested = json!("{{a}}");
    for _ in 0..1_000 {
        nested = json!([nested]);
    }
    let got = substitute_json(&mut nested, &mut |_| Lookup::Unknown, Unresolved::Keep);
    assert!(matches!(got, Err(ExprError::TooDeep { .. })));
}

#[test]
fn a_pattern_that_would_be_huge_is_refused() {
    // a pattern that is written out is compiled while the condition is read, as govaluate does
    assert!(matches!(when("a =~ '(((a{1000}){1000}){1000})'"), Err(ExprError::InvalidWhen { .. })));
}
