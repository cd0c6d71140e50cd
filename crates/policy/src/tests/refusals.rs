//! Each refusal says which rules made it, where they are written, what was missing and what would help.

use model::oam::Via;

use super::{
    allowed, changed, component, decide, machine, now, operator, payroll, person, refused, rules_of, run_of,
    scope, submit, submit_namespace, table::approve, told, with_second_factor, world,
};
use crate::{
    Action, ApplyManifests, Context, Explain, Resource, Rules, ServerPolicy, StopRun, SubmitRun,
    SubmitTarget, ViewAudit, ViewRun, action,
};

fn with_override(name: &str) -> SubmitRun {
    SubmitRun { overrides: vec![name.to_owned()], ..submit() }
}

#[test]
fn refusals_read_as_recorded() {
    let rules = world();
    let contractor = person("carl", &["contractors", "finance", "payroll", "payroll-operators"]);
    let approver = person("andy", &["finance", "payroll-approvers"]);
    let run = run_of(&operator());
    let texts = [
        ("a contractor submits", decide(&rules, &contractor, &submit())),
        (
            "somebody of payroll who is no operator submits",
            decide(&rules, &person("vera", &["finance", "payroll"]), &submit()),
        ),
        ("somebody from nowhere submits", decide(&rules, &person("otto", &[]), &submit())),
        ("no reason", decide(&rules, &operator(), &SubmitRun { reason: None, ..submit() })),
        ("a parameter that may not be set", decide(&rules, &operator(), &with_override("bucket"))),
        ("a parameter without a ticket", decide(&rules, &operator(), &with_override("month"))),
        ("the submitter approves", decide(&rules, &with_second_factor(operator()), &approve(run.clone()))),
        ("an approver without second factor", decide(&rules, &approver, &approve(run.clone()))),
        ("a person stops another's run", decide(&rules, &approver, &StopRun { run, message: None })),
        ("a namespace without root scope", decide(&rules, &operator(), &submit_namespace("finance"))),
        (
            "a change outside every scope",
            decide(
                &rules,
                &operator(),
                &ApplyManifests {
                    namespace: "finance".to_owned(),
                    digest: "00".to_owned(),
                    scopes: Vec::new(),
                },
            ),
        ),
        ("the audit log", decide(&rules, &operator(), &ViewAudit {})),
    ];
    let text: Vec<String> =
        texts.iter().map(|(title, decision)| format!("## {title}\n{}", told(decision))).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn an_allowed_act_names_the_permit_and_every_bound_it_met() {
    let decision = allowed(&world(), &operator(), &submit());
    let ids: Vec<&str> = decision.rules.iter().map(|rule| rule.id.as_str()).collect();
    for id in [
        "permit within scopes",
        "scope finance/payroll-prod triggerers",
        "scope finance/finance triggerers",
        "scope finance/finance identityProvider",
        "component finance/payroll/payroll-export manual-trigger by",
        "component finance/payroll/payroll-export manual-trigger requireReason",
        "component finance/payroll/payroll-export policy 1 rule 1 trigger forbid",
    ] {
        assert!(ids.contains(&id), "{id} is missing in {ids:#?}");
    }
    assert!(!ids.iter().any(|id| id.contains("overridable")), "no parameter was set: {ids:#?}");
}

#[test]
fn a_missing_fact_is_named_and_giving_it_helps() {
    let rules = world();
    assert_eq!(
        refused(&rules, &operator(), &SubmitRun { reason: Some(" \t".to_owned()), ..submit() }).missing,
        ["reason"]
    );
    assert_eq!(refused(&rules, &operator(), &with_override("month")).missing, ["ticket"]);
    let wrong = SubmitRun { ticket: Some("CHG-seven".to_owned()), ..with_override("month") };
    assert!(refused(&rules, &operator(), &wrong).missing.is_empty(), "a ticket was given, if not a good one");
    allowed(&rules, &operator(), &SubmitRun { ticket: Some("CHG-7".to_owned()), ..with_override("month") });
    let approver = person("andy", &["payroll-approvers"]);
    let gate = approve(run_of(&operator()));
    assert_eq!(refused(&rules, &approver, &gate).missing, ["mfa"]);
    allowed(&rules, &with_second_factor(approver), &gate);
}

#[test]
fn a_parameter_outside_the_trait_is_named() {
    let both = SubmitRun {
        overrides: vec!["month".to_owned(), "bucket".to_owned()],
        ticket: Some("CHG-7".to_owned()),
        ..submit()
    };
    let decision = refused(&world(), &operator(), &both);
    assert!(
        decision.advice.iter().any(|sentence| sentence.starts_with("leave out `bucket`")),
        "{}",
        told(&decision)
    );
}

#[test]
fn without_the_trait_nobody_starts_by_hand() {
    let from = "        - type: manual-trigger\n          properties:\n            by: [\"group:payroll-operators\"]\n            overridable: [month]\n";
    let rules = changed(from, "");
    let decision = refused(&rules, &operator(), &submit());
    assert!(
        decision.rules.iter().any(|rule| rule.says.contains("has no `manual-trigger` trait")),
        "{}",
        told(&decision)
    );
    allowed(&rules, &machine("spiffe://corp.example/erp"), &SubmitRun { via: Via::Api, ..submit() });
}

#[test]
fn a_person_cannot_take_a_machines_path_nor_a_machine_a_persons() {
    let world = super::WORLD
        .replace("via: [manual]", "via: [manual, api, cron, event]")
        .replace("via: [api]", "via: [manual, api]")
        .replace("via: [event, api]", "via: [manual, event, api]");
    let rules = rules_of(&[super::DEFINITIONS, &world], &super::server());
    allowed(&rules, &operator(), &submit());
    allowed(&rules, &machine("spiffe://corp.example/erp"), &SubmitRun { via: Via::Api, ..submit() });
    for via in [Via::Api, Via::Cron, Via::Event] {
        refused(&rules, &operator(), &SubmitRun { via, reason: None, ..submit() });
    }
    refused(&rules, &machine("spiffe://corp.example/erp"), &submit());
}

#[test]
fn who_may_not_know_is_told_apart_from_who_may() {
    let rules = world();
    let payroll = Resource::Component(payroll());
    let knows = |who: &identity::Principal, resource: &Resource| rules.may_know(who, None, resource, now());
    for groups in [
        ["payroll-operators"],
        ["payroll-approvers"],
        ["internal-audit"],
        ["payroll-platform"],
        ["finance-platform"],
        ["admins"],
        ["auditors"],
    ] {
        assert!(knows(&person("x", &groups), &payroll), "{groups:?}");
    }
    for groups in [&[][..], &["finance"], &["lab"], &["contractors"]] {
        assert!(!knows(&person("x", groups), &payroll), "{groups:?}");
        let missing = Resource::Component(component("payroll", "missing"));
        assert!(!knows(&person("x", groups), &missing), "one that is not there looks the same");
    }
    assert!(knows(&person("x", &[]), &Resource::Server));
    assert!(
        knows(&person("x", &[]), &Resource::Namespace("finance".to_owned())),
        "without a root scope there is nothing to hide"
    );
    assert!(!knows(&person("x", &[]), &Resource::Namespace("lab".to_owned())));
    assert!(knows(&person("x", &["lab"]), &Resource::Namespace("lab".to_owned())));
}

#[test]
fn owners_apply_only_what_lies_in_their_scopes() {
    let rules = world();
    let apply = |scopes: &[&str]| ApplyManifests {
        namespace: "finance".to_owned(),
        digest: "00".to_owned(),
        scopes: scopes.iter().map(|name| scope(name)).collect(),
    };
    let inner = person("pia", &["payroll-platform"]);
    allowed(&rules, &inner, &apply(&["payroll-prod"]));
    refused(&rules, &inner, &apply(&["payroll-prod", "finance"]));
    refused(&rules, &inner, &apply(&[]));
    refused(&rules, &inner, &apply(&["payroll-prod", "gone"]));
    for scopes in [&[][..], &["finance"], &["payroll-prod", "finance"], &["gone"]] {
        allowed(&rules, &person("ada", &["admins"]), &apply(scopes));
    }
}

#[test]
fn an_administrator_gains_nothing_inside_a_scope() {
    let rules = world();
    let administrator = with_second_factor(person("ada", &["admins", "auditors"]));
    refused(&rules, &administrator, &submit());
    refused(&rules, &administrator, &submit_namespace("lab"));
    refused(&rules, &administrator, &ViewRun { run: run_of(&operator()) });
    refused(&rules, &administrator, &approve(run_of(&operator())));
    refused(&rules, &administrator, &StopRun { run: run_of(&operator()), message: None });
}

#[test]
fn with_nobody_configured_nobody_is_an_administrator() {
    let rules = rules_of(&[super::DEFINITIONS, super::WORLD], &ServerPolicy::default());
    for who in [person("ada", &["admins"]), person("x", &[""]), machine("")] {
        refused(&rules, &who, &ViewAudit {});
        refused(
            &rules,
            &who,
            &ApplyManifests { namespace: "finance".to_owned(), digest: "00".to_owned(), scopes: Vec::new() },
        );
        refused(&rules, &who, &Explain { component: payroll(), other: true });
    }
}

#[test]
fn a_component_that_is_not_there_or_in_no_scope_allows_nothing() {
    let rules = changed("      scopes:\n        identityscopes.marque.dev: payroll-prod\n", "");
    let decision = refused(&rules, &operator(), &submit());
    assert!(decision.rules.iter().any(|rule| rule.says.contains("lies in no scope")), "{}", told(&decision));
    let missing = SubmitRun { target: SubmitTarget::Component(component("payroll", "missing")), ..submit() };
    let decision = refused(&world(), &operator(), &missing);
    assert!(
        decision.rules.iter().any(|rule| rule.says.contains("there is no component")),
        "{}",
        told(&decision)
    );
}

struct Fly(Resource);
impl Action for Fly {
    const NAME: &'static str = "fly";
    const EFFECT: action::EffectKind = action::EffectKind::Change;
    fn resource(&self) -> Resource {
        self.0.clone()
    }
}

struct Misdirected(Resource);
impl Action for Misdirected {
    const NAME: &'static str = "submit";
    const EFFECT: action::EffectKind = action::EffectKind::Change;
    fn resource(&self) -> Resource {
        self.0.clone()
    }
    fn context(&self) -> Context {
        Context { via: Some(Via::Manual), reason: Some("why".to_owned()), ..Context::default() }
    }
}

#[test]
fn a_question_the_schema_does_not_know_is_refused_with_an_error() {
    let rules: Rules = world();
    for resource in [Resource::Server, Resource::Component(payroll()), Resource::Scope(scope("finance"))] {
        assert!(!refused(&rules, &operator(), &Fly(resource)).errors.is_empty());
    }
    for resource in [Resource::Server, Resource::Scope(scope("finance")), Resource::Run(run_of(&operator()))]
    {
        assert!(!refused(&rules, &operator(), &Misdirected(resource)).errors.is_empty());
    }
}

#[test]
fn the_digest_of_a_question_is_of_all_of_it() {
    let rules = world();
    let digest = |who: &identity::Principal, action: &SubmitRun, at: &str| {
        rules.decide(who, None, action, at.parse().unwrap()).request_digest
    };
    let at = "2026-11-23T12:00:00Z";
    let first = digest(&operator(), &submit(), at);
    assert_eq!(first.len(), 64);
    assert_eq!(first, digest(&operator(), &submit(), at));
    let mut month = submit();
    month.parameters.insert("month".to_owned(), "2026-12".to_owned());
    for other in [
        digest(&with_second_factor(operator()), &submit(), at),
        digest(&operator(), &month, at),
        digest(&operator(), &with_override("month"), at),
        digest(&operator(), &submit(), "2026-11-23T12:00:01Z"),
        digest(&operator(), &submit_namespace("finance"), at),
    ] {
        assert_ne!(first, other);
    }
}
