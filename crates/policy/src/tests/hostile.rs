//! Names, groups and claims of somebody who means harm.

use identity::{Principal, PrincipalKind};
use proptest::prelude::*;

use super::{allowed, changed, machine, now, operator, person, refused, submit, told, world};
use crate::{SubmitRun, names::user_id, words};

const LISTED: &str = "{subject: \"group:payroll-operators\", via: [manual]}";
const BY: &str = "by: [\"group:payroll-operators\"]";

#[test]
fn a_group_that_looks_like_policy_is_a_group_with_an_odd_name() {
    for odd in [
        r#"x"] || true || principal in [Group::"y"#,
        r#"x" , via: [manual]"#,
        r#"Group::"payroll-operators""#,
        r"x\u{22}",
        "x::y",
        "?principal",
        "{\"__entity\": {\"type\": \"Group\", \"id\": \"y\"}}",
        "__entity",
        "gruppe-ä-😀",
        "x' // y",
    ] {
        let quoted = serde_json::to_string(&format!("group:{odd}")).unwrap();
        let world = super::WORLD
            .replace(LISTED, &format!("{{\"subject\": {quoted}, \"via\": [\"manual\"]}}"))
            .replace(BY, &format!("by: [{quoted}]"));
        let rules = super::rules_of(&[super::DEFINITIONS, &world], &super::server());
        allowed(&rules, &person("olga", &["finance", odd]), &submit());
        for near in ["y", "x", "payroll-operators", "group:payroll-operators"] {
            refused(&rules, &person("olga", &["finance", near]), &submit());
        }
    }
}

#[test]
fn a_group_is_compared_byte_for_byte() {
    let rules = world();
    for near in [
        "payroll-operators\n",
        " payroll-operators",
        "Payroll-Operators",
        "payroll-operators\0",
        "payroll\u{2010}operators",
        "Group::\"payroll-operators\"",
        "payroll-operators\",\"admins",
        "*",
        "",
    ] {
        let decision = refused(&rules, &person("mallory", &["finance", "payroll", near]), &submit());
        assert!(!told(&decision).contains('\0'));
    }
}

#[test]
fn an_email_identifies_nobody() {
    let rules = {
        let listed = "{subject: \"user:corp#olga@corp.example\", via: [manual]}";
        let world = super::WORLD.replace(LISTED, listed).replace(BY, "by: [\"user:corp#olga@corp.example\"]");
        super::rules_of(&[super::DEFINITIONS, &world], &super::server())
    };
    let mut mallory = person("mallory", &["finance"]);
    mallory.email = Some("olga@corp.example".to_owned());
    mallory.name = Some("olga@corp.example".to_owned());
    refused(&rules, &mallory, &submit());
    allowed(&rules, &person("olga@corp.example", &["finance"]), &submit());
}

#[test]
fn a_person_is_issuer_and_subject_and_neither_kind_passes_for_the_other() {
    let listed = "{subject: \"user:corp#olga\", via: [manual]}";
    let world = super::WORLD
        .replace("  identityProvider: corp\n", "")
        .replace(LISTED, listed)
        .replace(BY, "by: [\"user:corp#olga\"]");
    let rules = super::rules_of(&[super::DEFINITIONS, &world], &super::server());
    allowed(&rules, &person("olga", &["finance"]), &submit());
    refused(&rules, &Principal { provider: "other".to_owned(), ..person("olga", &["finance"]) }, &submit());
    refused(&rules, &Principal { kind: PrincipalKind::Workload, ..person("olga", &["finance"]) }, &submit());
    refused(&rules, &person("", &["user:corp#olga", "olga", "finance"]), &submit());
    // a person named like a machine
    let by_api = SubmitRun { via: model::oam::Via::Api, ..submit() };
    allowed(&rules, &machine("spiffe://corp.example/erp"), &by_api);
    refused(&rules, &person("spiffe://corp.example/erp", &[]), &by_api);
}

#[test]
fn another_identity_provider_counts_nothing_where_one_is_named() {
    let mut elsewhere = operator();
    elsewhere.provider = "other".to_owned();
    let decision = refused(&world(), &elsewhere, &submit());
    assert!(
        decision.advice.iter().any(|sentence| sentence == "log in with the identity provider `corp`"),
        "{}",
        told(&decision)
    );
    allowed(&changed("  identityProvider: corp\n", ""), &elsewhere, &submit());
}

#[test]
fn one_factor_however_named_is_not_two() {
    let rules = world();
    let gate = super::table::approve(super::run_of(&operator()));
    let logged_in = |amr: &[&str], acr: Option<&str>| Principal {
        amr: amr.iter().map(|method| (*method).to_owned()).collect(),
        acr: acr.map(str::to_owned),
        ..person("anna", &["payroll-approvers"])
    };
    for (amr, acr) in [
        (&[][..], None),
        (&["pwd"], None),
        (&["otp"], None),
        (&["pwd", "pin"], None),
        (&["otp", "sms"], None),
        (&["MFA"], None),
        (&["pwd"], Some("1")),
        (&["pwd"], Some("mfa")),
    ] {
        refused(&rules, &logged_in(amr, acr), &gate);
    }
    for (amr, acr) in [
        (&["mfa"][..], None),
        (&["pwd", "otp"], None),
        (&["pin", "hwk"], None),
        (&["hwk", "fpt"], None),
        (&["pwd"], Some("phr")),
    ] {
        allowed(&rules, &logged_in(amr, acr), &gate);
    }
}

#[test]
fn a_login_from_the_future_has_no_age() {
    let rules = changed(
        "{effect: require, actions: [approve], when: {mfa: true}}",
        "{effect: require, actions: [trigger], when: {maxAuthAgeSeconds: 900}}",
    );
    let at = |time: &str| Principal { auth_time: Some(time.parse().unwrap()), ..operator() };
    allowed(&rules, &at("2026-11-23T11:45:00Z"), &submit());
    allowed(&rules, &at("2026-11-23T12:00:30Z"), &submit());
    assert!(refused(&rules, &at("2026-11-23T11:44:59Z"), &submit()).missing.is_empty());
    for unknown in [at("2026-11-23T12:02:00Z"), Principal { auth_time: None, ..operator() }] {
        assert_eq!(refused(&rules, &unknown, &submit()).missing, ["authAge"]);
    }
}

#[test]
fn thousands_of_groups_parameters_and_overrides_are_decided_all_the_same() {
    let rules = world();
    let many: Vec<String> = (0..5_000).map(|number| format!("group-{number}")).collect();
    let mut mallory = person("mallory", &[]);
    mallory.groups = many.clone();
    let action = SubmitRun {
        overrides: many.clone(),
        parameters: many.into_iter().map(|name| (name.clone(), name)).collect(),
        ..submit()
    };
    refused(&rules, &mallory, &action);
}

#[test]
fn text_of_others_cannot_forge_a_line_of_an_explanation() {
    let shown = words::plain("a\nrule  forged\r\u{202e}b\u{2028}c");
    assert!(!shown.contains(['\n', '\r', '\u{202e}', '\u{2028}']), "{shown:?}");
    assert!(words::plain(&"x".repeat(100_000)).len() < 300);
    let decision = refused(
        &world(),
        &operator(),
        &SubmitRun { overrides: vec!["x\nmissing nothing".to_owned()], ..submit() },
    );
    assert!(decision.advice.iter().all(|sentence| !sentence.contains('\n')));
}

proptest! {
    #[test]
    fn two_people_never_share_an_id(a in "[a\"\\\\,#\\[\\]]{0,6}", b in "[a\"\\\\,#\\[\\]]{0,6}", c in "[a\"\\\\,#\\[\\]]{0,6}", d in "[a\"\\\\,#\\[\\]]{0,6}") {
        prop_assert_eq!(user_id(&a, &b) == user_id(&c, &d), a == c && b == d);
    }

    #[test]
    fn no_claim_of_any_kind_makes_the_decision_fail_open(
        subject in any::<String>(), provider in any::<String>(), groups in proptest::collection::vec(any::<String>(), 0..4), amr in proptest::collection::vec(any::<String>(), 0..3),
    ) {
        let rules = RULES.with(std::rc::Rc::clone);
        let mut mallory = person(&subject, &[]);
        mallory.provider = provider;
        mallory.groups = groups;
        mallory.amr = amr;
        let decision = rules.decide(&mallory, None, &submit(), now());
        prop_assert_eq!(decision.verdict, crate::Verdict::Deny);
        prop_assert!(decision.errors.is_empty(), "{:?}", decision.errors);
    }
}

thread_local! {
    static RULES: std::rc::Rc<crate::Rules> = std::rc::Rc::new(world());
}
