//! Corners of tags, as Argo's own replacing answered for each of these texts.
//! Not here: the public cases (see `corpus`).

use expr::{ExprError, Lookup, Names, Unresolved, lang::Env, substitute_with};
use jiff::Timestamp;
use serde_json::json;

struct Known(Env);

impl Names for Known {
    fn lookup(&mut self, name: &str) -> Lookup {
        let text = match name {
            "a" => "1",
            "inputs.parameters.p" => "v",
            _ => return Lookup::Unknown,
        };
        Lookup::Text(text.to_owned())
    }
    fn env(&mut self) -> Option<&Env> {
        Some(&self.0)
    }
}

fn replaced(text: &str, unresolved: Unresolved<'_>) -> Result<String, ExprError> {
    let mut env = Env::new(Timestamp::UNIX_EPOCH, 1);
    env.set_json(json!({"a": "1", "inputs.parameters.p": "v"}).as_object().unwrap());
    substitute_with(text, &mut Known(env), unresolved)
}

#[test]
fn what_may_stay_stays_and_nothing_else_does() {
    let cases = [
        // the inner tag of a nested one is replaced behind other text only, and by its name as it is written
        ("{{x-{{a}}", Some("{{x-1")),
        ("{{{{a}}", Some("{{{{a}}")),
        ("{{x-{{ a }}", Some("{{x-{{ a }}")),
        // what can't be read is refused, whoever wrote it
        ("{{=!}}", None),
        // a name that is missing is nil where its root is known
        ("{{=inputs.parameters.q == '3' ? 'a' : 'b'}}", Some("b")),
        ("{{=inputs.parameters.q ?? 4}}", Some("4")),
        // … and can't be worked out where it is not
        ("{{=nope ?? 4}}", Some("{{=nope ?? 4}}")),
        // some get their values only later
        ("{{=item ?? 4}}", Some("{{=item ?? 4}}")),
        ("{{=workflow.status ?? 4}}", Some("{{=workflow.status ?? 4}}")),
        ("{{=int('x')}}", Some("{{=int('x')}}")),
        // a time is a text
        ("{{=date('2024-01-02T03:04:05Z')}}", Some("2024-01-02T03:04:05Z")),
        ("{{=first(fromJSON('\"abc\"'))}}", Some("97")),
        ("{{=sprig.int64('-2.5')}} {{=sprig.int('010')}} {{=sprig.int('5.x')}}", Some("-2 8 0")),
        ("{{=sprig.b64dec('abcdab=a')}}", Some("illegal base64 data at input byte 6")),
        ("{{=sprig.camelcase('20240102T03:04_a--b_')}}", Some("20240102T03:04A-B_")),
    ];
    for (text, expected) in cases {
        assert_eq!(replaced(text, Unresolved::Keep).ok().as_deref(), expected, "{text}");
    }
}

#[test]
fn names_that_must_be_known_are_refused_and_others_may_be_missing() {
    let strict = Unresolved::RefuseRoots(&["inputs"]);
    assert!(replaced("{{=inputs.parameters.q == '3'}}", strict).is_err());
    // nothing is missing: it has to have a value
    assert!(replaced("{{=int(a + 'x')}}", strict).is_err());
    assert!(replaced("{{=nil}}", strict).is_err());
    assert_eq!(replaced("{{=nope.x}}", strict).as_deref(), Ok("{{=nope.x}}"));
}
