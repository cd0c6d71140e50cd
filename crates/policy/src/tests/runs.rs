//! What may happen to a run and in its name, as the catalog changes around it.

use model::RunId;

use super::{
    DEFINITIONS, WORLD, allowed, changed, machine, now, operator, person, refused, rules_of, run_id, run_of,
    server, submit, submit_namespace,
    table::{approve, node},
    told, with_second_factor, world,
};
use crate::{
    AdvanceRun, DeleteRun, KillPod, MintRunToken, ResumeRun, Rules, RunFacts, ServerPolicy, StartPod,
    StopRun, TerminateRun, Verdict, ViewLog, ViewOutput, ViewRun,
};
use identity::Caller;

fn start_pod(run: &RunFacts) -> StartPod {
    StartPod { run: run.clone(), node: node() }
}

fn in_its_name(rules: &Rules, run: RunId, action: &impl crate::Action) -> Verdict {
    rules.decide(&operator(), Some(run), action, now()).verdict
}

#[test]
fn a_run_does_its_own_steps_and_nobody_elses() {
    let rules = world();
    let run = run_of(&operator());
    let mint = MintRunToken { run: run.clone(), node: node(), jti: "j".to_owned() };
    let kill = KillPod { run: run.clone(), node: node() };
    let advance = AdvanceRun { run: run.clone(), events_digest: "00".to_owned(), first: 1, count: 1 };
    for (id, expected) in [(run.id, Verdict::Allow), (run_id(2), Verdict::Deny)] {
        assert_eq!(in_its_name(&rules, id, &start_pod(&run)), expected);
        assert_eq!(in_its_name(&rules, id, &mint), expected);
        assert_eq!(in_its_name(&rules, id, &kill), expected);
        assert_eq!(in_its_name(&rules, id, &advance), expected);
    }
    // nor does the person, who may start and stop it
    for who in [
        operator(),
        person("fay", &["finance-platform"]),
        person("ada", &["admins"]),
        machine("spiffe://corp.example/erp"),
    ] {
        refused(&rules, &who, &start_pod(&run));
        refused(&rules, &who, &mint);
        refused(&rules, &who, &kill);
        refused(&rules, &who, &advance);
    }
}

#[test]
fn in_the_name_of_a_run_nothing_else_is_allowed() {
    let rules = world();
    let run = run_of(&operator());
    assert_eq!(in_its_name(&rules, run.id, &submit()), Verdict::Deny);
    assert_eq!(in_its_name(&rules, run.id, &ViewRun { run: run.clone() }), Verdict::Deny);
    assert_eq!(in_its_name(&rules, run.id, &ViewLog { run: run.clone() }), Verdict::Deny);
    assert_eq!(in_its_name(&rules, run.id, &ResumeRun { run: run.clone(), node: None }), Verdict::Deny);
    assert_eq!(in_its_name(&rules, run.id, &StopRun { run: run.clone(), message: None }), Verdict::Deny);
    assert_eq!(in_its_name(&rules, run.id, &approve(run_of(&person("x", &[])))), Verdict::Deny);
    assert_eq!(in_its_name(&rules, run.id, &crate::ViewServer {}), Verdict::Deny);
    let staff = with_second_factor(person("ada", &["admins", "auditors", "payroll-approvers"]));
    for decision in [
        rules.decide(&staff, Some(run.id), &crate::ViewAudit {}, now()),
        rules.decide(&staff, Some(run.id), &approve(run.clone()), now()),
    ] {
        assert_eq!(decision.verdict, Verdict::Deny, "{}", told(&decision));
        assert!(!decision.advice.is_empty());
    }
}

#[test]
fn narrowing_a_scope_stops_new_steps_but_not_the_bookkeeping() {
    let run = run_of(&operator());
    let narrowed = changed(
        "{subject: \"group:payroll-operators\", via: [manual]}",
        "{subject: \"group:night-shift\", via: [manual]}",
    );
    assert_eq!(in_its_name(&narrowed, run.id, &start_pod(&run)), Verdict::Deny);
    assert_eq!(in_its_name(&narrowed, run.id, &KillPod { run: run.clone(), node: node() }), Verdict::Allow);
    let advance = AdvanceRun { run: run.clone(), events_digest: "00".to_owned(), first: 1, count: 1 };
    assert_eq!(in_its_name(&narrowed, run.id, &advance), Verdict::Allow);
    refused(&narrowed, &operator(), &StopRun { run, message: None });
}

#[test]
fn the_submitter_controls_the_own_run_while_listed_and_owners_every_run() {
    let rules = world();
    let own = StopRun { run: run_of(&operator()), message: None };
    let others = StopRun { run: run_of(&person("other", &[])), message: None };
    allowed(&rules, &operator(), &own);
    refused(&rules, &operator(), &others);
    let owner = person("fay", &["finance-platform"]);
    allowed(&rules, &owner, &own);
    allowed(&rules, &owner, &others);
    allowed(&rules, &owner, &TerminateRun { run: run_of(&operator()) });
    allowed(&rules, &owner, &DeleteRun { run: run_of(&operator()) });
    // owning the inner scope alone is not enough: every scope must say so
    refused(&rules, &person("pia", &["payroll-platform"]), &own);
}

#[test]
fn the_same_subject_of_another_issuer_is_somebody_else() {
    let rules = changed("  identityProvider: corp\n", "");
    let mut namesake = operator();
    namesake.key.issuer = "https://other.example".to_owned();
    refused(&rules, &namesake, &StopRun { run: run_of(&operator()), message: None });
    // and the same person under another configured name of the same issuer is still the submitter
    let mut renamed = with_second_factor(person("olga", &["payroll-approvers"]));
    renamed.provider = "corp-two".to_owned();
    refused(&rules, &renamed, &approve(run_of(&operator())));
    allowed(
        &rules,
        &with_second_factor(person("anna", &["payroll-approvers"])),
        &approve(run_of(&operator())),
    );
}

#[test]
fn submitters_and_machines_never_approve_whatever_lists_them() {
    let everywhere = "approvers: [\"group:payroll-operators\", \"workload:bot\"]";
    let wide = WORLD
        .replace("approvers: [\"group:payroll-approvers\"]", everywhere)
        .replace("approvers: [\"group:finance-leads\", \"group:payroll-approvers\"]", everywhere);
    let rules = rules_of(&[DEFINITIONS, &wide], &server());
    let gate = approve(run_of(&operator()));
    allowed(&rules, &with_second_factor(person("oskar", &["payroll-operators"])), &gate);
    let own = refused(&rules, &with_second_factor(operator()), &gate);
    assert_eq!(own.rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["never the submitter"]);
    let mut bot = machine("bot");
    bot.amr = vec!["mfa".to_owned()];
    let machine = refused(&rules, &bot, &gate);
    assert_eq!(
        machine.rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(),
        ["machines never approve"]
    );
}

#[test]
fn a_gate_no_trait_names_cannot_be_decided() {
    let gate = crate::ApproveGate { gate: "other".to_owned(), ..approve(run_of(&operator())) };
    let decision = refused(&world(), &with_second_factor(person("anna", &["payroll-approvers"])), &gate);
    assert!(decision.rules.iter().any(|rule| rule.id.ends_with("gates")), "{}", told(&decision));
}

#[test]
fn when_the_component_is_gone_the_scopes_of_the_run_still_bound_it() {
    let world_without_application =
        WORLD.split("---").filter(|text| !text.contains("kind: Application")).collect::<Vec<_>>().join("---");
    let rules = rules_of(&[DEFINITIONS, &world_without_application], &server());
    let run = run_of(&operator());
    let viewer = person("vera", &["finance", "payroll"]);
    allowed(&rules, &viewer, &ViewOutput { run: run.clone() });
    refused(&rules, &person("frank", &["finance"]), &ViewOutput { run: run.clone() });
    let decision =
        refused(&rules, &with_second_factor(person("anna", &["payroll-approvers"])), &approve(run.clone()));
    assert!(decision.rules.iter().any(|rule| rule.says.contains("no longer exists")), "{}", told(&decision));

    // a scope that is gone too might have forbidden it
    let mut inner_gone = run.clone();
    inner_gone.scopes = vec![super::scope("gone"), super::scope("finance")];
    refused(&rules, &viewer, &ViewRun { run: inner_gone });
    let mut unscoped = run;
    unscoped.scopes = Vec::new();
    refused(&rules, &viewer, &ViewRun { run: unscoped });
}

fn unbound(namespace: &str, submitter: &identity::Principal) -> RunFacts {
    RunFacts {
        name: model::NamespacedName::new(namespace, "hello-1"),
        component: None,
        scopes: Vec::new(),
        ..run_of(submitter)
    }
}

#[test]
fn a_run_without_component_lies_in_the_root_scope_of_its_namespace() {
    let rules = world();
    let member = person("lou", &["lab"]);
    allowed(&rules, &member, &submit_namespace("lab"));
    let run = unbound("lab", &member);
    allowed(&rules, &member, &ViewLog { run: run.clone() });
    allowed(&rules, &member, &StopRun { run: run.clone(), message: None });
    refused(&rules, &operator(), &ViewRun { run });
    refused(&rules, &operator(), &ViewRun { run: unbound("finance", &operator()) });
}

#[test]
fn the_local_user_may_everything_on_unbound_runs_of_this_machine_and_nothing_else() {
    let local = rules_of(&[DEFINITIONS, WORLD], &ServerPolicy { local: true, ..server() });
    let me = Caller::local_user("me").principal().clone();
    let run = unbound("default", &me);
    allowed(&local, &me, &submit_namespace("default"));
    allowed(&local, &me, &ViewOutput { run: run.clone() });
    allowed(&local, &me, &ResumeRun { run: run.clone(), node: None });
    assert_eq!(local.decide(&me, Some(run.id), &start_pod(&run), now()).verdict, Verdict::Allow);
    assert_eq!(local.decide(&me, Some(run_id(9)), &start_pod(&run), now()).verdict, Verdict::Deny);
    // a scope bounds this one too
    refused(&local, &me, &submit_namespace("lab"));
    refused(&local, &me, &submit());
    refused(&local, &me, &ViewRun { run: run_of(&me) });
    // somebody whose issuer calls itself `os`, or who was configured so, is not the operating system's user
    let mut other = operator();
    other.provider = "os".to_owned();
    refused(&local, &other, &submit_namespace("default"));
    let mut other = operator();
    other.key.issuer = "os".to_owned();
    refused(&local, &other, &submit_namespace("default"));
    // and a server is not local
    refused(&world(), &me, &submit_namespace("default"));
}
