//! Access policies that make no sense are refused where they are written; those that do, do what they say.

use model::fault::Fault;

use super::{DEFINITIONS, WORLD, allowed, catalog, changed, operator, refused, server, submit};
use crate::{Rules, SubmitRun};

const RULE: &str = "{effect: forbid, actions: [trigger], subjects: [\"group:contractors\"]}";

fn faults(rule: &str) -> Vec<Fault> {
    assert!(WORLD.contains(RULE));
    match catalog(&[DEFINITIONS, &WORLD.replace(RULE, rule)]) {
        Err(faults) => faults,
        Ok(catalog) => Rules::compile(catalog, &server()).err().unwrap_or_default(),
    }
}

#[track_caller]
fn check_refused(rule: &str, code: &str) {
    let faults = faults(rule);
    assert!(!faults.is_empty(), "{rule} was accepted");
    // the model may refuse it first, with a code of its own
    assert!(
        faults.iter().any(|fault| fault.code.0 == code || fault.code.0.starts_with("MDL")),
        "{rule}: {faults:?}"
    );
    assert!(faults.iter().all(|fault| fault.place.is_some()), "{rule}: {faults:?}");
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_with_its_place() {
    for (rule, code) in [
        ("{effect: require, actions: [trigger], when: {mfaa: true}}", "POL0004"),
        ("{effect: forbid, actions: [trigger], when: {weekday: monday}}", "POL0004"),
        ("{effect: require, actions: [trigger], when: {mfa: false}}", "POL0005"),
        ("{effect: require, actions: [trigger], when: {maxAuthAgeSeconds: 15m}}", "POL0005"),
        ("{effect: require, actions: [trigger], when: {maxAuthAgeSeconds: 0}}", "POL0005"),
        ("{effect: require, actions: [trigger], when: {maxAuthAgeSeconds: 18446744073709551615}}", "POL0005"),
        ("{effect: require, actions: [trigger], when: {ticket: \"(\"}}", "POL0005"),
        ("{effect: require, actions: [trigger], when: {ticket: \"((a{1000}){1000}){1000}\"}}", "POL0005"),
        ("{effect: require, actions: [trigger], when: {ticket: true}}", "POL0005"),
        ("{effect: require, actions: [trigger], when: {params: []}}", "POL0005"),
        ("{effect: require, actions: [trigger], when: {params: {month: []}}}", "POL0005"),
        ("{effect: require, actions: [trigger], when: {params: {month: {pattern: x}}}}", "POL0005"),
        ("{effect: require, actions: [trigger, view], when: {ticket: x}}", "POL0006"),
        ("{effect: forbid, actions: [approve], when: {params: {month: x}}}", "POL0006"),
    ] {
        check_refused(rule, code);
    }
}

#[test]
fn every_code_has_its_page() {
    for number in 1..=7 {
        let path = format!("{}/../../docs/errors/POL{number:04}.md", env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(&path).unwrap();
        assert!(page.starts_with(&format!("# POL{number:04}: ")), "{path}");
    }
}

/// Checks that under `rule`, of these two submissions the first is allowed and the second is not.
#[track_caller]
fn check(rule: &str, fine: &SubmitRun, wrong: &SubmitRun) {
    let rules = changed(RULE, rule);
    allowed(&rules, &operator(), fine);
    refused(&rules, &operator(), wrong);
}

fn month(value: &str) -> SubmitRun {
    SubmitRun { parameters: [("month".to_owned(), value.to_owned())].into(), ..submit() }
}

#[test]
fn conditions_do_what_they_say() {
    let november = month("2026-11");
    let none = SubmitRun { parameters: Default::default(), ..submit() };
    let ticket = |ticket: &str| SubmitRun { ticket: Some(ticket.to_owned()), ..submit() };
    let require = |when: &str| format!("{{effect: require, actions: [trigger], when: {{{when}}}}}");
    let forbid = |when: &str| format!("{{effect: forbid, actions: [trigger], when: {{{when}}}}}");
    check(&require("params: {month: 2026-11}"), &november, &month("2026-12"));
    check(&require("params: {month: [2026-11, 2026-10]}"), &november, &none);
    check(&require("params: {month: [5, true]}"), &month("5"), &month("2026-11"));
    check(&forbid("params: {month: 2026-12}"), &november, &month("2026-12"));
    check(&forbid("params: {month: 2026-12}"), &none, &month("2026-12"));
    check(&require("ticket: \"^CHG-\""), &ticket("CHG-1"), &ticket("INC-1"));
    check(&require("ticket: \"^CHG-\""), &ticket("CHG-1"), &submit());
    check(&require("ticket: \"^CHG-[0-9]+$\""), &ticket("CHG-1"), &ticket("CHG-1\nINC"));
    check(&forbid("ticket: \"^INC-\""), &submit(), &ticket("INC-1"));
}

#[test]
fn facts_of_the_login_are_conditions() {
    let rules = |effect: &str, when: &str| {
        changed(RULE, &format!("{{effect: {effect}, actions: [trigger], when: {{{when}}}}}"))
    };
    for (when, holds) in
        [("mfa: true", false), ("maxAuthAgeSeconds: 600", true), ("maxAuthAgeSeconds: 599", false)]
    {
        let (fine, wrong) = if holds { ("require", "forbid") } else { ("forbid", "require") };
        allowed(&rules(fine, when), &operator(), &submit());
        refused(&rules(wrong, when), &operator(), &submit());
    }
}

#[test]
fn a_rule_with_subjects_concerns_only_them() {
    let forbid = |subjects: &str| {
        changed(RULE, &format!("{{effect: forbid, actions: [trigger], subjects: [{subjects}]}}"))
    };
    allowed(&forbid("\"group:contractors\""), &operator(), &submit());
    refused(&forbid("\"group:contractors\", \"user:corp#olga\""), &operator(), &submit());
    let require = |subject: &str| {
        changed(
            RULE,
            &format!(
                "{{effect: require, actions: [trigger], subjects: [\"{subject}\"], when: {{mfa: true}}}}"
            ),
        )
    };
    allowed(&require("group:contractors"), &operator(), &submit());
    refused(&require("group:payroll-operators"), &operator(), &submit());
}

#[test]
fn all_facts_of_a_forbid_must_hold_and_each_of_a_require() {
    let rule = |effect: &str| {
        changed(RULE, &format!("{{effect: {effect}, actions: [trigger], when: {{mfa: true, ticket: x}}}}"))
    };
    let strong = super::with_second_factor(operator());
    let ticketed = SubmitRun { ticket: Some("x".to_owned()), ..submit() };
    refused(&rule("forbid"), &strong, &ticketed);
    allowed(&rule("forbid"), &strong, &submit());
    allowed(&rule("forbid"), &operator(), &ticketed);
    allowed(&rule("require"), &strong, &ticketed);
    assert_eq!(refused(&rule("require"), &strong, &submit()).missing, ["ticket"]);
    assert_eq!(refused(&rule("require"), &operator(), &submit()).missing, ["mfa", "ticket"]);
}
